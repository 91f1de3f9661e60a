/* SPDX-License-Identifier: Apache-2.0 */

/* The file registries.yaml: what it may say, checked as a whole when it is read. */

#include <errno.h>
#include <string.h>

#include "base/memory.h"
#include "base/path.h"
#include "base/settings-file.h"
#include "registry/registry-host.h"
#include "registry/registry-settings-private.h"

static const JsonField rule_fields[] = {
    JSON_FIELD(RegistryRule, mirrors, "mirrors", JSON_TYPE_STRING_LIST),
    JSON_FIELD(RegistryRule, insecure, "insecure", JSON_TYPE_BOOL),
    JSON_FIELD(RegistryRule, plain_http, "plain-http", JSON_TYPE_BOOL),
    JSON_FIELD(RegistryRule, ca, "ca", JSON_TYPE_STRING),
    JSON_FIELD(RegistryRule, blocked, "blocked", JSON_TYPE_BOOL),
};
static const JsonStruct rule_json = JSON_STRUCT(RegistryRule, rule_fields);

static const JsonField settings_fields[] = {
    JSON_FIELD(RegistrySettings, unqualified, "unqualified", JSON_TYPE_STRING_LIST),
    JSON_FIELD_OF(RegistrySettings, rules, "registries", JSON_TYPE_STRUCT_MAP, &rule_json),
};
static const JsonStruct settings_json = JSON_STRUCT(RegistrySettings, settings_fields);

void registry_settings_free(RegistrySettings *settings)
{
    if (!settings)
        return;
    free(settings->path);
    json_struct_done(&settings_json, settings);
    free(settings);
}

const StringList *registry_settings_unqualified(const RegistrySettings *settings)
{
    return &settings->unqualified;
}

const RegistryRule *registry_settings_rule(const RegistrySettings *settings, const char *host)
{
    for (size_t i = 0; i < settings->rules.count; i++) {
        if (strcmp(settings->rules.items[i].host, host) == 0)
            return &settings->rules.items[i];
    }
    return NULL;
}

void registry_mirror_done(RegistryMirror *mirror)
{
    free(mirror->host);
    free(mirror->prefix);
    *mirror = (RegistryMirror) {};
}

/* Components of a repository's path, or nothing. */
static bool prefix_is_valid(const char *prefix)
{
    static const char characters[] = "abcdefghijklmnopqrstuvwxyz0123456789._-/";

    return prefix[strspn(prefix, characters)] == '\0' && !strstr(prefix, "//") &&
           !strstr(prefix, "..") && prefix[0] != '/';
}

int registry_mirror_parse(const char *text, RegistryMirror *ret, Error *err)
{
    _cleanup_registry_mirror_ RegistryMirror mirror = {
        .plain_http = strncmp(text, "http://", 7) == 0,
        .only_https = strncmp(text, "https://", 8) == 0,
    };
    const char *rest = mirror.plain_http ? text + 7 : mirror.only_https ? text + 8 : text;
    size_t length = strcspn(rest, "/");

    mirror.host = memory_strndup(rest, length);
    rest += length + (rest[length] == '/');
    length = strlen(rest);
    mirror.prefix =
        memory_strndup(rest, length > 0 && rest[length - 1] == '/' ? length - 1 : length);
    if (!registry_host_is_valid(mirror.host) || !prefix_is_valid(mirror.prefix))
        return error_set(err, ERROR_INVALID,
                         "mirror '%s' is not written as HOST[:PORT][/PATH], with http:// or "
                         "https:// before it if need be",
                         text);

    *ret = mirror;
    mirror = (RegistryMirror) {};
    return 0;
}

static int check_host(const char *host, Error *err)
{
    _cleanup_free_ char *domain = registry_host_from_address(host);

    if (!registry_host_is_valid(host))
        return error_set(err, ERROR_INVALID,
                         "'%s' is no name of a registry, write HOST or HOST:PORT", host);
    if (strcmp(domain, host) != 0)
        return error_set(err, ERROR_INVALID, "'%s' is called '%s' here", host, domain);
    return 0;
}

