/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Docker's json-file: one object per line, its members in Docker's order and escaped as Docker
 * does, so that whatever reads those files reads these. A line is escaped once, straight into the
 * buffer that is written.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/json-fields.h"
#include "base/memory.h"
#include "base/time-format.h"
#include "supervisor/log-json-private.h"
#include "supervisor/log-private.h"

/* Everything of a record but the text and the attributes. */
#define RECORD_FRAME_MAX ((size_t)128)

typedef struct LogJson {
    LogSink sink;
    LogFile file;
    int64_t time; /* that tail is of */
    size_t attributes_size;
    char *attributes;             /* `,"attrs":{...}`, or empty */
    char *tails[_LOG_STREAM_MAX]; /* what follows a text of this stream at that time */
    size_t tail_sizes[_LOG_STREAM_MAX];
} LogJson;

static const char *const stream_names[] = {
    [LOG_STREAM_STDOUT] = "stdout",
    [LOG_STREAM_STDERR] = "stderr",
};

/* Whether it stands for itself. Those of 0x80 and above are looked at as UTF-8. */
static bool byte_is_plain(unsigned char byte)
{
    return byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\' && byte != '<' &&
           byte != '>' && byte != '&';
}

#define ALL(byte) (UINT64_C(0x0101010101010101) * (byte))

/* The highest bit of some byte is set if, and only if, @word has a zero byte. */
static uint64_t word_has_zero(uint64_t word)
{
    return (word - ALL(0x01)) & ~word & ALL(0x80);
}

/* byte_is_plain() of eight bytes at once. '<' and '>' differ in one bit, so do '"' and '&'. */
static bool word_is_plain(uint64_t word)
{
    uint64_t suspicious = word | ((word - ALL(0x20)) & ~word); /* above 0x7f, or below 0x20 */

    suspicious |= word_has_zero((word | ALL(0x02)) ^ ALL('>'));
    suspicious |= word_has_zero((word | ALL(0x04)) ^ ALL('&'));
    suspicious |= word_has_zero(word ^ ALL('\\'));
    return (suspicious & ALL(0x80)) == 0;
}

/* The length of the valid character that @text begins with; 0: there is none. */
static size_t utf8_length(const unsigned char *text, size_t size)
{
    static const struct {
        unsigned char first, last, second_first, second_last;
        size_t length;
    } forms[] = {
        { 0xc2, 0xdf, 0x80, 0xbf, 2 }, { 0xe0, 0xe0, 0xa0, 0xbf, 3 }, { 0xe1, 0xec, 0x80, 0xbf, 3 },
        { 0xed, 0xed, 0x80, 0x9f, 3 }, { 0xee, 0xef, 0x80, 0xbf, 3 }, { 0xf0, 0xf0, 0x90, 0xbf, 4 },
        { 0xf1, 0xf3, 0x80, 0xbf, 4 }, { 0xf4, 0xf4, 0x80, 0x8f, 4 },
    };

    for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
        size_t n;

        if (text[0] < forms[i].first || text[0] > forms[i].last)
            continue;
        if (size < forms[i].length || text[1] < forms[i].second_first ||
            text[1] > forms[i].second_last)
            return 0;
        for (n = 2; n < forms[i].length; n++)
            if ((text[n] & 0xc0) != 0x80)
                return 0;
        return n;
    }
    return 0;
}

/* "\u00XX" for control characters and what could end a script in HTML. */
static char *escape_byte(char *to, unsigned char byte)
{
    static const char digits[] = "0123456789abcdef";

    *to++ = '\\';
    switch (byte) {
    case '"':
    case '\\':
        *to++ = (char)byte;
        return to;
    case '\n':
        *to++ = 'n';
        return to;
    case '\r':
        *to++ = 'r';
        return to;
    default:
        to = mempcpy(to, "u00", 3);
        *to++ = digits[byte >> 4];
        *to++ = digits[byte & 0xf];
        return to;
    }
}

/* One character of more than a byte, or a byte that is none. Returns how many bytes it took. */
static size_t escape_wide(char **to, const unsigned char *from, size_t size)
{
    size_t length = utf8_length(from, size);

    if (length == 0) {
        *to = mempcpy(*to, "\\ufffd", 6);
        return 1;
    }
    if (length == 3 && from[0] == 0xe2 && from[1] == 0x80 && (from[2] & ~1) == 0xa8) {
        *to = mempcpy(*to, from[2] == 0xa8 ? "\\u2028" : "\\u2029", 6); /* newlines in JavaScript */
        return length;
    }
    *to = mempcpy(*to, from, length);
    return length;
}

