/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Names are compressed by pointers that only lead back, so a record can be left out at the end, and
 * a question be replaced by one of the same length, without a look at the others.
 */

#include "network/dns/message.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "base/cleanup.h"

#define FLAG_ANSWER 0x8000
#define FLAG_TRUNCATED 0x0200
#define FLAG_RECURSION_DESIRED 0x0100
#define FLAG_RECURSION_AVAILABLE 0x0080
#define FLAG_CHECKING_DISABLED 0x0010
#define OPERATION_MASK 0x7800
#define CODE_MASK 0x000f

#define LABEL_MAX 63
#define LABEL_POINTER 0xc0
#define QUESTION_TAIL 4 /* type and class */
#define RECORD_FIXED 10 /* type, class, lifetime, length */
#define OPT_SIZE (1 + RECORD_FIXED)
#define EDNS_DNSSEC_OK 0x8000

/* Of SOA, behind its two names: five numbers, of which the last is how long there is nothing. */
#define SOA_NUMBERS 20

static uint16_t get16(const uint8_t *data)
{
    return (uint16_t)(data[0] << 8 | data[1]);
}

static uint32_t get32(const uint8_t *data)
{
    return (uint32_t)get16(data) << 16 | get16(data + 2);
}

static void put16(uint8_t *data, unsigned value)
{
    data[0] = (uint8_t)(value >> 8);
    data[1] = (uint8_t)value;
}

static void put32(uint8_t *data, uint32_t value)
{
    put16(data, value >> 16);
    put16(data + 2, value & 0xffff);
}

/* The counts of the header. */
enum { COUNT_QUESTIONS = 4, COUNT_ANSWERS = 6, COUNT_AUTHORITIES = 8, COUNT_ADDITIONAL = 10 };

/* The end of the name at @offset, 0 where it has none. */
static size_t skip_name(const uint8_t *data, size_t size, size_t offset)
{
    while (offset < size) {
        uint8_t length = data[offset];

        if (length == 0)
            return offset + 1;
        if ((length & LABEL_POINTER) == LABEL_POINTER)
            return offset + 2 <= size ? offset + 2 : 0;
        if (length > LABEL_MAX)
            return 0;
        offset += 1U + length;
    }
    return 0;
}

typedef struct Record {
    uint16_t type;
    uint16_t class;
    uint32_t lifetime;
    size_t lifetime_at;
    size_t content;
    uint16_t content_size;
    size_t end;
} Record;

static int record_read(const uint8_t *data, size_t size, size_t offset, Record *ret)
{
    size_t at = skip_name(data, size, offset);

    if (at == 0 || size - at < RECORD_FIXED)
        return -EBADMSG;
    *ret = (Record) {
        .type = get16(data + at),
        .class = get16(data + at + 2),
        .lifetime = get32(data + at + 4),
        .lifetime_at = at + 4,
        .content = at + RECORD_FIXED,
        .content_size = get16(data + at + 8),
    };
    ret->end = ret->content + ret->content_size;
    return ret->end <= size ? 0 : -EBADMSG;
}

static unsigned count_records(const uint8_t *data)
{
    return (unsigned)get16(data + COUNT_ANSWERS) + get16(data + COUNT_AUTHORITIES) +
           get16(data + COUNT_ADDITIONAL);
}

/* A name as it is asked for: not compressed. Returns its end, or 0. */
static size_t read_name(const uint8_t *data, size_t size, size_t offset, Query *query)
{
    for (;;) {
        size_t length;

        if (offset >= size || data[offset] > LABEL_MAX)
            return 0;
        length = data[offset] + 1U;
        if (offset + length > size || query->name_size + length > MESSAGE_NAME_MAX)
            return 0;
        query->name[query->name_size] = data[offset];
        for (size_t i = 1; i < length; i++)
            query->name[query->name_size + i] = (uint8_t)tolower(data[offset + i]);
        query->name_size += length;
        offset += length;
        if (length == 1)
            return offset;
    }
}

/* As text; a name with a character that could be taken for another name has none. */
static void name_to_text(const uint8_t *name, char *text)
{
    size_t at = 0;

    for (const uint8_t *label = name; *label; label += *label + 1) {
        if (at > 0)
            text[at++] = '.';
        for (size_t i = 1; i <= *label; i++) {
            if (label[i] <= ' ' || label[i] >= 0x7f || label[i] == '.') {
                text[0] = '\0';
                return;
            }
            text[at++] = (char)label[i];
        }
    }
    text[at] = '\0';
}

