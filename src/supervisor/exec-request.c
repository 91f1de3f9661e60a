/* SPDX-License-Identifier: Apache-2.0 */

/* The request's field table, its file, and what it makes of a configuration. */

#include "supervisor/exec-request.h"

#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/variables.h"
#include "sandbox/capabilities.h"

/* Arguments and environment are what the kernel takes at most; JSON makes up to six of a byte. */
#define REQUEST_SIZE_MAX ((size_t)32 << 20)

static const JsonField user_fields[] = {
    JSON_FIELD(ExecUser, uid, "uid", JSON_TYPE_UINT32),
    JSON_FIELD(ExecUser, gid, "gid", JSON_TYPE_UINT32),
    JSON_FIELD(ExecUser, groups, "groups", JSON_TYPE_UINT32_LIST),
};
static const JsonStruct user_json = JSON_STRUCT(ExecUser, user_fields);

static const JsonField request_fields[] = {
    JSON_FIELD(ExecRequest, arguments, "arguments", JSON_TYPE_STRING_LIST),
    JSON_FIELD(ExecRequest, environment, "environment", JSON_TYPE_STRING_LIST),
    JSON_FIELD(ExecRequest, working_directory, "workingDirectory", JSON_TYPE_STRING),
    JSON_FIELD_OF(ExecRequest, user, "user", JSON_TYPE_STRUCT_POINTER, &user_json),
    JSON_FIELD(ExecRequest, tty, "tty", JSON_TYPE_BOOL),
    JSON_FIELD(ExecRequest, open_stdin, "openStdin", JSON_TYPE_BOOL),
    JSON_FIELD(ExecRequest, privileged, "privileged", JSON_TYPE_BOOL),
};
static const JsonStruct request_json = JSON_STRUCT(ExecRequest, request_fields);

void exec_request_done(ExecRequest *request)
{
    json_struct_done(&request_json, request);
}

int exec_request_write(int exec_fd, const ExecRequest *request, Error *err)
{
    _cleanup_json_ json_t *json = json_struct_write(&request_json, request);
    _cleanup_free_ char *text = json_to_text(json);
    int r = file_write_at(exec_fd, EXEC_REQUEST_NAME, text, strlen(text), 0600, 0);

    return r < 0 ? error_result(err, r, "write '%s'", EXEC_REQUEST_NAME) : 0;
}

int exec_request_read(int exec_fd, ExecRequest *ret, Error *err)
{
    _cleanup_exec_request_ ExecRequest request = {};
    _cleanup_json_ json_t *json = NULL;
    _cleanup_free_ char *text = NULL;
    _cleanup_error_ Error cause = {};
    size_t size;
    int r = file_read_at(exec_fd, EXEC_REQUEST_NAME, REQUEST_SIZE_MAX, &text, &size);

    if (r < 0)
        return error_result(err, r, "read '%s'", EXEC_REQUEST_NAME);
    if (json_parse(text, size, &json, &cause) < 0 ||
        json_struct_read(&request_json, json, &request, &cause) < 0)
        return error_set(err, ERROR_CORRUPT, "'%s': %s", EXEC_REQUEST_NAME, error_message(&cause));

    *ret = request;
    request = (ExecRequest) {};
    return 0;
}

static void apply_user(const ExecUser *wanted, RuntimeUser *user)
{
    user->uid = wanted->uid;
    user->gid = wanted->gid;
    free(user->additional_gids.items);
    user->additional_gids.items = NULL;
    user->additional_gids.count = 0;
    for (size_t i = 0; i < wanted->groups.count; i++)
        *JSON_ARRAY_ADD(&user->additional_gids) = wanted->groups.items[i];
}

static void apply_capabilities(bool privileged, RuntimeProcess *process)
{
    RuntimeCapabilities *capabilities = process->capabilities;

    if (!capabilities)
        capabilities = process->capabilities = NEW(RuntimeCapabilities);
    if (privileged) {
        string_list_done(&capabilities->bounding);
        capabilities_to_names(capabilities_available(), &capabilities->bounding);
    }
    string_list_done(&capabilities->permitted);
    string_list_done(&capabilities->effective);
    string_list_done(&capabilities->inheritable);
    string_list_done(&capabilities->ambient);
    if (process->user.uid == 0) {
        string_list_copy(&capabilities->permitted, &capabilities->bounding);
        string_list_copy(&capabilities->effective, &capabilities->bounding);
    }
}

int exec_request_apply(const ExecRequest *request, RuntimeConfig *config, Error *err)
{
    RuntimeProcess *process = config->process;

    if (!process)
        return error_set(err, ERROR_INVALID, "the container has no process of its own");
    string_list_done(&process->args);
    string_list_copy(&process->args, &request->arguments);
    for (size_t i = 0; i < request->environment.count; i++)
        variables_set(&process->env, request->environment.items[i]);
    if (request->working_directory) {
        free(process->cwd);
        process->cwd = memory_strdup(request->working_directory);
    }
    if (request->user)
        apply_user(request->user, &process->user);
    apply_capabilities(request->privileged, process);
    process->terminal = request->tty;
    return runtime_config_validate(config, err);
}
