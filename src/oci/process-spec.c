/* SPDX-License-Identifier: Apache-2.0 */

/* As runc's `exec` has it, where engines rely on it. */

#include "oci/process-spec.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/json-fields.h"
#include "base/memory.h"
#include "base/parse.h"
#include "sandbox/capabilities.h"

void process_options_done(ProcessOptions *options)
{
    free(options->file);
    free(options->cwd);
    free(options->user);
    free(options->label);
    free(options->apparmor);
    string_list_done(&options->env);
    string_list_done(&options->caps);
    string_list_done(&options->additional_gids);
}

static int read_process(const char *path, RuntimeProcess *process, Error *err)
{
    _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    _cleanup_json_ json_t *json = NULL;
    _cleanup_free_ char *text = NULL;
    size_t size;
    int r = fd < 0 ? -errno : fd_read_all(fd, RUNTIME_CONFIG_SIZE_MAX, &text, &size);

    if (r < 0)
        return error_result(err, r, "read the process '%s'", path);
    r = json_parse(text, size, &json, err);
    if (r >= 0)
        r = json_struct_read(&runtime_process_json, json, process, err);
    return r < 0 ? error_wrap(err, r, "%s", path) : 0;
}

static int replace_process(RuntimeConfig *config, const char *path, Error *err)
{
    json_struct_done(&runtime_process_json, config->process);
    return read_process(path, config->process, err);
}

static int parse_user(const char *text, RuntimeUser *user, Error *err)
{
    _cleanup_string_list_ StringList ids = {};

    string_list_split(&ids, text, ':');
    if (ids.count > 2 || parse_u32(ids.items[0], &user->uid) < 0 ||
        (ids.count == 2 && parse_u32(ids.items[1], &user->gid) < 0))
        return error_set(err, ERROR_INVALID, "invalid user '%s': write 'UID' or 'UID:GID'", text);
    return 0;
}

static int add_groups(const StringList *texts, RuntimeUser *user, Error *err)
{
    for (size_t i = 0; i < texts->count; i++) {
        uint32_t gid;

        if (parse_u32(texts->items[i], &gid) < 0)
            return error_set(err, ERROR_INVALID, "invalid group '%s': write a number",
                             texts->items[i]);
        *JSON_ARRAY_ADD(&user->additional_gids) = gid;
    }
    return 0;
}

/* Ambient ones need inheritable ones, which nothing here grants. */
static int add_capabilities(const StringList *names, RuntimeProcess *process, Error *err)
{
    if (names->count > 0 && !process->capabilities)
        process->capabilities = NEW(RuntimeCapabilities);
    for (size_t i = 0; i < names->count; i++) {
        if (capability_from_name(names->items[i]) < 0)
            return error_set(err, ERROR_INVALID, "unknown capability '%s'", names->items[i]);
        string_list_add(&process->capabilities->bounding, names->items[i]);
        string_list_add(&process->capabilities->effective, names->items[i]);
        string_list_add(&process->capabilities->permitted, names->items[i]);
        if (process->capabilities->inheritable.count > 0)
            string_list_add(&process->capabilities->ambient, names->items[i]);
    }
    return 0;
}

static void replace_text(char **text, const char *value)
{
    if (!value)
        return;
    free(*text);
    *text = memory_strdup(value);
}

static int change_process(RuntimeProcess *process, const ProcessOptions *options,
                          char *const *arguments, Error *err)
{
    int r = options->user ? parse_user(options->user, &process->user, err) : 0;

    if (r >= 0)
        r = add_groups(&options->additional_gids, &process->user, err);
    if (r >= 0)
        r = add_capabilities(&options->caps, process, err);
    if (r < 0)
        return r;
    string_list_done(&process->args);
    for (; *arguments; arguments++)
        string_list_add(&process->args, *arguments);
    for (size_t i = 0; i < options->env.count; i++)
        string_list_add(&process->env, options->env.items[i]);
    replace_text(&process->cwd, options->cwd);
    replace_text(&process->selinux_label, options->label);
    replace_text(&process->apparmor_profile, options->apparmor);
    process->terminal = options->tty;
    process->no_new_privileges = process->no_new_privileges || options->no_new_privs;
    return 0;
}

int process_spec_apply(RuntimeConfig *config, const ProcessOptions *options, char *const *arguments,
                       Error *err)
{
    int r;

    if (options->file && *arguments)
        return error_set(err, ERROR_INVALID, "--process and a program exclude each other");
    if (!options->file && !*arguments)
        return error_set(err, ERROR_INVALID, "exec args cannot be empty: name a program");
    if (!config->process)
        config->process = NEW(RuntimeProcess);
    r = options->file ? replace_process(config, options->file, err)
                      : change_process(config->process, options, arguments, err);
    if (r < 0)
        return r;
    if (config->process->args.count == 0)
        return error_set(err, ERROR_INVALID, "process.args: there is no program to execute");
    return runtime_config_validate(config, err);
}
