/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Chains of CNI's plug-ins: each is given what the one before it has made, and all are undone the
 * other way around. A chain keeps its configuration, as the files may be others by the time that it
 * is undone.
 */

#include "network/cni.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "network/cni-private.h"

struct CniChain {
    char *name;
    char *version;
    char *interface;
    json_t *plugins;
    json_t *capabilities; /* name -> value; NULL: nothing is asked for */
    json_t *result;       /* of the last plug-in that has run; NULL: none has */
};

static const JsonField chain_fields[] = {
    JSON_FIELD_FLAGS(CniChain, name, "name", JSON_TYPE_STRING, JSON_REQUIRED),
    JSON_FIELD_FLAGS(CniChain, version, "version", JSON_TYPE_STRING, JSON_REQUIRED),
    JSON_FIELD_FLAGS(CniChain, interface, "interface", JSON_TYPE_STRING, JSON_REQUIRED),
    JSON_FIELD_FLAGS(CniChain, plugins, "plugins", JSON_TYPE_RAW, JSON_REQUIRED),
    JSON_FIELD(CniChain, capabilities, "capabilities", JSON_TYPE_RAW),
    JSON_FIELD(CniChain, result, "result", JSON_TYPE_RAW),
};
static const JsonStruct chain_json = JSON_STRUCT(CniChain, chain_fields);

void cni_chain_free(CniChain *chain)
{
    if (!chain)
        return;
    json_struct_done(&chain_json, chain);
    free(chain);
}

char *cni_chain_to_text(const CniChain *chain)
{
    _cleanup_json_ json_t *json = json_struct_write(&chain_json, chain);

    return json_to_text(json);
}

static const char *type_of(const CniChain *chain, size_t index)
{
    return json_string_value(json_object_get(json_array_get(chain->plugins, index), "type"));
}

static bool has_types(const CniChain *chain)
{
    for (size_t i = 0; i < json_array_size(chain->plugins); i++)
        if (!type_of(chain, i))
            return false;
    return json_array_size(chain->plugins) > 0;
}

int cni_chain_parse(const char *text, size_t size, CniChain **ret, Error *err)
{
    _cleanup_(cni_chain_freep) CniChain *chain = NEW(CniChain);
    _cleanup_json_ json_t *json = NULL;
    _cleanup_error_ Error problem = {};
    int r = json_parse(text, size, &json, &problem);

    if (r >= 0)
        r = json_struct_read(&chain_json, json, chain, &problem);
    if (r < 0)
        return error_set(err, ERROR_CORRUPT, "kept chain of CNI: %s", error_message(&problem));
    if (!has_types(chain))
        return error_set(err, ERROR_CORRUPT, "kept chain of CNI '%s' has no plug-ins", chain->name);
    *ret = TAKE_PTR(chain);
    return 0;
}

/* --- making one --- */

static int ask_versions(const CniOptions *options, const char *plugin, const char *version,
                        CniVersions *ret, Error *err)
{
    _cleanup_json_ json_t *input = json_pack("{s:s}", "cniVersion", version), *answer = NULL;
    CniCall call = { .command = "VERSION", .plugin = plugin, .input = input };
    const json_t *list;
    int r = cni_plugin_call(options, &call, &answer, err);

    if (r < 0)
        return r;
    *ret = 0;
    list = json_object_get(answer, "supportedVersions");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *one = json_string_value(json_array_get(list, i));

        *ret |= one ? cni_version_parse(one) : 0;
    }
    return 0;
}

/* The highest one that the configuration is for and all of its plug-ins speak. A configuration for
 * a single version leaves nothing to ask. */
static int choose_version(CniChain *chain, const CniOptions *options, CniVersions versions,
                          Error *err)
{
    CniVersions common = versions;

    for (size_t i = 0; i < json_array_size(chain->plugins) && (versions & (versions - 1)); i++) {
        CniVersions spoken;
        int r =
            ask_versions(options, type_of(chain, i), cni_version_highest(versions), &spoken, err);

        if (r < 0)
            return r;
        common &= spoken;
    }
    if (!common)
        return error_set(err, ERROR_UNSUPPORTED,
                         "the plug-ins of CNI configuration '%s' speak none of its versions",
                         chain->name);
    chain->version = memory_strdup(cni_version_highest(common));
    return 0;
}

static bool has_capability(const json_t *plugin, const char *name)
{
    return json_is_true(json_object_get(json_object_get(plugin, "capabilities"), name));
}

/* Whatever is asked for must be somebody's to do. */
static int add_capability(CniChain *chain, const char *name, const char *what, json_t *value,
                          Error *err)
{
    for (size_t i = 0; i < json_array_size(chain->plugins); i++) {
        if (!has_capability(json_array_get(chain->plugins, i), name))
            continue;
        if (!chain->capabilities)
            chain->capabilities = json_object();
        json_object_set(chain->capabilities, name, value);
        return 0;
    }
    return error_set(err, ERROR_INVALID,
                     "CNI network '%s' does not take %s: none of its plug-ins has the capability "
                     "'%s'",
                     chain->name, what, name);
}

