/* SPDX-License-Identifier: Apache-2.0 */

/* Docker's config.json and credential helpers: what is found, kept, forgotten, and left alone. */

#include "check.h"
#include "scratch.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/json-fields.h"
#include "base/memory.h"
#include "registry/registry-credentials.h"

static void write_file(const Scratch *scratch, const char *name, const char *text, mode_t mode)
{
    assert_int_equal(file_write_at(scratch->fd, name, text, strlen(text), mode, 0), 0);
}

static char *path_of(const Scratch *scratch, const char *name)
{
    return memory_printf("%s/%s", scratch->path, name);
}

static int find(const Scratch *scratch, const char *host, RegistryCredentials *ret, Error *err)
{
    _cleanup_free_ char *path = path_of(scratch, "config.json");

    return registry_credentials_find(path, host, ret, err);
}

/* "me:word" is bWU6d29yZA==. */
static const struct {
    const char *json, *host;
    const char *username, *password, *identity_token, *registry_token;
} entries[] = {
    { "{\"auths\":{\"a.example.com\":{\"auth\":\"bWU6d29yZA==\"}}}", "a.example.com", "me",
      "word" },
    { "{\"auths\":{\"https://a.example.com/v1/\":{\"auth\":\"bWU6d29yZA==\"}}}", "a.example.com",
      "me", "word" },
    { "{\"auths\":{\"http://a.example.com:5000/v2\":{\"auth\":\"bWU6d29yZA==\"}}}",
      "a.example.com:5000", "me", "word" },
    { "{\"auths\":{\"a.example.com:5000\":{\"auth\":\"bWU6d29yZA==\"}}}", "a.example.com" },
    { "{\"auths\":{\"https://index.docker.io/v1/\":{\"auth\":\"bWU6d29yZA==\"}}}", "docker.io",
      "me", "word" },
    { "{\"auths\":{\"https://index.docker.io/v1/access-token\":{\"auth\":\"bWU6d29yZA==\"}}}",
      "docker.io" },
    { "{\"auths\":{\"a\":{\"auth\":\"bWU6\",\"identitytoken\":\"t\"}}}", "a", "me", NULL, "t" },
    { "{\"auths\":{\"a\":{\"auth\":\"bWU6YTpi\"}}}", "a", "me", "a:b" },
    { "{\"auths\":{\"a\":{\"auth\":\"bWU6YQAA\"}}}", "a", "me", "a" },
    { "{\"auths\":{\"a\":{\"registrytoken\":\"t\"}}}", "a", NULL, NULL, NULL, "t" },
    { "{\"auths\":{\"a\":{\"username\":\"me\",\"password\":\"word\"}}}", "a", "me", "word" },
    { "{\"auths\":{\"https://a/\":{\"auth\":\"eDp5\"},\"a\":{\"auth\":\"bWU6d29yZA==\"}}}", "a",
      "me", "word" },
    { "{\"auths\":{\"a\":{}}}", "a" },
    { "{\"auths\":null}", "a" },
    { "{}", "a" },
    { "", "a" },
};

static void check_text(const char *text, const char *wanted)
{
    if (wanted)
        assert_string_equal(text, wanted);
    else
        assert_null(text);
}

static void entries_are_found_as_docker_finds_them(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(entries); i++) {
        _cleanup_registry_credentials_ RegistryCredentials found = {};
        _cleanup_error_ Error err = {};

        write_file(*state, "config.json", entries[i].json, 0600);
        if (find(*state, entries[i].host, &found, &err) < 0)
            fail_msg("%s: %s", entries[i].json, error_message(&err));
        check_text(found.username, entries[i].username);
        check_text(found.password, entries[i].password);
        check_text(found.identity_token, entries[i].identity_token);
        check_text(found.registry_token, entries[i].registry_token);
    }
}

