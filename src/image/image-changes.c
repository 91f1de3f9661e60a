/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One table of instructions, each with the function that applies its arguments. Words are split as
 * a Dockerfile has them: at white space, with quotes and backslashes; a JSON array stands for a
 * list as it is.
 */

#include "image/image-changes.h"

#include <ctype.h>
#include <string.h>

#include "base/json-fields.h"
#include "base/memory.h"
#include "base/parse.h"
#include "base/path.h"
#include "base/string-buffer.h"

#define CHANGE_MAX_LENGTH (64 * 1024)
#define BLANKS " \t"

static const char *skip_blanks(const char *text)
{
    return text + strspn(text, BLANKS);
}

/* One word off *@rest, without its quotes; false at the end. */
static bool next_word(const char **rest, char **ret)
{
    StringBuffer word = {};
    const char *p = skip_blanks(*rest);
    char quote = '\0';

    if (*p == '\0')
        return false;
    string_buffer_add(&word, "");
    for (; *p && (quote || !strchr(BLANKS, *p)); p++) {
        if (*p == '\\' && quote != '\'' && p[1])
            string_buffer_add_char(&word, *++p);
        else if (quote ? *p == quote : *p == '"' || *p == '\'')
            quote = quote ? '\0' : *p;
        else
            string_buffer_add_char(&word, *p);
    }
    *rest = p;
    *ret = string_buffer_take(&word);
    return true;
}

static void split_words(const char *text, StringList *words)
{
    char *word;

    while (next_word(&text, &word))
        string_list_take(words, word);
}

/* A JSON array of strings: true and *words filled. */
static bool read_json_words(const char *text, StringList *words)
{
    _cleanup_json_ json_t *json = NULL;
    json_t *element;
    size_t index;

    if (*text != '[' || json_parse(text, strlen(text), &json, NULL) < 0 || !json_is_array(json))
        return false;
    json_array_foreach(json, index, element) if (!json_is_string(element) ||
                                                 strlen(json_string_value(element)) !=
                                                     json_string_length(element)) return false;
    json_array_foreach(json, index, element) string_list_add(words, json_string_value(element));
    return true;
}

static void set_list(StringList *list, StringList *words)
{
    string_list_done(list);
    *list = *words;
    *words = (StringList) {};
}

/* The exec form as it is, anything else through the image's shell. */
static void set_command(const ImageDefaults *defaults, StringList *list, const char *arguments)
{
    StringList words = {};

    if (!read_json_words(arguments, &words)) {
        if (defaults->shell.count > 0) {
            string_list_copy(&words, &defaults->shell);
        } else {
            string_list_add(&words, "/bin/sh");
            string_list_add(&words, "-c");
        }
        string_list_add(&words, arguments);
    }
    set_list(list, &words);
}

static int apply_cmd(ImageDefaults *defaults, const char *arguments, Error *err)
{
    (void)err;
    set_command(defaults, &defaults->command, arguments);
    return 0;
}

static int apply_entrypoint(ImageDefaults *defaults, const char *arguments, Error *err)
{
    (void)err;
    set_command(defaults, &defaults->entrypoint, arguments);
    return 0;
}

/* Replace NAME=... where the list has it, else append. */
static void set_variable(StringList *list, const char *name, const char *value)
{
    char *entry = memory_printf("%s=%s", name, value);
    size_t prefix = strlen(name) + 1;

    for (size_t i = 0; i < list->count; i++)
        if (strncmp(list->items[i], entry, prefix) == 0) {
            free(list->items[i]);
            list->items[i] = entry;
            return;
        }
    string_list_take(list, entry);
}

typedef void (*SetPair)(ImageDefaults *defaults, const char *name, const char *value);

static void set_environment(ImageDefaults *defaults, const char *name, const char *value)
{
    set_variable(&defaults->environment, name, value);
}

static void set_label(ImageDefaults *defaults, const char *name, const char *value)
{
    string_map_set(&defaults->labels, name, value);
}

/* "a=b c=d", or the old form "name the whole rest". */
static int apply_pairs(ImageDefaults *defaults, const char *arguments, SetPair set, Error *err)
{
    _cleanup_string_list_ StringList words = {};

    split_words(arguments, &words);
    if (words.count > 0 && !strchr(words.items[0], '=')) {
        const char *value = skip_blanks(arguments + strcspn(arguments, BLANKS));

        if (*value == '\0')
            return error_set(err, ERROR_INVALID, "'%s' must have a value: write name=value",
                             words.items[0]);
        set(defaults, words.items[0], value);
        return 0;
    }
    for (size_t i = 0; i < words.count; i++) {
        char *value = strchr(words.items[i], '=');

        if (!value || value == words.items[i])
            return error_set(err, ERROR_INVALID, "'%s' is not of the form name=value",
                             words.items[i]);
        *value++ = '\0';
        set(defaults, words.items[i], value);
    }
    return 0;
}

static int apply_env(ImageDefaults *defaults, const char *arguments, Error *err)
{
    return apply_pairs(defaults, arguments, set_environment, err);
}

static int apply_label(ImageDefaults *defaults, const char *arguments, Error *err)
{
    return apply_pairs(defaults, arguments, set_label, err);
}

static void add_once(StringList *list, const char *text)
{
    if (!string_list_contains(list, text))
        string_list_add(list, text);
}

