/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The whole response is looked at each time that more of it has come: they are small, and there is
 * no state between two looks that could be wrong.
 */

#include "base/http-response.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"

#define TOKEN_CHARACTERS                                                                           \
    "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

/* What is left to read. */
typedef struct Input {
    const char *data;
    size_t size;
} Input;

/* What the head says of the body. */
typedef struct Framing {
    bool is_chunked;
    bool has_length;
    size_t length;
} Framing;

void http_response_done(HttpResponse *response)
{
    free(response->body);
    *response = (HttpResponse) {};
}

static void advance(Input *input, size_t count)
{
    input->data += count;
    input->size -= count;
}

/* The next line, without its CRLF. Returns 1, 0 when its end has not come, -EBADMSG or -EFBIG. */
static int take_line(Input *input, Input *ret)
{
    const char *end = memchr(input->data, '\n', input->size);
    size_t length = end ? (size_t)(end - input->data) : input->size;

    if (length > HTTP_HEAD_MAX)
        return -EFBIG;
    if (!end)
        return 0;
    if (length == 0 || input->data[length - 1] != '\r')
        return -EBADMSG;
    *ret = (Input) { input->data, length - 1 };
    advance(input, length + 1);
    return memchr(ret->data, '\r', ret->size) || memchr(ret->data, '\0', ret->size) ? -EBADMSG : 1;
}

static bool is_digit(char character)
{
    return character >= '0' && character <= '9';
}

/* "HTTP/1.1 200 OK". Informational ones (1xx) answer what was never asked. */
static int parse_status(const Input *line, int *ret)
{
    static const char version[] = "HTTP/1.";
    const size_t at = sizeof(version) + 1; /* of the status: behind one digit and a space */
    const char *text = line->data;

    if (line->size < at + 3 || memcmp(text, version, sizeof(version) - 1) != 0 ||
        (text[at - 2] != '0' && text[at - 2] != '1') || text[at - 1] != ' ' ||
        (line->size > at + 3 && text[at + 3] != ' '))
        return -EBADMSG;
    for (size_t i = 0; i < 3; i++)
        if (!is_digit(text[at + i]))
            return -EBADMSG;
    *ret = (text[at] - '0') * 100 + (text[at + 1] - '0') * 10 + (text[at + 2] - '0');
    return *ret < 200 || *ret > 599 ? -EBADMSG : 1;
}

static int digit_value(char character, unsigned base)
{
    int value = is_digit(character)                    ? character - '0'
                : character >= 'a' && character <= 'f' ? character - 'a' + 10
                : character >= 'A' && character <= 'F' ? character - 'A' + 10
                                                       : -1;

    return value < (int)base ? value : -1;
}

/* At least one digit and nothing else. Returns 1, -EBADMSG or -EFBIG. */
static int parse_number(const Input *text, unsigned base, size_t *ret)
{
    size_t number = 0;

    if (text->size == 0)
        return -EBADMSG;
    for (size_t i = 0; i < text->size; i++) {
        int value = digit_value(text->data[i], base);

        if (value < 0)
            return -EBADMSG;
        number = number * base + (size_t)value;
        if (number > HTTP_BODY_MAX)
            return -EFBIG;
    }
    *ret = number;
    return 1;
}

static bool is_text(const Input *input, const char *text)
{
    return input->size == strlen(text) && strncasecmp(input->data, text, input->size) == 0;
}

/* "Name: value", with blanks around the value. No line goes on in the next one. */
static int split_header(const Input *line, Input *name, Input *value)
{
    const char *colon = memchr(line->data, ':', line->size);
    size_t length = colon ? (size_t)(colon - line->data) : 0;

    if (length == 0)
        return -EBADMSG;
    for (size_t i = 0; i < length; i++)
        if (!strchr(TOKEN_CHARACTERS, line->data[i]))
            return -EBADMSG;
    *name = (Input) { line->data, length };
    *value = (Input) { colon + 1, line->size - length - 1 };
    while (value->size > 0 && (value->data[0] == ' ' || value->data[0] == '\t'))
        advance(value, 1);
    while (value->size > 0 &&
           (value->data[value->size - 1] == ' ' || value->data[value->size - 1] == '\t'))
        value->size--;
    return 1;
}