static int add_capabilities(CniChain *chain, const CniRequest *request, Error *err)
{
    int r = 0;

    if (json_array_size(request->ports) > 0)
        r = add_capability(chain, "portMappings", "published ports", request->ports, err);
    if (r >= 0 && json_array_size(request->addresses) > 0)
        r = add_capability(chain, "ips", "an address", request->addresses, err);
    if (r >= 0 && request->mac) {
        _cleanup_json_ json_t *mac = json_string(request->mac);

        r = add_capability(chain, "mac", "a hardware address", mac, err);
    }
    return r;
}

int cni_open(const char *name, const CniOptions *options, const CniRequest *request, CniChain **ret,
             Error *err)
{
    _cleanup_(cni_chain_freep) CniChain *chain = NEW(CniChain);
    _cleanup_cni_config_ CniConfig config = {};
    int r = cni_config_find(options->config_directory, name, &config, err);

    if (r < 0)
        return r;
    chain->name = TAKE_PTR(config.name);
    chain->interface = memory_strdup(request->interface);
    chain->plugins = TAKE_PTR(config.plugins);
    r = add_capabilities(chain, request, err);
    if (r >= 0)
        r = choose_version(chain, options, config.versions, err);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(chain);
    return 0;
}

/* --- running one --- */

/* "Deriving execution configuration": what is the list's, what this plug-in does of what is asked
 * for, and what there is by now. */
static json_t *input_of(const CniChain *chain, size_t index, const json_t *previous)
{
    const json_t *plugin = json_array_get(chain->plugins, index);
    json_t *input = json_copy((json_t *)plugin), *runtime = json_object();
    const char *name;
    json_t *value;

    json_object_foreach(chain->capabilities, name, value)
    {
        if (has_capability(plugin, name))
            json_object_set(runtime, name, value);
    }
    (void)json_object_del(input, "capabilities"); /* it may have none */
    (void)json_object_del(input, "cniVersions");
    json_object_set_new(input, "name", json_string(chain->name));
    json_object_set_new(input, "cniVersion", json_string(chain->version));
    if (json_object_size(runtime) > 0)
        json_object_set(input, "runtimeConfig", runtime);
    json_decref(runtime);
    if (previous)
        json_object_set(input, "prevResult", (json_t *)previous);
    return input;
}

static int call_plugin(const CniChain *chain, const CniOptions *options, size_t index,
                       const char *command, json_t **ret, Error *err)
{
    bool is_add = strcmp(command, "ADD") == 0;
    bool has_previous = is_add || cni_version_deletes_by_result(chain->version);
    _cleanup_json_ json_t *input = input_of(chain, index, has_previous ? chain->result : NULL);
    CniCall call = { .command = command,
                     .plugin = type_of(chain, index),
                     .interface = chain->interface,
                     .input = input };

    return cni_plugin_call(options, &call, ret, err);
}

/* One that says that it is done has to say what: the next one and the end are told. */
static int add_one(CniChain *chain, const CniOptions *options, size_t index, Error *err)
{
    _cleanup_json_ json_t *answer = NULL;
    _cleanup_cni_result_ CniResult result = {};
    int r = call_plugin(chain, options, index, "ADD", &answer, err);

    if (r < 0)
        return r;
    r = answer ? cni_result_read(answer, chain->interface, &result, err)
               : error_set(err, ERROR_INVALID, "it prints nothing");
    if (r < 0) {
        _cleanup_error_ Error problem = {};

        error_move(&problem, err);
        return error_set(err, ERROR_UNAVAILABLE, "CNI plug-in '%s': ADD: result: %s",
                         type_of(chain, index), error_message(&problem));
    }
    json_decref(chain->result);
    chain->result = TAKE_PTR(answer);
    return 0;
}

/* The first @count of them, from the last. Failures but the first one are warned of. */
static int delete_first(const CniChain *chain, const CniOptions *options, size_t count, Error *err)
{
    int result = 0;

    for (size_t i = count; i > 0; i--) {
        _cleanup_json_ json_t *answer = NULL;
        _cleanup_error_ Error problem = {};
        int r = call_plugin(chain, options, i - 1, "DEL", &answer, &problem);

        if (r >= 0)
            continue;
        if (result < 0)
            log_warning("%s", error_message(&problem));
        else
            error_move(err, &problem);
        result = result < 0 ? result : r;
    }
    return result;
}

int cni_add(CniChain *chain, const CniOptions *options, bool *ret_is_left, Error *err)
{
    size_t count = json_array_size(chain->plugins);

    *ret_is_left = false;
    for (size_t i = 0; i < count; i++) {
        _cleanup_error_ Error problem = {};
        int r = add_one(chain, options, i, err);

        if (r >= 0)
            continue;
        *ret_is_left = delete_first(chain, options, i + 1, &problem) < 0;
        if (*ret_is_left)
            log_warning("%s", error_message(&problem));
        return r;
    }
    return 0;
}

int cni_delete(const CniChain *chain, const CniOptions *options, Error *err)
{
    int r = chain->result ? 0 : cni_end_remains(options->container, err);

    if (r < 0)
        return r;
    return delete_first(chain, options, json_array_size(chain->plugins), err);
}

int cni_chain_result(const CniChain *chain, CniResult *ret, Error *err)
{
    int r;

    *ret = (CniResult) {};
    if (!chain->result)
        return 0;
    r = cni_result_read(chain->result, chain->interface, ret, err);
    return r < 0 ? error_wrap(err, r, "result of CNI network '%s'", chain->name) : 0;
}