static int check_mirrors(const RegistrySettings *settings, const RegistryRule *rule, Error *err)
{
    for (size_t i = 0; i < rule->mirrors.count; i++) {
        _cleanup_registry_mirror_ RegistryMirror mirror = {};
        const RegistryRule *other;
        int r = registry_mirror_parse(rule->mirrors.items[i], &mirror, err);

        if (r < 0)
            return r;
        other = registry_settings_rule(settings, mirror.host);
        if (other && other->blocked)
            return error_set(err, ERROR_INVALID, "mirror '%s' is blocked", mirror.host);
    }
    return 0;
}

static int check_rule(const RegistrySettings *settings, const RegistryRule *rule, Error *err)
{
    int r = check_host(rule->host, err);

    if (r >= 0)
        r = check_mirrors(settings, rule, err);
    if (r < 0)
        return r;
    if (rule->ca && !path_is_absolute(rule->ca))
        return error_set(err, ERROR_INVALID, "ca: '%s' is not an absolute path", rule->ca);
    if (rule->plain_http && (rule->ca || rule->insecure))
        return error_set(err, ERROR_INVALID, "plain-http goes with neither ca nor insecure");
    return 0;
}

static int check_settings(RegistrySettings *settings, Error *err)
{
    int r = 0;

    if (settings->unqualified.count == 0)
        string_list_add(&settings->unqualified, REGISTRY_HUB);
    for (size_t i = 0; i < settings->unqualified.count && r >= 0; i++)
        r = check_host(settings->unqualified.items[i], err);
    if (r < 0)
        return error_wrap(err, r, "unqualified");
    for (size_t i = 0; i < settings->rules.count; i++) {
        r = check_rule(settings, &settings->rules.items[i], err);
        if (r < 0)
            return error_wrap(err, r, "registries.%s", settings->rules.items[i].host);
    }
    return 0;
}

static char *path_beside(const char *config_path)
{
    const char *slash = config_path ? strrchr(config_path, '/') : NULL;

    if (!config_path)
        return memory_strdup(REGISTRY_DEFAULT_SETTINGS);
    return memory_printf("%.*s" REGISTRY_SETTINGS_NAME, slash ? (int)(slash + 1 - config_path) : 0,
                         config_path);
}

int registry_settings_read(const char *path, const char *config_path, RegistrySettings **ret,
                           Error *err)
{
    _cleanup_(registry_settings_freep) RegistrySettings *settings = NEW(RegistrySettings);
    int r;

    settings->path = path ? memory_strdup(path) : path_beside(config_path);
    r = settings_file_read(settings->path, !path, &settings_json, settings, err);
    if (r >= 0)
        r = check_settings(settings, err);
    if (r < 0)
        return error_wrap(err, r, "registries '%s'", settings->path);

    *ret = TAKE_PTR(settings);
    return 0;
}

/* @rule NULL: nothing is said about @host. */
static json_t *index_to_json(const char *host, const RegistryRule *rule)
{
    bool is_secure = !rule || (!rule->insecure && !rule->plain_http);
    json_t *mirrors = json_array();

    for (size_t i = 0; rule && i < rule->mirrors.count; i++)
        json_array_append_new(mirrors, json_string(rule->mirrors.items[i]));
    return json_pack("{s:s, s:o, s:b, s:b}", "Name", host, "Mirrors", mirrors, "Secure", is_secure,
                     "Official", strcmp(host, REGISTRY_HUB) == 0);
}

json_t *registry_settings_to_json(const RegistrySettings *settings)
{
    const RegistryRule *hub = registry_settings_rule(settings, REGISTRY_HUB);
    json_t *indexes = json_object(), *of_hub = index_to_json(REGISTRY_HUB, hub);

    json_object_set_new(indexes, REGISTRY_HUB, of_hub);
    for (size_t i = 0; i < settings->rules.count; i++) {
        const RegistryRule *rule = &settings->rules.items[i];

        if (rule != hub)
            json_object_set_new(indexes, rule->host, index_to_json(rule->host, rule));
    }
    return json_pack("{s:[s, s], s:o, s:O}", "InsecureRegistryCIDRs", "::1/128", "127.0.0.0/8",
                     "IndexConfigs", indexes, "Mirrors", json_object_get(of_hub, "Mirrors"));
}
