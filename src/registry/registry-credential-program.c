/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Programs that keep credentials for us. They get what they have to know on standard input: that is
 * a file in memory, so one that does not read it neither holds us up nor kills us. What they answer
 * is bounded, and only what they say about a failure is ever shown.
 */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/json-fields.h"
#include "base/memory.h"
#include "base/path.h"
#include "base/process.h"
#include "registry/registry-credentials-private.h"

#define PREFIX "docker-credential-"
#define ANSWER_MAX 65536
#define REASON_MAX 200
#define NOT_FOUND_TEXT "credentials not found in native keychain"
#define TOKEN_USER "<token>" /* the secret is an identity token */

typedef struct Answer {
    char *text;
    size_t size;
    int code;
} Answer;

static void answer_done(Answer *answer)
{
    if (answer->text)
        explicit_bzero(answer->text, answer->size);
    free(answer->text);
}

typedef struct Secret {
    char *server; /* written, and told by helpers, but nothing that we rely on */
    char *username;
    char *secret;
} Secret;

static const JsonField secret_fields[] = {
    JSON_FIELD(Secret, server, "ServerURL", JSON_TYPE_STRING),
    JSON_FIELD(Secret, username, "Username", JSON_TYPE_STRING),
    JSON_FIELD(Secret, secret, "Secret", JSON_TYPE_STRING),
};
static const JsonStruct secret_json = JSON_STRUCT(Secret, secret_fields);

static void secret_done(Secret *secret)
{
    if (secret->secret)
        explicit_bzero(secret->secret, strlen(secret->secret));
    json_struct_done(&secret_json, secret);
}

/* Only a plain name: it comes from a file and becomes that of a program. */
static bool name_is_valid(const char *name)
{
    static const char characters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                     "0123456789_.-";

    return path_is_name(name) && strspn(name, characters) == strlen(name);
}

static int check_name(const json_t *name, const char *member, const char **ret, Error *err)
{
    const char *text = json_string_value(name);

    if (name && !json_is_null(name) && !text)
        return error_set(err, ERROR_INVALID, "%s: expected a string", member);
    if (text && *text && !name_is_valid(text))
        return error_set(err, ERROR_INVALID, "%s: '%s' is no name of a credential helper", member,
                         text);
    *ret = text && *text ? text : NULL;
    return 0;
}

int registry_credential_helper_of(const json_t *config, const char *host, const char **ret,
                                  Error *err)
{
    const json_t *helpers = json_object_get(config, "credHelpers");
    const char *const keys[] = { registry_credentials_key(host), host };
    const char *found = NULL;
    int r = 0;

    for (size_t i = 0; i < ARRAY_SIZE(keys) && !found && r >= 0; i++)
        r = check_name(json_object_get(helpers, keys[i]), "credHelpers", &found, err);
    if (r >= 0 && !found)
        r = check_name(json_object_get(config, "credsStore"), "credsStore", &found, err);
    if (r >= 0)
        *ret = found;
    return r;
}

static int run(const char *program, const char *action, const char *input, Answer *ret, Error *err)
{
    const char *const arguments[] = { program, action, NULL };
    _cleanup_close_ int input_fd = -EBADF, output_fd = -EBADF, write_fd = -EBADF;
    _cleanup_process_ Process process = PROCESS_INIT;
    int pipe_fds[2], status, r;

    r = input_fd = fd_from_data("credentials", input, strlen(input));
    if (r < 0 || pipe2(pipe_fds, O_CLOEXEC) < 0)
        return error_result(err, r < 0 ? r : -errno, "prepare to execute '%s'", program);
    output_fd = pipe_fds[0];
    write_fd = pipe_fds[1];
    r = process_spawn(
        &(SpawnOptions) {
            .program = program,
            .search = true,
            .arguments = arguments,
            .stdio = { input_fd, write_fd, STDERR_FILENO },
            .die_with_parent = true,
        },
        &process, err);
    if (r < 0)
        return r;
    write_fd = fd_close(write_fd);
    r = fd_read_all(output_fd, ANSWER_MAX, &ret->text, &ret->size);
    if (r == -EFBIG)
        return error_set(err, ERROR_UNAVAILABLE, "it answers more than %d bytes", ANSWER_MAX);
    if (r >= 0)
        r = process_wait(&process, &status);
    if (r < 0)
        return error_result(err, r, "wait for '%s'", program);
    ret->code = process_status_to_code(status);
    return 0;
}

