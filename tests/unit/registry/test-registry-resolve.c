/* SPDX-License-Identifier: Apache-2.0 */

/* Where a repository is reached, with which certificates, as whom, and in which order. */

#include "check.h"
#include "scratch.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/path.h"
#include "registry/registry-settings.h"

#define CERTIFICATE "-----BEGIN CERTIFICATE-----\n"
#define KEY "-----BEGIN PRIVATE KEY-----\n"

static void write_file(const Scratch *scratch, const char *path, const char *text)
{
    _cleanup_free_ char *name = NULL;
    _cleanup_close_ int parent_fd = -EBADF;

    assert_int_equal(path_make_parents(scratch->fd, path, 0755, &parent_fd, &name) < 0, 0);
    parent_fd = parent_fd < 0 ? parent_fd : openat(parent_fd, ".", O_RDONLY | O_CLOEXEC);
    assert_int_equal(file_write_at(parent_fd, name, text, strlen(text), 0644, 0), 0);
}

/* The answer for @wish with registries.yaml, certs.d and config.json of the scratch directory. */
static int resolve(const Scratch *scratch, const char *yaml, RegistryWish wish,
                   RegistryRepository *ret, Error *err)
{
    _cleanup_free_ char *settings_path = memory_printf("%s/registries.yaml", scratch->path);
    _cleanup_free_ char *credentials_path = memory_printf("%s/config.json", scratch->path);
    _cleanup_(registry_settings_freep) RegistrySettings *settings = NULL;

    write_file(scratch, "registries.yaml", yaml);
    if (registry_settings_read(settings_path, NULL, &settings, err) < 0)
        fail_msg("%s", error_message(err));
    wish.credentials_file = credentials_path;
    return registry_resolve(settings, &wish, ret, err);
}

static void docker_hub_is_at_its_own_host(void **state)
{
    _cleanup_registry_repository_ RegistryRepository repository = {};

    assert_int_equal(resolve(*state, "",
                             (RegistryWish) { .domain = "docker.io", .path = "library/debian" },
                             &repository, NULL),
                     0);
    assert_int_equal(repository.endpoints.count, 1);
    assert_string_equal(repository.domain, "docker.io");
    assert_string_equal(repository.path, "library/debian");
    assert_string_equal(repository.endpoints.items[0].host, "registry-1.docker.io");
    assert_string_equal(repository.endpoints.items[0].prefix, "");
    assert_false(repository.endpoints.items[0].is_mirror);
    assert_false(repository.endpoints.items[0].try_plain_http);
    assert_null(repository.endpoints.items[0].credentials.username);
}

static void the_search_of_docker_hub_is_at_another_host(void **state)
{
    _cleanup_registry_repository_ RegistryRepository hub = {}, other = {};

    assert_int_equal(resolve(*state, "",
                             (RegistryWish) { .domain = "docker.io", .for_search = true }, &hub,
                             NULL),
                     0);
    assert_string_equal(hub.endpoints.items[0].host, "index.docker.io");
    assert_int_equal(
        resolve(*state, "", (RegistryWish) { .domain = "a", .for_search = true }, &other, NULL), 0);
    assert_string_equal(other.endpoints.items[0].host, "a");
}

#define MIRRORS                                                                                    \
    "registries:\n"                                                                                \
    "  docker.io:\n"                                                                               \
    "    mirrors: [mirror.example.com, 'http://10.0.0.1:5000/hub/', 'https://localhost:1/x']\n"    \
    "  mirror.example.com: {insecure: true}\n"

static void mirrors_come_first_with_the_rules_and_credentials_of_their_own_hosts(void **state)
{
    _cleanup_registry_repository_ RegistryRepository repository = {};
    const RegistryEndpoint *endpoints;

    write_file(*state, "config.json",
               "{\"auths\":{\"mirror.example.com\":{\"auth\":\"bWU6b25l\"},"
               "\"https://index.docker.io/v1/\":{\"auth\":\"bWU6dHdv\"}}}");
    assert_int_equal(resolve(*state, MIRRORS,
                             (RegistryWish) { .domain = "docker.io", .path = "library/debian" },
                             &repository, NULL),
                     0);
    endpoints = repository.endpoints.items;
    assert_int_equal(repository.endpoints.count, 4);
    assert_string_equal(endpoints[0].host, "mirror.example.com");
    assert_true(endpoints[0].is_mirror && endpoints[0].skip_verify && endpoints[0].try_plain_http);
    assert_string_equal(endpoints[0].credentials.password, "one");
    assert_string_equal(endpoints[1].host, "10.0.0.1:5000");
    assert_string_equal(endpoints[1].prefix, "hub");
    assert_true(endpoints[1].plain_http);
    assert_null(endpoints[1].credentials.password);
    assert_string_equal(endpoints[2].prefix, "x");
    assert_false(endpoints[2].plain_http || endpoints[2].try_plain_http);
    assert_false(endpoints[3].is_mirror || endpoints[3].skip_verify);
    assert_string_equal(endpoints[3].credentials.password, "two");
}

static void nothing_is_pushed_to_a_mirror(void **state)
{
    _cleanup_registry_repository_ RegistryRepository repository = {};
    const RegistryWish wish = { .domain = "docker.io", .path = "a/b", .for_push = true };

    assert_int_equal(resolve(*state, MIRRORS, wish, &repository, NULL), 0);
    assert_int_equal(repository.endpoints.count, 1);
}

