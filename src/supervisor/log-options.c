/* SPDX-License-Identifier: Apache-2.0 */

/* The table of drivers and that of their options. */

#include "supervisor/log-options.h"

#include <errno.h>
#include <regex.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/parse.h"
#include "base/string-buffer.h"
#include "supervisor/log-private.h"

enum {
    JSON_FILE = 1 << 0,
    LOCAL = 1 << 1,
    NONE = 1 << 2,
    JOURNALD = 1 << 3,
    SYSLOG = 1 << 4,
    REMOTE = JOURNALD | SYSLOG,
    FILES = JSON_FILE | LOCAL,
    TAGGED = JSON_FILE | REMOTE,
};

typedef struct Driver {
    const char *name;
    unsigned bit;
    LogFormat format;
    const char *file; /* its name; json-file's comes after the container's id */
    int64_t max_size;
    int64_t max_files;
} Driver;

#define MEGABYTE (INT64_C(1) << 20)

/* Docker's defaults, but that json-file has none there. */
static const Driver drivers[] = {
    { "json-file", JSON_FILE, LOG_FORMAT_JSON, "-json.log", 10 * MEGABYTE, 3 },
    { "local", LOCAL, LOG_FORMAT_LOCAL, "container.log", 20 * MEGABYTE, 5 },
    { "none", NONE, LOG_FORMAT_NONE, "", 0, 0 },
    { "journald", JOURNALD, LOG_FORMAT_LOCAL, "container-cached.log", 20 * MEGABYTE, 5 },
    { "syslog", SYSLOG, LOG_FORMAT_LOCAL, "container-cached.log", 20 * MEGABYTE, 5 },
};

static const Driver *driver_by_name(const char *name)
{
    if (!name || !*name)
        name = LOG_DRIVER_DEFAULT;
    for (size_t i = 0; i < ARRAY_SIZE(drivers); i++)
        if (strcmp(drivers[i].name, name) == 0)
            return &drivers[i];
    return NULL;
}

static int check_any(const char *value, Error *err)
{
    (void)value;
    (void)err;
    return 0;
}

static int check_size(const char *value, Error *err)
{
    int64_t size;

    if (parse_size(value, &size) < 0 || size <= 0)
        return error_set(err, ERROR_INVALID, "write it as '10m'");
    return 0;
}

static int check_max_size(const char *value, Error *err)
{
    if (strcmp(value, "-1") == 0 || check_size(value, NULL) >= 0)
        return 0;
    return error_set(err, ERROR_INVALID, "write it as '10m', or '-1' for unlimited");
}

static int check_max_files(const char *value, Error *err)
{
    int32_t count;

    if (parse_i32(value, &count) < 0 || count < 1 || count > LOG_FILES_MAX)
        return error_set(err, ERROR_INVALID, "it is a number from 1 to %d", LOG_FILES_MAX);
    return 0;
}

static int check_bool(const char *value, Error *err)
{
    bool flag;

    if (parse_bool(value, &flag) < 0)
        return error_set(err, ERROR_INVALID, "it is 'true' or 'false'");
    return 0;
}

static int check_compress(const char *value, Error *err)
{
    bool flag;

    if (parse_bool(value, &flag) < 0)
        return check_bool(value, err);
    if (flag)
        return error_set(err, ERROR_UNSUPPORTED, "log files are not compressed in this version");
    return 0;
}

static int check_mode(const char *value, Error *err)
{
    if (strcmp(value, "blocking") != 0 && strcmp(value, "non-blocking") != 0)
        return error_set(err, ERROR_INVALID, "there are 'blocking' and 'non-blocking'");
    return 0;
}

static int check_regex(const char *value, Error *err)
{
    regex_t regex;
    int r = regcomp(&regex, value, REG_EXTENDED | REG_NOSUB);

    if (r != 0)
        return error_set(err, ERROR_INVALID, "it is no regular expression");
    regfree(&regex);
    return 0;
}

static int check_syslog_address(const char *value, Error *err)
{
    _cleanup_(syslog_address_done) SyslogAddress address = {};

    return syslog_address_parse(value, &address, err);
}

static int check_syslog_facility(const char *value, Error *err)
{
    int facility;

    return syslog_facility_parse(value, &facility, err);
}

static int check_syslog_format(const char *value, Error *err)
{
    SyslogFormat format;

    return syslog_format_parse(value, &format, err);
}

static int check_unsupported(const char *value, Error *err)
{
    (void)value;
    return error_set(err, ERROR_UNSUPPORTED, "this version does not have it");
}