/* Returns 1, 0 when it has no such credentials, or UNAVAILABLE with what it says. */
static int call(const char *helper, const char *action, const char *input, Answer *answer,
                Error *err)
{
    _cleanup_free_ char *program = memory_printf(PREFIX "%s", helper);
    _cleanup_error_ Error problem = {};
    int r = run(program, action, input, answer, &problem);

    if (r < 0)
        return error_set(err, ERROR_UNAVAILABLE, "credential helper '%s': %s", program,
                         error_message(&problem));
    if (answer->code == 0)
        return 1;
    if (strstr(answer->text, NOT_FOUND_TEXT))
        return 0;
    answer->text[strcspn(answer->text, "\r\n")] = '\0';
    return error_set(err, ERROR_UNAVAILABLE,
                     "credential helper '%s': %s failed with status %d%s%.*s", program, action,
                     answer->code, answer->text[0] ? ": " : "", REASON_MAX, answer->text);
}

static int read_secret(const Answer *answer, Secret *secret)
{
    _cleanup_json_ json_t *json = NULL;
    json_t *text;
    int r = json_parse(answer->text, answer->size, &json, NULL);

    if (r >= 0)
        r = json_struct_read(&secret_json, json, secret, NULL);
    text = json_object_get(json, "Secret");
    if (json_is_string(text))
        explicit_bzero((char *)json_string_value(text), json_string_length(text));
    return r;
}

int registry_credential_helper_get(const char *helper, const char *key, RegistryCredentials *ret,
                                   Error *err)
{
    _cleanup_(answer_done) Answer answer = {};
    _cleanup_(secret_done) Secret secret = {};
    int r = call(helper, "get", key, &answer, err);

    if (r <= 0)
        return r;
    if (read_secret(&answer, &secret) < 0 || !secret.username || !secret.secret)
        return error_set(err, ERROR_UNAVAILABLE,
                         "credential helper '" PREFIX "%s' answers no credentials in JSON", helper);
    *ret = (RegistryCredentials) {};
    if (strcmp(secret.username, TOKEN_USER) == 0) {
        ret->identity_token = TAKE_PTR(secret.secret);
    } else {
        ret->username = TAKE_PTR(secret.username);
        ret->password = TAKE_PTR(secret.secret);
    }
    return 1;
}

int registry_credential_helper_store(const char *helper, const char *key,
                                     const RegistryCredentials *credentials, Error *err)
{
    bool is_token = credentials->identity_token;
    const char *name = is_token ? TOKEN_USER : credentials->username;
    const char *text = is_token ? credentials->identity_token : credentials->password;
    _cleanup_(secret_done) Secret secret = {
        .server = memory_strdup(key),
        .username = memory_strdup(name ? name : ""),
        .secret = memory_strdup(text ? text : ""),
    };
    _cleanup_json_ json_t *json = json_struct_write(&secret_json, &secret);
    _cleanup_free_ char *input = json_to_text(json);
    _cleanup_(answer_done) Answer answer = {};
    json_t *kept = json_object_get(json, "Secret");
    int r = call(helper, "store", input, &answer, err);

    explicit_bzero(input, strlen(input));
    if (json_is_string(kept))
        explicit_bzero((char *)json_string_value(kept), json_string_length(kept));
    if (r == 0)
        return error_set(err, ERROR_UNAVAILABLE, "credential helper '" PREFIX "%s' stores nothing",
                         helper);
    return r < 0 ? r : 0;
}

int registry_credential_helper_erase(const char *helper, const char *key, Error *err)
{
    _cleanup_(answer_done) Answer answer = {};
    int r = call(helper, "erase", key, &answer, err);

    return r < 0 ? r : 0;
}