static void a_malformed_file_is_refused_and_nothing_of_it_told(void **state)
{
    static const char *const bad[] = {
        "{\"auths\":{\"a\":{\"auth\":\"hunter2!\"}}}",
        "{\"auths\":{\"a\":{\"auth\":\"aHVudGVyMg==\"}}}", /* hunter2, without a colon */
        "{\"auths\":{\"a\":{\"auth\":\"Omh1bnRlcjI=\"}}}", /* :hunter2 */
        "{\"auths\":{\"a\":{\"auth\":\"bWU6YQBi\"}}}",     /* a zero byte within */
        "{\"auths\":{\"a\":{\"auth\":\"bWU6d29y\"",
        "{\"auths\":{\"a\":{\"auth\":7}}}",
        "{\"auths\":{\"a\":\"hunter2\"}}",
        "{\"auths\":[\"hunter2\"]}",
        "{\"credsStore\":\"../hunter2\"}",
        "{\"credsStore\":7}",
        "[\"hunter2\"]",
        "hunter2",
        "{} hunter2",
    };

    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        _cleanup_registry_credentials_ RegistryCredentials found = {};
        _cleanup_error_ Error err = {};

        write_file(*state, "config.json", bad[i], 0600);
        if (find(*state, "a", &found, &err) >= 0)
            fail_msg("'%s' is accepted", bad[i]);
        assert_int_equal(err.kind, ERROR_INVALID);
        assert_non_null(strstr(error_message(&err), "config.json"));
        if (!strstr(bad[i], "credsStore"))
            assert_null(strstr(error_message(&err), "hunter2"));
    }
}

static int store(const Scratch *scratch, const char *name, const char *host,
                 const RegistryCredentials *credentials, RegistryCredentialsPlace *ret, Error *err)
{
    _cleanup_free_ char *path = path_of(scratch, name);

    return registry_credentials_store(path, host, credentials, ret, err);
}

static const RegistryCredentials word = { .username = (char *)"me", .password = (char *)"word" };

static void check_members(const Scratch *scratch, const char *name, const char *wanted)
{
    _cleanup_free_ char *text = NULL, *compact = NULL;
    _cleanup_json_ json_t *json = NULL;
    size_t size;

    assert_int_equal(file_read_at(scratch->fd, name, 65536, &text, &size), 0);
    assert_int_equal(json_parse(text, size, &json, NULL), 0);
    compact = json_to_text(json);
    assert_string_equal(compact, wanted);
}

static void what_else_is_in_the_file_stays_as_it_is(void **state)
{
    const Scratch *scratch = *state;
    _cleanup_registry_credentials_place_ RegistryCredentialsPlace place = {};
    _cleanup_free_ char *path = path_of(scratch, "config.json");
    struct stat status;

    write_file(
        scratch, "config.json",
        "{\"z\":18446744073709551615,\"auths\":{\"b\":{\"email\":\"x\"}},\"a\":[1,{\"c\":null}]}",
        0644);
    assert_int_equal(store(scratch, "config.json", "docker.io", &word, &place, NULL), 0);
    assert_null(place.helper);
    assert_string_equal(place.file, path);
    check_members(scratch, "config.json",
                  "{\"z\":18446744073709551615,\"auths\":{\"b\":{\"email\":\"x\"},"
                  "\"https://index.docker.io/v1/\":{\"auth\":\"bWU6d29yZA==\"}},"
                  "\"a\":[1,{\"c\":null}]}");
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    assert_int_equal(registry_credentials_erase(path, "docker.io", NULL), 1);
    assert_int_equal(registry_credentials_erase(path, "docker.io", NULL), 0);
    check_members(scratch, "config.json",
                  "{\"z\":18446744073709551615,\"auths\":{\"b\":{\"email\":\"x\"}},"
                  "\"a\":[1,{\"c\":null}]}");
}

static void a_directory_that_is_missing_is_made_for_its_owner_alone(void **state)
{
    const Scratch *scratch = *state;
    _cleanup_registry_credentials_place_ RegistryCredentialsPlace place = {};
    struct stat status;

    assert_int_equal(store(scratch, "new/.docker/config.json", "a", &word, &place, NULL), 0);
    assert_int_equal(fstatat(scratch->fd, "new/.docker", &status, 0), 0);
    assert_int_equal(status.st_mode & 07777, 0700);
}