static void read_edns(const Record *record, Query *query)
{
    query->has_edns = true;
    query->has_edns_options = record->content_size > 0;
    query->edns_flags = record->lifetime & 0xffff;
    query->udp_max = record->class; /* RFC 6891, 6.2.3: below 512 is 512 */
    if (query->udp_max < MESSAGE_PLAIN_UDP_MAX)
        query->udp_max = MESSAGE_PLAIN_UDP_MAX;
    if (query->udp_max > MESSAGE_UDP_MAX)
        query->udp_max = MESSAGE_UDP_MAX;
}

static int read_additional(const uint8_t *data, size_t size, Query *query)
{
    size_t offset = query->question_end;

    for (unsigned left = get16(data + COUNT_ADDITIONAL); left > 0; left--) {
        Record record;

        if (record_read(data, size, offset, &record) < 0)
            return CODE_FORMAT;
        if (record.type == TYPE_OPT && (query->has_edns || data[offset] != 0))
            return CODE_FORMAT;
        if (record.type == TYPE_OPT)
            read_edns(&record, query);
        offset = record.end;
    }
    return offset == size ? 0 : CODE_FORMAT;
}

int query_read(const uint8_t *data, size_t size, Query *ret)
{
    size_t end;

    *ret = (Query) { .udp_max = MESSAGE_PLAIN_UDP_MAX };
    if (size < MESSAGE_HEADER_SIZE || get16(data + 2) & FLAG_ANSWER)
        return -EBADMSG;
    ret->id = get16(data);
    ret->flags = get16(data + 2);
    if (ret->flags & OPERATION_MASK)
        return CODE_NOT_IMPLEMENTED;
    if (size > MESSAGE_QUERY_MAX || get16(data + COUNT_QUESTIONS) != 1 ||
        get16(data + COUNT_ANSWERS) != 0 || get16(data + COUNT_AUTHORITIES) != 0)
        return CODE_FORMAT;
    end = read_name(data, size, MESSAGE_HEADER_SIZE, ret);
    if (end == 0 || size - end < QUESTION_TAIL)
        return CODE_FORMAT;
    name_to_text(ret->name, ret->text);
    ret->type = get16(data + end);
    ret->class = get16(data + end + 2);
    ret->question_end = end + QUESTION_TAIL;
    if (read_additional(data, size, ret) != 0)
        return CODE_FORMAT;
    /* Whole zones are none of this server's; other classes do not leave their networks. */
    if (ret->class != CLASS_IN || ret->type == TYPE_AXFR || ret->type == TYPE_IXFR)
        return CODE_REFUSED;
    return 0;
}

static size_t answer_room(const Answer *answer)
{
    size_t reserved = answer->query->has_edns ? OPT_SIZE : 0;

    return answer->limit - answer->size - reserved;
}

void answer_begin(Answer *answer, uint8_t *buffer, size_t limit, const Query *query,
                  const uint8_t *message, MessageCode code)
{
    unsigned flags =
        FLAG_ANSWER | FLAG_RECURSION_AVAILABLE |
        (query->flags & (OPERATION_MASK | FLAG_RECURSION_DESIRED | FLAG_CHECKING_DISABLED)) | code;

    *answer = (Answer) { .data = buffer, .limit = limit, .query = query };
    memset(buffer, 0, MESSAGE_HEADER_SIZE);
    put16(buffer, query->id);
    put16(buffer + 2, flags);
    answer->size = MESSAGE_HEADER_SIZE;
    if (query->question_end > 0) { /* as it was spelt: some check */
        put16(buffer + COUNT_QUESTIONS, 1);
        memcpy(buffer + MESSAGE_HEADER_SIZE, message + MESSAGE_HEADER_SIZE,
               query->question_end - MESSAGE_HEADER_SIZE);
        answer->size = query->question_end;
    }
    answer->question_end = answer->size;
}

/* Begin a record of the name that was asked for; NULL: there is no room for it. */
static uint8_t *answer_add(Answer *answer, uint16_t type, uint32_t lifetime, size_t content_size)
{
    size_t size = 2 + RECORD_FIXED + content_size;
    uint8_t *record = answer->data + answer->size;

    if (size > answer_room(answer)) {
        put16(answer->data + 2, get16(answer->data + 2) | FLAG_TRUNCATED);
        return NULL;
    }
    put16(record, LABEL_POINTER << 8 | MESSAGE_HEADER_SIZE);
    put16(record + 2, type);
    put16(record + 4, CLASS_IN);
    put32(record + 6, lifetime);
    put16(record + 10, (unsigned)content_size);
    put16(answer->data + COUNT_ANSWERS, get16(answer->data + COUNT_ANSWERS) + 1U);
    answer->size += size;
    return record + 2 + RECORD_FIXED;
}

