/* SPDX-License-Identifier: Apache-2.0 */

/* Refuses what would be less confinement than was asked for; it never drops an option silently. */

#include "engine/security-options.h"

#include <stddef.h>
#include <string.h>

#include "base/memory.h"
#include "base/parse.h"

typedef int (*OptionFunction)(const char *value, SecurityOptions *options, Error *err);

static int take_no_new_privileges(const char *value, SecurityOptions *options, Error *err)
{
    if (parse_bool(value, &options->no_new_privileges) < 0)
        return error_set(err, ERROR_INVALID, "'%s' is not true or false", value);
    return 0;
}

static int take_seccomp(const char *value, SecurityOptions *options, Error *err)
{
    options->seccomp_unconfined = strcmp(value, "unconfined") == 0;
    options->seccomp_profile = *value == '{' ? value : NULL;
    if (options->seccomp_unconfined || options->seccomp_profile || strcmp(value, "builtin") == 0)
        return 0;
    return error_set(err, ERROR_INVALID,
                     "'%s' is not 'builtin', 'unconfined' or the JSON text of a profile", value);
}

static int take_system_paths(const char *value, SecurityOptions *options, Error *err)
{
    options->system_paths_unconfined = strcmp(value, "unconfined") == 0;
    if (!options->system_paths_unconfined)
        return error_set(err, ERROR_INVALID, "'%s' is not 'unconfined'", value);
    return 0;
}

static int take_apparmor(const char *value, SecurityOptions *options, Error *err)
{
    (void)options;
    if (strcmp(value, "unconfined") == 0)
        return 0;
    return error_set(err, ERROR_UNSUPPORTED,
                     "profile '%s': AppArmor is not supported by this version, use 'unconfined'",
                     value);
}

static int take_label(const char *value, SecurityOptions *options, Error *err)
{
    (void)options;
    if (strcmp(value, "disable") == 0)
        return 0;
    return error_set(err, ERROR_UNSUPPORTED,
                     "label '%s': SELinux is not supported by this version, use 'disable'", value);
}

static const struct {
    const char *key;
    const char *value_if_missing; /* NULL: the option needs one */
    OptionFunction take;
} security_options[] = {
    { "apparmor", NULL, take_apparmor },
    { "label", NULL, take_label },
    { "no-new-privileges", "true", take_no_new_privileges },
    { "seccomp", NULL, take_seccomp },
    { "systempaths", NULL, take_system_paths },
};

static int take_option(const char *text, SecurityOptions *options, Error *err)
{
    size_t length = strcspn(text, "=:");

    for (size_t i = 0; i < ARRAY_SIZE(security_options); i++) {
        const char *key = security_options[i].key;

        if (strlen(key) != length || strncmp(key, text, length) != 0)
            continue;
        const char *value = text[length] ? text + length + 1 : security_options[i].value_if_missing;
        if (!value)
            return error_set(err, ERROR_INVALID, "security option '%s' needs a value: %s=VALUE",
                             key, key);
        int r = security_options[i].take(value, options, err);
        return r < 0 ? error_wrap(err, r, "security option '%s'", key) : 0;
    }
    return error_set(err, ERROR_INVALID,
                     "unknown security option '%s', there are no-new-privileges, seccomp, "
                     "systempaths, apparmor and label",
                     text);
}

int security_options_parse(const StringList *list, SecurityOptions *ret, Error *err)
{
    SecurityOptions options = {};

    for (size_t i = 0; i < list->count; i++) {
        int r = take_option(list->items[i], &options, err);
        if (r < 0)
            return r;
    }
    *ret = options;
    return 0;
}