static void a_symlink_stays_and_what_it_leads_to_is_replaced(void **state)
{
    const Scratch *scratch = *state;
    _cleanup_registry_credentials_place_ RegistryCredentialsPlace place = {};
    struct stat status;

    assert_int_equal(mkdirat(scratch->fd, "real", 0755), 0);
    assert_int_equal(symlinkat("real/file", scratch->fd, "config.json"), 0);
    assert_int_equal(symlinkat("other", scratch->fd, "real/file"), 0);
    assert_int_equal(store(scratch, "config.json", "a", &word, &place, NULL), 0);
    assert_int_equal(fstatat(scratch->fd, "config.json", &status, AT_SYMLINK_NOFOLLOW), 0);
    assert_true(S_ISLNK(status.st_mode));
    assert_int_equal(fstatat(scratch->fd, "real/other", &status, AT_SYMLINK_NOFOLLOW), 0);
    assert_true(S_ISREG(status.st_mode));
}

static void the_file_keeps_its_owner(void **state)
{
    const Scratch *scratch = *state;
    _cleanup_registry_credentials_place_ RegistryCredentialsPlace place = {};
    struct stat status;

    write_file(scratch, "config.json", "{}", 0600);
    assert_int_equal(fchownat(scratch->fd, "config.json", 1234, 1235, 0), 0);
    assert_int_equal(store(scratch, "config.json", "a", &word, &place, NULL), 0);
    assert_int_equal(fstatat(scratch->fd, "config.json", &status, 0), 0);
    assert_int_equal(status.st_uid, 1234);
    assert_int_equal(status.st_gid, 1235);
}

static void what_a_killed_writer_has_left_is_gone_after_the_next(void **state)
{
    const Scratch *scratch = *state;
    _cleanup_registry_credentials_place_ RegistryCredentialsPlace place = {};

    write_file(scratch, ".config.json.cay-new", "{\"auths\":", 0600);
    assert_int_equal(store(scratch, "config.json", "a", &word, &place, NULL), 0);
    assert_int_equal(faccessat(scratch->fd, ".config.json.cay-new", F_OK, 0), -1);
}

/* A helper that keeps what it is told in $KEPT, one file for all. */
#define HELPER                                                                                     \
    "#!/bin/sh\n"                                                                                  \
    "case $1 in\n"                                                                                 \
    "store) cat >$KEPT ;;\n"                                                                       \
    "get) read -r key || :; grep -qF \"\\\"$key\\\"\" $KEPT 2>/dev/null && exec cat $KEPT\n"       \
    "  echo credentials not found in native keychain; exit 1 ;;\n"                                 \
    "erase) rm $KEPT ;;\n"                                                                         \
    "esac\n"

static void install_helper(const Scratch *scratch, const char *script, const char *config)
{
    _cleanup_free_ char *kept = path_of(scratch, "kept");
    _cleanup_free_ char *path = memory_printf("%s:/usr/bin:/bin", scratch->path);

    write_file(scratch, "docker-credential-test", script, 0755);
    write_file(scratch, "config.json", config, 0600);
    assert_int_equal(setenv("KEPT", kept, 1), 0);
    assert_int_equal(setenv("PATH", path, 1), 0);
}

static void check_helper_keeps(const Scratch *scratch, const char *config, const char *host,
                               const RegistryCredentials *credentials)
{
    _cleanup_free_ char *path = path_of(scratch, "config.json");
    _cleanup_registry_credentials_place_ RegistryCredentialsPlace place = {};
    _cleanup_registry_credentials_ RegistryCredentials found = {}, none = {};
    _cleanup_error_ Error err = {};

    install_helper(scratch, HELPER, config);
    if (registry_credentials_store(path, host, credentials, &place, &err) < 0)
        fail_msg("%s", error_message(&err));
    assert_string_equal(place.helper, "test");
    assert_int_equal(find(scratch, host, &found, NULL), 0);
    check_text(found.identity_token, credentials->identity_token);
    check_text(found.password, credentials->identity_token ? NULL : credentials->password);
    assert_int_equal(registry_credentials_erase(path, host, NULL), 1);
    assert_int_equal(find(scratch, host, &none, NULL), 0);
    assert_null(none.username);
    assert_int_equal(registry_credentials_erase(path, host, NULL), 0);
}