void answer_add_address(Answer *answer, const IpAddress *address, uint32_t lifetime)
{
    size_t size = ip_address_size(address);
    uint8_t *content =
        answer_add(answer, address->family == AF_INET ? TYPE_A : TYPE_AAAA, lifetime, size);

    if (content)
        memcpy(content, address->bytes, size);
}

/* Returns the size on the wire, or 0. */
static size_t name_from_text(const char *text, uint8_t wire[MESSAGE_NAME_MAX])
{
    size_t size = 0;

    while (*text) {
        size_t length = strcspn(text, ".");

        if (length == 0 || length > LABEL_MAX || size + 1 + length >= MESSAGE_NAME_MAX)
            return 0;
        wire[size++] = (uint8_t)length;
        memcpy(wire + size, text, length);
        size += length;
        text += length;
        text += *text == '.';
    }
    wire[size++] = 0;
    return size;
}

void answer_add_name(Answer *answer, const char *name, uint32_t lifetime)
{
    uint8_t wire[MESSAGE_NAME_MAX];
    size_t size = name_from_text(name, wire);
    uint8_t *content = size > 0 ? answer_add(answer, TYPE_PTR, lifetime, size) : NULL;

    if (content)
        memcpy(content, wire, size);
}

/* OPT of our own: how long a query we take, and what it says of DNSSEC, given back. */
static void put_edns(uint8_t *record, const Query *query)
{
    memset(record, 0, OPT_SIZE);
    put16(record + 1, TYPE_OPT);
    put16(record + 3, MESSAGE_QUERY_MAX);
    put16(record + 7, query->edns_flags & EDNS_DNSSEC_OK);
}

size_t answer_end(Answer *answer)
{
    if (answer->query->has_edns) {
        put_edns(answer->data + answer->size, answer->query);
        put16(answer->data + COUNT_ADDITIONAL, 1);
        answer->size += OPT_SIZE;
    }
    return answer->size;
}

/* Does it ask what @query asks, in whatever spelling? Labels hold no pointers then. */
static bool asks_the_same(const uint8_t *data, size_t size, const Query *query)
{
    const uint8_t *asked = data + MESSAGE_HEADER_SIZE;

    if (size < query->question_end)
        return false;
    for (size_t i = 0; i < query->name_size; i++)
        if (tolower(asked[i]) != query->name[i])
            return false;
    asked += query->name_size;
    return get16(asked) == query->type && get16(asked + 2) == query->class;
}

int reply_check(const uint8_t *data, size_t size, const Query *query, uint16_t id)
{
    size_t offset = query->question_end;

    if (size < MESSAGE_HEADER_SIZE || get16(data) != id || !(get16(data + 2) & FLAG_ANSWER) ||
        get16(data + 2) & OPERATION_MASK || get16(data + COUNT_QUESTIONS) != 1 ||
        !asks_the_same(data, size, query))
        return -EBADMSG;
    for (unsigned left = count_records(data); left > 0; left--) {
        Record record;

        if (record_read(data, size, offset, &record) < 0)
            return -EBADMSG;
        offset = record.end;
    }
    return 0;
}

bool reply_is_truncated(const uint8_t *data)
{
    return get16(data + 2) & FLAG_TRUNCATED;
}

MessageCode reply_code(const uint8_t *data)
{
    return get16(data + 2) & CODE_MASK;
}

bool reply_has_answers(const uint8_t *data)
{
    return get16(data + COUNT_ANSWERS) > 0;
}

/* Call @visit with each record of what was checked, in order. */
typedef void (*RecordVisitor)(uint8_t *data, const Record *record, void *context);

static void visit_records(uint8_t *data, size_t size, RecordVisitor visit, void *context)
{
    size_t offset = skip_name(data, size, MESSAGE_HEADER_SIZE) + QUESTION_TAIL;

    for (unsigned left = count_records(data); left > 0; left--) {
        Record record;

        if (record_read(data, size, offset, &record) < 0)
            return;
        visit(data, &record, context);
        offset = record.end;
    }
}

typedef struct Lifetime {
    uint32_t all;     /* the shortest of the records */
    uint32_t nothing; /* of what there is not, as the SOA says; 0: there is none */
} Lifetime;