/* Two words on the body's length, even if they agree, are one too many. */
static int take_header(const Input *line, Framing *framing)
{
    Input name, value;
    int r = split_header(line, &name, &value);

    if (r < 0)
        return r;
    if (is_text(&name, "Transfer-Encoding")) {
        if (framing->is_chunked || framing->has_length || !is_text(&value, "chunked"))
            return -EBADMSG;
        framing->is_chunked = true;
    } else if (is_text(&name, "Content-Length")) {
        if (framing->is_chunked || framing->has_length)
            return -EBADMSG;
        framing->has_length = true;
        return parse_number(&value, 10, &framing->length);
    }
    return 1;
}

/* Lines up to an empty one. @framing NULL: of trailers, which say nothing that matters. */
static int take_headers(Input *input, Framing *framing)
{
    const char *begin = input->data;
    Framing ignored = {};
    Input line;
    int r;

    while ((r = take_line(input, &line)) > 0 && line.size > 0) {
        if (input->data - begin > HTTP_HEAD_MAX)
            return -EFBIG;
        r = take_header(&line, framing ? framing : &ignored);
        if (r < 0)
            return r;
    }
    return r;
}

static void add_body(HttpResponse *response, const char *data, size_t size, size_t *capacity)
{
    response->body = memory_grow(response->body, capacity, response->body_size + size + 1, 1);
    memcpy(response->body + response->body_size, data, size);
    response->body_size += size;
    response->body[response->body_size] = '\0';
}

/* The size may have extensions, which mean something only to who knows them. */
static int take_chunk_size(Input *input, size_t *ret)
{
    Input line;
    const char *extension;
    int r = take_line(input, &line);

    if (r <= 0)
        return r;
    extension = memchr(line.data, ';', line.size);
    if (extension)
        line.size = (size_t)(extension - line.data);
    return parse_number(&line, 16, ret);
}

static int take_chunks(Input *input, HttpResponse *response, size_t *capacity)
{
    size_t size;
    int r;

    while ((r = take_chunk_size(input, &size)) > 0 && size > 0) {
        if (response->body_size + size > HTTP_BODY_MAX)
            return -EFBIG;
        if (input->size < size + 2)
            return 0;
        if (memcmp(input->data + size, "\r\n", 2) != 0)
            return -EBADMSG;
        add_body(response, input->data, size, capacity);
        advance(input, size + 2);
    }
    return r <= 0 ? r : take_headers(input, NULL);
}

static int take_body(Input *input, const Framing *framing, bool at_end, HttpResponse *response)
{
    size_t capacity = 0, size = framing->has_length ? framing->length : input->size;

    add_body(response, "", 0, &capacity);
    if (response->status == 204 || response->status == 304)
        return 1;
    if (framing->is_chunked)
        return take_chunks(input, response, &capacity);
    if (size > HTTP_BODY_MAX)
        return -EFBIG;
    if (framing->has_length ? input->size < size : !at_end)
        return 0;
    add_body(response, input->data, size, &capacity);
    advance(input, size);
    return 1;
}

int http_response_parse(const char *data, size_t size, bool at_end, HttpResponse *ret)
{
    _cleanup_http_response_ HttpResponse response = {};
    Input input = { data, size }, line;
    Framing framing = {};
    int r = size > HTTP_RESPONSE_MAX ? -EFBIG : take_line(&input, &line);

    if (r > 0)
        r = parse_status(&line, &response.status);
    if (r > 0)
        r = take_headers(&input, &framing);
    if (r > 0)
        r = take_body(&input, &framing, at_end, &response);
    if (r <= 0)
        return r == 0 && at_end ? -EBADMSG : r;

    *ret = response;
    response = (HttpResponse) {};
    return 1;
}
