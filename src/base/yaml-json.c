/* SPDX-License-Identifier: Apache-2.0 */

/* From libyaml's events to a JSON value, by recursion as deep as the document and no deeper than a
 * limit. */

#include "base/yaml-json.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/json-fields.h"
#include "base/memory.h"
#include "base/parse.h"

#define DEPTH_MAX 64
#define OCTAL_LENGTH_MAX 12

typedef struct Reader {
    yaml_parser_t parser;
    yaml_event_t event;
    bool has_event;
    Error *err;
} Reader;

static void reader_done(Reader *reader)
{
    if (reader->has_event)
        yaml_event_delete(&reader->event);
    yaml_parser_delete(&reader->parser);
}

static int reader_next(Reader *reader)
{
    if (reader->has_event)
        yaml_event_delete(&reader->event);
    reader->has_event = yaml_parser_parse(&reader->parser, &reader->event);
    if (reader->has_event)
        return 0;
    return error_set(reader->err, ERROR_INVALID, "YAML, line %zu: %s",
                     reader->parser.problem_mark.line + 1,
                     reader->parser.problem ? reader->parser.problem : "malformed");
}

static int refuse(const Reader *reader, const char *what)
{
    return error_set(reader->err, ERROR_INVALID, "YAML, line %zu: %s",
                     reader->event.start_mark.line + 1, what);
}

static json_t *plain_scalar(const char *text)
{
    int64_t number;
    char *end;
    double real;

    if (*text == '\0' || strcmp(text, "null") == 0 || strcmp(text, "~") == 0)
        return json_null();
    if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0)
        return json_boolean(text[0] == 't');
    /* A mode is written with a leading zero, which YAML 1.1 and what people expect take as octal.
     */
    if (text[0] == '0' && text[1] && strspn(text, "01234567") == strlen(text) &&
        strlen(text) <= OCTAL_LENGTH_MAX)
        return json_integer(strtoll(text, NULL, 8));
    if (parse_i64(text, &number) == 0)
        return json_integer(number);
    if (strspn(text, "0123456789+-.eE") == strlen(text)) {
        real = strtod(text, &end);
        if (*end == '\0')
            return json_real(real);
    }
    return json_string(text);
}

static int read_value(Reader *reader, unsigned depth, json_t **ret);

/* "!!str" makes text of a plain word; all other tags say what JSON cannot say. */
static bool is_text_tag(const yaml_char_t *tag)
{
    return !tag || strcmp((const char *)tag, YAML_STR_TAG) == 0;
}

static int read_scalar(Reader *reader, json_t **ret)
{
    const char *text = (const char *)reader->event.data.scalar.value;
    bool is_plain = reader->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
                    reader->event.data.scalar.plain_implicit;
    json_t *json;

    if (strlen(text) != reader->event.data.scalar.length)
        return refuse(reader, "a zero byte");
    if (!is_text_tag(reader->event.data.scalar.tag))
        return refuse(reader, "a tag, which is not supported");
    json = is_plain ? plain_scalar(text) : json_string(text);
    if (!json)
        return refuse(reader, "it is not UTF-8 text, or not a finite number");
    *ret = json;
    return 0;
}

static int read_sequence(Reader *reader, unsigned depth, json_t **ret)
{
    _cleanup_json_ json_t *array = json_array();

    for (;;) {
        json_t *item;
        int r = reader_next(reader);

        if (r < 0)
            return r;
        if (reader->event.type == YAML_SEQUENCE_END_EVENT)
            break;
        r = read_value(reader, depth, &item);
        if (r < 0)
            return r;
        json_array_append_new(array, item);
    }
    *ret = TAKE_PTR(array);
    return 0;
}

static int read_mapping(Reader *reader, unsigned depth, json_t **ret)
{
    _cleanup_json_ json_t *object = json_object();

    for (;;) {
        _cleanup_free_ char *key = NULL;
        json_t *value;
        int r = reader_next(reader);

        if (r < 0)
            return r;
        if (reader->event.type == YAML_MAPPING_END_EVENT)
            break;
        if (reader->event.type != YAML_SCALAR_EVENT || !is_text_tag(reader->event.data.scalar.tag))
            return refuse(reader, "a key that is not text");
        key = memory_strdup((const char *)reader->event.data.scalar.value);
        if (strlen(key) != reader->event.data.scalar.length)
            return refuse(reader, "a zero byte");
        if (strcmp(key, "<<") == 0 && reader->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE)
            return refuse(reader, "a merge key, which is not supported");
        if (json_object_get(object, key))
            return refuse(reader, "a key that is there twice");
        r = reader_next(reader);
        if (r >= 0)
            r = read_value(reader, depth, &value);
        if (r < 0)
            return r;
        if (json_object_set_new(object, key, value) < 0)
            return refuse(reader, "a key that is not UTF-8");
    }
    *ret = TAKE_PTR(object);
    return 0;
}

/* The value that begins with the current event. */
static int read_value(Reader *reader, unsigned depth, json_t **ret)
{
    if (depth > DEPTH_MAX)
        return refuse(reader, "too deep");
    switch (reader->event.type) {
    case YAML_SCALAR_EVENT:
        return read_scalar(reader, ret);
    case YAML_SEQUENCE_START_EVENT:
        if (reader->event.data.sequence_start.tag)
            return refuse(reader, "a tag, which is not supported");
        return read_sequence(reader, depth + 1, ret);
    case YAML_MAPPING_START_EVENT:
        if (reader->event.data.mapping_start.tag)
            return refuse(reader, "a tag, which is not supported");
        return read_mapping(reader, depth + 1, ret);
    default:
        return refuse(reader, "an alias, which is not supported");
    }
}

/* The events around the one document. */
static int expect(Reader *reader, yaml_event_type_t type)
{
    int r = reader_next(reader);

    if (r < 0)
        return r;
    return reader->event.type == type ? 0 : refuse(reader, "not exactly one document");
}

int yaml_parse(const char *data, size_t size, json_t **ret, Error *err)
{
    _cleanup_(reader_done) Reader reader = { .err = err };
    _cleanup_json_ json_t *json = NULL;
    int r;

    if (!yaml_parser_initialize(&reader.parser))
        abort(); /* out of memory */
    yaml_parser_set_input_string(&reader.parser, (const unsigned char *)data, size);
    r = expect(&reader, YAML_STREAM_START_EVENT);
    if (r >= 0)
        r = expect(&reader, YAML_DOCUMENT_START_EVENT);
    if (r >= 0)
        r = reader_next(&reader);
    if (r >= 0)
        r = read_value(&reader, 0, &json);
    if (r >= 0)
        r = expect(&reader, YAML_DOCUMENT_END_EVENT);
    if (r >= 0)
        r = expect(&reader, YAML_STREAM_END_EVENT);
    if (r >= 0)
        *ret = TAKE_PTR(json);
    return r;
}