static void a_helper_keeps_credentials_for_all_registries_or_for_one(void **state)
{
    const RegistryCredentials token = { .username = (char *)"me", .identity_token = (char *)"t" };

    check_helper_keeps(*state, "{\"credsStore\":\"test\"}", "docker.io", &word);
    check_helper_keeps(*state, "{\"credsStore\":\"test\"}", "a.example.com:5000", &token);
    check_helper_keeps(*state, "{\"credHelpers\":{\"a\":\"test\"},\"credsStore\":\"none\"}", "a",
                       &word);
    check_helper_keeps(*state, "{\"credHelpers\":{\"docker.io\":\"test\"}}", "docker.io", &word);
}

static void what_a_helper_has_is_not_in_the_file(void **state)
{
    _cleanup_registry_credentials_place_ RegistryCredentialsPlace place = {};

    install_helper(*state, HELPER, "{\"credsStore\":\"test\"}");
    assert_int_equal(store(*state, "config.json", "a", &word, &place, NULL), 0);
    check_members(*state, "config.json", "{\"credsStore\":\"test\",\"auths\":{\"a\":{}}}");
}

static void a_helper_that_fails_is_unavailable_and_says_why(void **state)
{
    static const struct {
        const char *script, *why;
    } cases[] = {
        { "#!/bin/sh\necho the key ring is locked; exit 1\n", "the key ring is locked" },
        { "#!/bin/sh\nexit 3\n", "status 3" },
        { "#!/bin/sh\nkill -9 $$\n", "status 137" },
        { "#!/bin/sh\necho '{\"Username\":\"hunter2\"}'\n", "answers no credentials" },
        { "#!/bin/sh\necho hunter2\n", "answers no credentials" },
        { "#!/bin/sh\nexec cat /dev/zero\n", "more than" },
        { "#!/nowhere\n", "docker-credential-test" },
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        _cleanup_registry_credentials_ RegistryCredentials found = {};
        _cleanup_error_ Error err = {};

        install_helper(*state, cases[i].script, "{\"credsStore\":\"test\"}");
        assert_true(find(*state, "a", &found, &err) < 0);
        assert_int_equal(err.kind, ERROR_UNAVAILABLE);
        if (!strstr(error_message(&err), cases[i].why) || strstr(error_message(&err), "hunter2"))
            fail_msg("%s: %s", cases[i].script, error_message(&err));
    }
}

static void the_file_is_where_docker_looks_for_it(void **state)
{
    _cleanup_free_ char *of_variable = NULL, *of_home = NULL;

    (void)state;
    assert_int_equal(setenv("HOME", "/home/me", 1), 0);
    assert_int_equal(setenv("DOCKER_CONFIG", "/etc/keys", 1), 0);
    of_variable = registry_credentials_path();
    assert_int_equal(unsetenv("DOCKER_CONFIG"), 0);
    of_home = registry_credentials_path();
    assert_string_equal(of_variable, "/etc/keys/config.json");
    assert_string_equal(of_home, "/home/me/.docker/config.json");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scratch_test(entries_are_found_as_docker_finds_them),
        scratch_test(a_malformed_file_is_refused_and_nothing_of_it_told),
        scratch_test(what_else_is_in_the_file_stays_as_it_is),
        scratch_test(a_directory_that_is_missing_is_made_for_its_owner_alone),
        scratch_test(a_symlink_stays_and_what_it_leads_to_is_replaced),
        scratch_test(the_file_keeps_its_owner),
        scratch_test(what_a_killed_writer_has_left_is_gone_after_the_next),
        scratch_test(a_helper_keeps_credentials_for_all_registries_or_for_one),
        scratch_test(what_a_helper_has_is_not_in_the_file),
        scratch_test(a_helper_that_fails_is_unavailable_and_says_why),
        scratch_test(the_file_is_where_docker_looks_for_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