static void plain_http_is_only_for_loopback_and_where_it_is_configured(void **state)
{
    static const struct {
        const char *domain;
        bool plain_http, try_plain_http, skip_verify;
    } wanted[] = {
        { "localhost:5000", false, true, false },
        { "127.0.0.9", false, true, false },
        { "registry.example.com", false, false, false },
        { "insecure.example.com", false, true, true },
        { "plain.example.com:80", true, false, false },
    };

    for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
        _cleanup_registry_repository_ RegistryRepository repository = {};
        const RegistryEndpoint *endpoint;

        assert_int_equal(resolve(*state,
                                 "registries: {insecure.example.com: {insecure: true},"
                                 " 'plain.example.com:80': {plain-http: true}}",
                                 (RegistryWish) { .domain = wanted[i].domain, .path = "a" },
                                 &repository, NULL),
                         0);
        endpoint = &repository.endpoints.items[0];
        assert_int_equal(endpoint->plain_http, wanted[i].plain_http);
        assert_int_equal(endpoint->try_plain_http, wanted[i].try_plain_http);
        assert_int_equal(endpoint->skip_verify, wanted[i].skip_verify);
    }
}

static void who_asks_for_it_gets_an_insecure_registry_but_no_insecure_mirrors(void **state)
{
    _cleanup_registry_repository_ RegistryRepository repository = {};
    const RegistryWish wish = { .domain = "a.example.com", .path = "a", .insecure = true };

    assert_int_equal(resolve(*state, "registries: {a.example.com: {mirrors: [b.example.com]}}",
                             wish, &repository, NULL),
                     0);
    assert_false(repository.endpoints.items[0].skip_verify);
    assert_true(repository.endpoints.items[1].skip_verify);
    assert_true(repository.endpoints.items[1].try_plain_http);
}

static void certificates_are_those_of_the_directory_with_the_registrys_name(void **state)
{
    _cleanup_registry_repository_ RegistryRepository repository = {};
    const RegistryEndpoint *endpoint;

    write_file(*state, "certs.d/a.example.com:5000/one.crt", CERTIFICATE "1\n");
    write_file(*state, "certs.d/a.example.com:5000/two.crt", CERTIFICATE "2\n");
    write_file(*state, "certs.d/a.example.com:5000/me.cert", CERTIFICATE "me\n");
    write_file(*state, "certs.d/a.example.com:5000/me.key", KEY);
    write_file(*state, "certs.d/a.example.com:5000/README", "not for us");
    assert_int_equal(
        resolve(*state, "", (RegistryWish) { .domain = "a.example.com:5000" }, &repository, NULL),
        0);
    endpoint = &repository.endpoints.items[0];
    assert_non_null(strstr(endpoint->ca, CERTIFICATE "1\n"));
    assert_non_null(strstr(endpoint->ca, CERTIFICATE "2\n"));
    assert_string_equal(endpoint->client_certificate, CERTIFICATE "me\n");
    assert_string_equal(endpoint->client_key, KEY);
}

static void malformed_certificates_are_refused_by_their_names(void **state)
{
    static const struct {
        const char *file, *text, *wrong;
    } cases[] = {
        { "a.crt", "nothing", "'a.crt' has no" },
        { "a.cert", CERTIFICATE, "missing key 'a.key'" },
        { "a.key", KEY, "missing client certificate 'a.cert'" },
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        _cleanup_registry_repository_ RegistryRepository repository = {};
        _cleanup_free_ char *domain = memory_printf("a%zu.example.com", i);
        _cleanup_free_ char *path = memory_printf("certs.d/%s/%s", domain, cases[i].file);
        _cleanup_error_ Error err = {};

        write_file(*state, path, cases[i].text);
        assert_true(resolve(*state, "", (RegistryWish) { .domain = domain }, &repository, &err) <
                    0);
        assert_int_equal(err.kind, ERROR_INVALID);
        assert_non_null(strstr(error_message(&err), cases[i].wrong));
    }
}

static void a_blocked_registry_is_denied(void **state)
{
    _cleanup_registry_repository_ RegistryRepository repository = {};
    _cleanup_error_ Error err = {};

    assert_true(resolve(*state, "registries: {docker.io: {blocked: true}}",
                        (RegistryWish) { .domain = "docker.io", .path = "library/debian" },
                        &repository, &err) < 0);
    assert_int_equal(err.kind, ERROR_DENIED);
    assert_non_null(strstr(error_message(&err), "registry 'docker.io': blocked by '"));
}

static void credentials_that_are_given_are_for_the_registry_alone(void **state)
{
    _cleanup_registry_repository_ RegistryRepository repository = {};
    const RegistryCredentials given = { .username = (char *)"me", .password = (char *)"word" };
    const RegistryWish wish = { .domain = "docker.io", .path = "a/b", .credentials = &given };

    assert_int_equal(resolve(*state, MIRRORS, wish, &repository, NULL), 0);
    assert_null(repository.endpoints.items[0].credentials.username);
    assert_string_equal(repository.endpoints.items[3].credentials.username, "me");
    assert_string_equal(repository.endpoints.items[3].credentials.password, "word");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scratch_test(docker_hub_is_at_its_own_host),
        scratch_test(the_search_of_docker_hub_is_at_another_host),
        scratch_test(mirrors_come_first_with_the_rules_and_credentials_of_their_own_hosts),
        scratch_test(nothing_is_pushed_to_a_mirror),
        scratch_test(plain_http_is_only_for_loopback_and_where_it_is_configured),
        scratch_test(who_asks_for_it_gets_an_insecure_registry_but_no_insecure_mirrors),
        scratch_test(certificates_are_those_of_the_directory_with_the_registrys_name),
        scratch_test(malformed_certificates_are_refused_by_their_names),
        scratch_test(a_blocked_registry_is_denied),
        scratch_test(credentials_that_are_given_are_for_the_registry_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