size_t log_json_escape(char *to, const char *text, size_t size)
{
    const unsigned char *from = (const unsigned char *)text, *end = from + size;
    char *begin = to;

    while (from < end) {
        uint64_t word;

        if (end - from >= (ptrdiff_t)sizeof(word)) {
            memcpy(&word, from, sizeof(word));
            if (word_is_plain(word)) {
                memcpy(to, &word, sizeof(word));
                from += sizeof(word);
                to += sizeof(word);
                continue;
            }
        }
        /* This word's bytes one by one: the next one is likely to be plain again. */
        for (const unsigned char *stop = end - from < 8 ? end : from + 8; from < stop;) {
            if (byte_is_plain(*from))
                *to++ = (char)*from++;
            else if (*from >= 0x80)
                from += escape_wide(&to, from, (size_t)(end - from));
            else
                to = escape_byte(to, *from++);
        }
    }
    return (size_t)(to - begin);
}

static void tails_make(LogJson *json, int64_t time)
{
    _cleanup_free_ char *text = time_to_rfc3339(time);

    for (size_t i = 0; i < _LOG_STREAM_MAX; i++) {
        free(json->tails[i]);
        json->tails[i] = memory_printf("\",\"stream\":\"%s\"%s,\"time\":\"%s\"}\n", stream_names[i],
                                       json->attributes, text);
        json->tail_sizes[i] = strlen(json->tails[i]);
    }
    json->time = time;
}

uint64_t log_json_payload(const char *record, size_t size)
{
    static const char wide[] = "\\u2028"; /* and "\u2029": the only characters that are escaped */
    const char *text = record + strlen("{\"log\":\""), *end = record + size;
    uint64_t payload = 0;

    while (text < end && *text != '"') {
        size_t escaped = *text != '\\' ? 1 : text[1] == 'u' ? 6 : 2;

        payload += escaped == 6 && memcmp(text, wide, 5) == 0 ? 3 : 1;
        text += escaped;
    }
    return payload;
}

static char *record_make(LogJson *json, char *to, const LogLine *line)
{
    to = mempcpy(to, "{\"log\":\"", 8);
    to += log_json_escape(to, line->text, line->size);
    if (!line->is_partial)
        to = mempcpy(to, "\\n", 2);
    return mempcpy(to, json->tails[line->stream], json->tail_sizes[line->stream]);
}

/* Say first what is missing before this line. */
static void notice_make(LogJson *json)
{
    char text[LOG_NOTICE_MAX], *to = json->file.buffer + json->file.used;
    LogLine notice = { .stream = LOG_STREAM_STDERR, .text = text };

    notice.size = log_file_take_notice(&json->file, text);
    if (notice.size > 0)
        log_file_commit_notice(&json->file, (size_t)(record_make(json, to, &notice) - to));
}

static int json_take(LogSink *sink, const LogLine *line)
{
    LogJson *json = (LogJson *)sink;
    size_t frame = RECORD_FRAME_MAX + json->attributes_size;
    char *to;

    if (!json->tails[0] || line->time != json->time)
        tails_make(json, line->time);
    (void)log_file_reserve(&json->file, 2 * frame + LOG_NOTICE_MAX * LOG_JSON_GROWTH +
                                            line->size * LOG_JSON_GROWTH);
    if (json->file.lost > 0)
        notice_make(json);
    to = json->file.buffer + json->file.used;
    log_file_commit(&json->file, (size_t)(record_make(json, to, line) - to));
    return 0;
}

static void json_flush(LogSink *sink)
{
    log_file_flush(&((LogJson *)sink)->file);
}

static void json_rest(LogSink *sink)
{
    log_file_rest(&((LogJson *)sink)->file);
}

static void json_free(LogSink *sink)
{
    LogJson *json = (LogJson *)sink;

    if (json->file.lost > 0) {
        (void)log_file_reserve(&json->file, RECORD_FRAME_MAX + json->attributes_size +
                                                LOG_NOTICE_MAX * LOG_JSON_GROWTH);
        notice_make(json);
    }
    log_file_done(&json->file);
    for (size_t i = 0; i < _LOG_STREAM_MAX; i++)
        free(json->tails[i]);
    free(json->attributes);
    free(json);
}

static const LogSinkType log_json_type = {
    .take = json_take,
    .flush = json_flush,
    .rest = json_rest,
    .free = json_free,
};

/* `,"attrs":{...}` of what each entry is to bear. */
static char *attributes_make(const StringMap *attributes)
{
    _cleanup_json_ json_t *object = json_object();
    _cleanup_free_ char *text = NULL;

    if (!attributes || attributes->count == 0)
        return memory_strdup("");
    for (size_t i = 0; i < attributes->count; i++)
        (void)json_object_set_new(object, attributes->items[i].key,
                                  json_string(attributes->items[i].value)); /* NULL: left out */
    text = json_to_text(object);
    return memory_printf(",\"attrs\":%s", text);
}

int log_json_open(const LogTarget *target, const LogFileSettings *settings, LogSink **ret,
                  Error *err)
{
    LogJson *json = NEW(LogJson);
    int r = log_file_open(&json->file, target->directory_fd, settings, log_json_payload, err);

    if (r < 0) {
        free(json);
        return r;
    }
    json->sink = (LogSink) { .type = &log_json_type, .wait_fd = -EBADF };
    json->attributes = attributes_make(target->attributes);
    json->attributes_size = strlen(json->attributes);
    *ret = &json->sink;
    return 0;
}
