/* SPDX-License-Identifier: Apache-2.0 */

/*
 * `cay login`: credentials are tried at the registry first, and kept where Docker keeps them. They
 * come from the terminal, from standard input or from options, and go nowhere else.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/locked-memory.h"
#include "base/memory.h"
#include "cli/commands.h"
#include "cli/open-engine.h"
#include "cli/prompt.h"
#include "registry/registry-client.h"
#include "registry/registry-credentials.h"
#include "registry/registry-host.h"

#define PASSWORD_MAX 65536

typedef struct LoginOptions {
    RegistryCredentials credentials;
    bool password_stdin;
} LoginOptions;

static const Option login_options[] = {
    { "password", 'p', .type = OPTION_STRING, .argument = "string",
      .offset = offsetof(LoginOptions, credentials.password),
      .help = "Password or token; others may see it, unlike that of --password-stdin" },
    { "password-stdin", .type = OPTION_BOOL, .offset = offsetof(LoginOptions, password_stdin),
      .help = "Take the password from standard input" },
    { "username", 'u', .type = OPTION_STRING, .argument = "string",
      .offset = offsetof(LoginOptions, credentials.username), .help = "Name at the registry" },
};

const OptionTable login_option_table = { OPTION_TABLE(login_options) };

static void login_options_done(LoginOptions *options)
{
    registry_credentials_done(&options->credentials);
}

static int check_options(const LoginOptions *options, Error *err)
{
    const RegistryCredentials *credentials = &options->credentials;

    if (credentials->password && options->password_stdin)
        return error_set(err, ERROR_INVALID,
                         "--password and --password-stdin are mutually exclusive");
    if (options->password_stdin && !credentials->username)
        return error_set(err, ERROR_INVALID, "must provide --username with --password-stdin");
    if (credentials->username && !*credentials->username)
        return error_set(err, ERROR_INVALID, "username is empty");
    if (credentials->password && !*credentials->password)
        return error_set(err, ERROR_INVALID, "password is empty");
    return 0;
}

static int read_password(char **ret, Error *err)
{
    size_t size;
    int r = fd_read_all(STDIN_FILENO, PASSWORD_MAX, ret, &size);

    if (r == -EFBIG)
        return error_set(err, ERROR_INVALID, "the password has more than %d bytes", PASSWORD_MAX);
    if (r < 0)
        return error_result(err, r, "read the password from standard input");
    if (strlen(*ret) != size)
        return error_set(err, ERROR_INVALID, "the password has a zero byte in it");
    if (size > 0 && (*ret)[size - 1] == '\n')
        (*ret)[--size] = '\0';
    if (size > 0 && (*ret)[size - 1] == '\r')
        (*ret)[--size] = '\0';
    return size > 0 ? 0 : error_set(err, ERROR_INVALID, "the password is empty");
}

/* Ask for what is missing; @known is the name that was used before. */
static int ask(RegistryCredentials *credentials, const char *known, Error *err)
{
    _cleanup_free_ char *question = known ? memory_printf("Username (%s): ", known) : NULL;
    int r = 0;

    if (!credentials->username) {
        r = prompt_read_line(question ? question : "Username: ", false, &credentials->username,
                             err);
        if (r >= 0 && !*credentials->username && known) {
            free(credentials->username);
            credentials->username = memory_strdup(known);
        }
        if (r >= 0 && !*credentials->username)
            return error_set(err, ERROR_INVALID, "a username is required");
    }
    if (r >= 0 && !credentials->password) {
        r = prompt_read_line("Password: ", true, &credentials->password, err);
        if (r >= 0 && !*credentials->password)
            return error_set(err, ERROR_INVALID, "a password is required");
    }
    return r;
}