static void note_lifetime(uint8_t *data, const Record *record, void *context)
{
    Lifetime *lifetime = context;
    uint32_t seconds = record->lifetime;

    if (record->type == TYPE_OPT)
        return;
    if (seconds > INT32_MAX)
        seconds = 0; /* RFC 2181, 8 */
    if (seconds < lifetime->all)
        lifetime->all = seconds;
    if (record->type == TYPE_SOA && record->content_size > SOA_NUMBERS) {
        lifetime->nothing = get32(data + record->end - 4);
        if (seconds < lifetime->nothing)
            lifetime->nothing = seconds;
    }
}

uint32_t reply_lifetime(const uint8_t *data, size_t size)
{
    Lifetime lifetime = { .all = UINT32_MAX };
    MessageCode code = reply_code(data);

    if (reply_is_truncated(data) || (code != CODE_OK && code != CODE_NO_NAME))
        return 0;
    visit_records((uint8_t *)data, size, note_lifetime, &lifetime); /* which only looks */
    if (code == CODE_NO_NAME || !reply_has_answers(data))
        return lifetime.nothing < lifetime.all ? lifetime.nothing : lifetime.all;
    return lifetime.all == UINT32_MAX ? 0 : lifetime.all;
}

static void age_record(uint8_t *data, const Record *record, void *context)
{
    const uint32_t *seconds = context;

    if (record->type != TYPE_OPT)
        put32(data + record->lifetime_at,
              record->lifetime > *seconds ? record->lifetime - *seconds : 0);
}

void reply_age(uint8_t *data, size_t size, uint32_t seconds)
{
    visit_records(data, size, age_record, &seconds);
}

void reply_address_to(uint8_t *data, const Query *query, const uint8_t *message)
{
    put16(data, query->id);
    memcpy(data + MESSAGE_HEADER_SIZE, message + MESSAGE_HEADER_SIZE, query->name_size);
}

size_t reply_truncate(uint8_t *data, size_t size, const Query *query, size_t limit)
{
    size_t end = query->question_end, room = limit - (query->has_edns ? OPT_SIZE : 0);
    unsigned answers = get16(data + COUNT_ANSWERS), kept = 0;

    if (size <= limit)
        return size;
    while (kept < answers) {
        Record record;

        if (record_read(data, size, end, &record) < 0 || record.end > room)
            break;
        end = record.end;
        kept++;
    }
    put16(data + 2, get16(data + 2) | FLAG_TRUNCATED);
    put16(data + COUNT_ANSWERS, kept);
    put16(data + COUNT_AUTHORITIES, 0);
    put16(data + COUNT_ADDITIONAL, query->has_edns);
    if (query->has_edns) {
        put_edns(data + end, query);
        end += OPT_SIZE;
    }
    return end;
}

/* "4.3.2.1" and the like: @count labels, the last of which comes first. */
static int reverse_labels(const char *text, size_t length, unsigned base, size_t count,
                          uint8_t *ret)
{
    const char *end = text + length;

    while (count > 0) {
        char *behind = NULL;
        unsigned long value;

        if (text >= end || !isxdigit((unsigned char)*text))
            return -EINVAL;
        value = strtoul(text, &behind, (int)base);
        if (value > (base == 10 ? 255 : 15) || behind == text || (base == 16 && behind - text != 1))
            return -EINVAL;
        ret[--count] = (uint8_t)value;
        text = behind + 1;
        if (count > 0 && *behind != '.')
            return -EINVAL;
    }
    return text == end + 1 ? 0 : -EINVAL;
}

int query_reverse_address(const Query *query, IpAddress *ret)
{
    static const char suffix4[] = ".in-addr.arpa", suffix6[] = ".ip6.arpa";
    size_t length = strlen(query->text);
    uint8_t nibbles[32];

    *ret = (IpAddress) {};
    if (length > strlen(suffix4) && !strcmp(query->text + length - strlen(suffix4), suffix4)) {
        ret->family = AF_INET;
        return reverse_labels(query->text, length - strlen(suffix4), 10, 4, ret->bytes);
    }
    if (length <= strlen(suffix6) || strcmp(query->text + length - strlen(suffix6), suffix6) != 0 ||
        reverse_labels(query->text, length - strlen(suffix6), 16, 32, nibbles) < 0)
        return -EINVAL;
    ret->family = AF_INET6;
    for (size_t i = 0; i < 16; i++)
        ret->bytes[i] = (uint8_t)(nibbles[2 * i] << 4 | nibbles[2 * i + 1]);
    return 0;
}