/* Sorted by name. */
static const struct {
    const char *name;
    unsigned drivers;
    int (*check)(const char *value, Error *err); /* says what is wrong, or what to write */
} option_table[] = {
    { "cache-compress", REMOTE, check_compress },
    { "cache-disabled", REMOTE, check_bool },
    { "cache-max-file", REMOTE, check_max_files },
    { "cache-max-size", REMOTE, check_max_size },
    { "compress", FILES, check_compress },
    { "env", TAGGED, check_any },
    { "env-regex", TAGGED, check_regex },
    { "labels", TAGGED, check_any },
    { "labels-regex", TAGGED, check_regex },
    { "max-buffer-size", REMOTE, check_size }, /* a file never has to be waited for */
    { "max-file", FILES, check_max_files },
    { "max-size", FILES, check_max_size },
    { "mode", FILES | REMOTE, check_mode },
    { "syslog-address", SYSLOG, check_syslog_address },
    { "syslog-facility", SYSLOG, check_syslog_facility },
    { "syslog-format", SYSLOG, check_syslog_format },
    { "syslog-tls-ca-cert", SYSLOG, check_unsupported },
    { "syslog-tls-cert", SYSLOG, check_unsupported },
    { "syslog-tls-key", SYSLOG, check_unsupported },
    { "syslog-tls-skip-verify", SYSLOG, check_unsupported },
    { "tag", TAGGED, check_any }, /* the engine knows what it may name */
};

static void list_name(StringBuffer *list, const char *name)
{
    string_buffer_printf(list, "%s'%s'", list->length > 0 ? ", " : "", name);
}

static int unknown_driver(const char *name, Error *err)
{
    _cleanup_string_buffer_ StringBuffer list = {};

    for (size_t i = 0; i < ARRAY_SIZE(drivers); i++)
        list_name(&list, drivers[i].name);
    return error_set(err, ERROR_INVALID, "unknown log driver '%s': there are %s", name,
                     string_buffer_get(&list));
}

static int unknown_option(const Driver *driver, const char *name, Error *err)
{
    _cleanup_string_buffer_ StringBuffer list = {};

    for (size_t i = 0; i < ARRAY_SIZE(option_table); i++)
        if ((option_table[i].drivers & driver->bit) && option_table[i].check != check_unsupported)
            list_name(&list, option_table[i].name);
    if (list.length == 0)
        return error_set(err, ERROR_INVALID,
                         "unknown log option '%s': log driver '%s' has no options", name,
                         driver->name);
    return error_set(err, ERROR_INVALID,
                     "unknown log option '%s' for log driver '%s': there are %s", name,
                     driver->name, string_buffer_get(&list));
}

static int check_option(const Driver *driver, const StringPair *option, Error *err)
{
    for (size_t i = 0; i < ARRAY_SIZE(option_table); i++) {
        _cleanup_error_ Error problem = {};
        int r;

        if (strcmp(option_table[i].name, option->key) != 0 ||
            !(option_table[i].drivers & driver->bit))
            continue;
        r = option_table[i].check(option->value ? option->value : "", &problem);
        return r < 0 ? error_set(err, problem.kind, "log option '%s=%s': %s", option->key,
                                 option->value ? option->value : "", error_message(&problem))
                     : 0;
    }
    return unknown_option(driver, option->key, err);
}

/* Options that only mean something together. */
static int check_together(const StringMap *options, Error *err)
{
    if (string_map_contains(options, "max-buffer-size") && !log_options_drop(options))
        return error_set(err, ERROR_INVALID,
                         "log option 'max-buffer-size' needs 'mode=non-blocking'");
    return 0;
}

int log_options_validate(const char *driver_name, const StringMap *options, Error *err)
{
    const Driver *driver = driver_by_name(driver_name);

    if (!driver)
        return unknown_driver(driver_name, err);
    for (size_t i = 0; i < options->count; i++) {
        int r = check_option(driver, &options->items[i], err);

        if (r < 0)
            return r;
    }
    return check_together(options, err);
}

bool log_options_drop(const StringMap *options)
{
    const char *mode = string_map_get(options, "mode");

    return mode && strcmp(mode, "non-blocking") == 0;
}

void log_file_settings(const char *driver_name, const StringMap *options, const char *id,
                       LogFileSettings *ret)
{
    const Driver *driver = driver_by_name(driver_name);
    bool is_cache = driver && (driver->bit & REMOTE), is_disabled = false;
    const char *max_size = string_map_get(options, is_cache ? "cache-max-size" : "max-size");
    const char *max_files = string_map_get(options, is_cache ? "cache-max-file" : "max-file");
    const char *disabled = is_cache ? string_map_get(options, "cache-disabled") : NULL;
    LogFileSettings settings = {};

    if (disabled)
        (void)parse_bool(disabled, &is_disabled); /* validated */
    if (driver && driver->format != LOG_FORMAT_NONE && !is_disabled) {
        settings.format = driver->format;
        settings.max_size = driver->max_size;
        settings.max_files = driver->max_files;
        if (max_size && strcmp(max_size, "-1") == 0)
            settings.max_size = -1;
        else if (max_size)
            (void)parse_size(max_size, &settings.max_size); /* validated */
        if (max_files)
            (void)parse_i64(max_files, &settings.max_files); /* validated */
        (void)snprintf(settings.name, sizeof(settings.name), "%s%s",
                       driver->format == LOG_FORMAT_JSON ? id : "", driver->file);
    }
    *ret = settings;
}