/* Does the registry take them? A token that it gives instead of the password takes its place. */
static int try_credentials(const RegistrySettings *settings, const char *domain,
                           RegistryCredentials *credentials, Error *err)
{
    const RegistryWish wish = { .domain = domain, .for_push = true, .credentials = credentials };
    _cleanup_registry_repository_ RegistryRepository registry = {};
    _cleanup_(registry_client_closep) RegistryClient *client = NULL;
    char *token = NULL;
    int r = registry_resolve(settings, &wish, &registry, err);

    if (r >= 0)
        r = registry_client_open(&registry, &client, err);
    if (r >= 0)
        r = registry_client_login(client, &token, err);
    if (r < 0)
        return r;
    if (token) {
        RegistryCredentials used = *credentials;

        *credentials = (RegistryCredentials) {
            .username = TAKE_PTR(used.username),
            .identity_token = token,
        };
        registry_credentials_done(&used);
    }
    return 0;
}

static int keep(const char *domain, const RegistryCredentials *credentials, Error *err)
{
    _cleanup_registry_credentials_place_ RegistryCredentialsPlace place = {};
    int r = registry_credentials_store(NULL, domain, credentials, &place, err);

    if (r < 0)
        return r;
    if (!place.helper)
        (void)fprintf(stderr, /* a warning that nobody sees changes nothing */
                      "\nWARNING! Your credentials are stored unencrypted in '%s'.\n"
                      "Configure a credential helper to remove this warning.\n\n",
                      place.file);
    return 0;
}

/*
 * With what was kept before. Returns 1 when the registry takes it, 0 when there is nothing or it
 * does not; *ret_name is the name then (NULL: none), for the caller to free.
 */
static int try_kept(const RegistrySettings *settings, const char *domain, char **ret_name,
                    Error *err)
{
    _cleanup_registry_credentials_ RegistryCredentials kept = {};
    _cleanup_error_ Error problem = {};
    int r = registry_credentials_find(NULL, domain, &kept, err);

    if (r < 0)
        return r;
    *ret_name = memory_strdup(kept.username);
    if (!kept.password && !kept.identity_token)
        return 0;
    printf("Authenticating with existing credentials...%s%s%s\n",
           kept.username ? " [Username: " : "", kept.username ? kept.username : "",
           kept.username ? "]" : "");
    r = try_credentials(settings, domain, &kept, &problem);
    if (r < 0 && (problem.kind != ERROR_DENIED || !isatty(STDIN_FILENO))) {
        error_move(err, &problem);
        return r;
    }
    if (r < 0)
        (void)fprintf(stderr, "Login did not succeed: %s\n", error_message(&problem));
    return r < 0 ? 0 : 1;
}

static int login_with(const RegistrySettings *settings, const char *domain, LoginOptions *options,
                      Error *err)
{
    RegistryCredentials *credentials = &options->credentials;
    _cleanup_free_ char *known = NULL;
    int r = 0;

    if (credentials->password)
        (void)fprintf(stderr, /* a warning that nobody sees changes nothing */
                      "WARNING! Using --password via the CLI is insecure. Use --password-stdin.\n");
    if (options->password_stdin)
        r = read_password(&credentials->password, err);
    else if (!credentials->username && !credentials->password)
        r = try_kept(settings, domain, &known, err);
    if (r != 0)
        return r;
    r = ask(credentials, known, err);
    if (r >= 0)
        r = try_credentials(settings, domain, credentials, err);
    return r < 0 ? r : keep(domain, credentials, err);
}

int cli_login(Invocation *invocation, Error *err)
{
    _cleanup_(login_options_done) LoginOptions options = {};
    _cleanup_(registry_settings_freep) RegistrySettings *settings = NULL;
    _cleanup_free_ char *domain = NULL;
    int r = invocation_parse(invocation, &options, err);

    if (r >= 0)
        r = invocation_misuse(invocation, check_options(&options, err));
    if (r >= 0)
        r = invocation_misuse(invocation, registry_host_parse(invocation->n_arguments > 0
                                                                  ? invocation->arguments[0]
                                                                  : REGISTRY_HUB,
                                                              &domain, err));
    if (r < 0)
        return r;
    process_hide_memory();
    r = open_registry_settings(invocation, &settings, err);
    if (r >= 0)
        r = login_with(settings, domain, &options, err);
    if (r < 0)
        return error_wrap(err, r, "log in to '%s'", domain);
    printf("Login Succeeded\n");
    return 0;
}