/* "80", "80/udp", "8000-8010/tcp": what stands in the configuration always names the protocol. */
static int apply_port(ImageDefaults *defaults, char *port, Error *err)
{
    static const char *const protocols[] = { "tcp", "udp", "sctp" };
    _cleanup_free_ char *copy = memory_strdup(port);
    char *protocol = strchr(copy, '/');
    char *last = NULL;
    uint32_t from, to;
    bool is_known = !protocol;

    if (protocol)
        *protocol++ = '\0';
    for (size_t i = 0; protocol && i < ARRAY_SIZE(protocols); i++)
        is_known |= strcasecmp(protocols[i], protocol) == 0;
    last = strchr(copy, '-');
    if (last)
        *last++ = '\0';
    if (!is_known || parse_u32(copy, &from) < 0 || from < 1 || from > 65535 ||
        parse_u32(last ? last : copy, &to) < 0 || to < from || to > 65535)
        return error_set(err, ERROR_INVALID, "invalid port '%s': write 80, 80/udp or 8000-8010",
                         port);
    for (uint32_t number = from; number <= to; number++) {
        _cleanup_free_ char *text = memory_printf("%u/%s", number, protocol ? protocol : "tcp");

        for (char *p = text; *p; p++)
            *p = (char)tolower((unsigned char)*p);
        add_once(&defaults->exposed_ports, text);
    }
    return 0;
}

static int apply_expose(ImageDefaults *defaults, const char *arguments, Error *err)
{
    _cleanup_string_list_ StringList words = {};
    int r = 0;

    split_words(arguments, &words);
    for (size_t i = 0; r == 0 && i < words.count; i++)
        r = apply_port(defaults, words.items[i], err);
    return r;
}

static int apply_onbuild(ImageDefaults *defaults, const char *arguments, Error *err)
{
    static const char *const refused[] = { "ONBUILD", "FROM", "MAINTAINER" };
    size_t length = strcspn(arguments, BLANKS);

    for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
        if (length == strlen(refused[i]) && strncasecmp(arguments, refused[i], length) == 0)
            return error_set(err, ERROR_INVALID, "%s is not allowed as an ONBUILD trigger",
                             refused[i]);
    string_list_add(&defaults->on_build, arguments);
    return 0;
}

static int apply_stopsignal(ImageDefaults *defaults, const char *arguments, Error *err)
{
    int signal;

    if (parse_signal(arguments, &signal) < 0)
        return error_set(err, ERROR_INVALID, "invalid signal '%s'", arguments);
    free(defaults->stop_signal);
    defaults->stop_signal = memory_strdup(arguments);
    return 0;
}

static int apply_user(ImageDefaults *defaults, const char *arguments, Error *err)
{
    (void)err;
    free(defaults->user);
    defaults->user = memory_strdup(arguments);
    return 0;
}

static int apply_volume(ImageDefaults *defaults, const char *arguments, Error *err)
{
    _cleanup_string_list_ StringList words = {};

    if (!read_json_words(arguments, &words))
        split_words(arguments, &words);
    for (size_t i = 0; i < words.count; i++) {
        if (*words.items[i] == '\0')
            return error_set(err, ERROR_INVALID, "a volume's path cannot be empty");
        add_once(&defaults->volumes, words.items[i]);
    }
    return 0;
}

static int apply_workdir(ImageDefaults *defaults, const char *arguments, Error *err)
{
    char *joined =
        path_join(defaults->working_directory ? defaults->working_directory : "/", arguments);

    (void)err;
    free(defaults->working_directory);
    defaults->working_directory = joined;
    return 0;
}

static const struct {
    const char *name;
    int (*apply)(ImageDefaults *defaults, const char *arguments, Error *err);
} instructions[] = {
    { "CMD", apply_cmd },
    { "ENTRYPOINT", apply_entrypoint },
    { "ENV", apply_env },
    { "EXPOSE", apply_expose },
    { "LABEL", apply_label },
    { "ONBUILD", apply_onbuild },
    { "STOPSIGNAL", apply_stopsignal },
    { "USER", apply_user },
    { "VOLUME", apply_volume },
    { "WORKDIR", apply_workdir },
};

static int apply(const char *change, ImageDefaults *defaults, Error *err)
{
    const char *name = skip_blanks(change);
    size_t length = strcspn(name, BLANKS);
    _cleanup_free_ char *arguments = memory_strdup(skip_blanks(name + length));
    size_t end = strlen(arguments);
    int r;

    while (end > 0 && strchr(BLANKS "\r\n", arguments[end - 1]))
        arguments[--end] = '\0';
    for (size_t i = 0; i < ARRAY_SIZE(instructions); i++) {
        if (strlen(instructions[i].name) != length ||
            strncasecmp(instructions[i].name, name, length) != 0)
            continue;
        if (end == 0)
            return error_set(err, ERROR_INVALID, "%s requires at least one argument",
                             instructions[i].name);
        r = instructions[i].apply(defaults, arguments, err);
        return r < 0 ? error_wrap(err, r, "%s", instructions[i].name) : 0;
    }
    return error_set(err, ERROR_INVALID,
                     "'%.*s' cannot be changed: use CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, ONBUILD, "
                     "STOPSIGNAL, USER, VOLUME or WORKDIR",
                     (int)(length < 40 ? length : 40), name);
}

int image_changes_apply(const StringList *changes, ImageDefaults *defaults, Error *err)
{
    int r;

    for (size_t i = 0; i < changes->count; i++) {
        if (strlen(changes->items[i]) > CHANGE_MAX_LENGTH)
            return error_set(err, ERROR_INVALID, "change is longer than %d characters",
                             CHANGE_MAX_LENGTH);
        r = apply(changes->items[i], defaults, err);
        if (r < 0)
            return error_wrap(err, r, "change");
    }
    return 0;
}
