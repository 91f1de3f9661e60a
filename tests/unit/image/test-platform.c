/* SPDX-License-Identifier: Apache-2.0 */

/* Platforms: other names of one machine, and what runs where. */

#include <string.h>

#include "check.h"
#include "image/platform.h"

static void other_names_of_a_machine_are_understood(void **state)
{
    static const struct {
        const char *text, *canonical;
    } cases[] = {
        { "linux/amd64", "linux/amd64" },     { "linux/x86_64", "linux/amd64" },
        { "aarch64", "linux/arm64" },         { "linux/arm", "linux/arm/v7" },
        { "linux/arm/v6", "linux/arm/v6" },   { "armel", "linux/arm/v6" },
        { "windows/amd64", "windows/amd64" }, { "linux/unheard-of", "linux/unheard-of" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        _cleanup_platform_ Platform platform = {};
        _cleanup_free_ char *text = NULL;

        assert_int_equal(platform_parse(cases[i].text, &platform, NULL), 0);
        text = platform_to_string(&platform);
        assert_string_equal(text, cases[i].canonical);
    }
}

static void malformed_platforms_are_refused(void **state)
{
    static const char *const cases[] = { "", "/", "linux/", "a/b/c/d", "unheard-of", "linux/a b" };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        Platform platform = {};

        assert_int_equal(platform_parse(cases[i], &platform, NULL), -EINVAL);
    }
}

static void an_image_runs_on_its_machine_and_newer_ones(void **state)
{
    static const struct {
        const char *wanted, *image;
        bool matches;
    } cases[] = {
        { "linux/amd64", "linux/amd64", true },     { "linux/amd64", "linux/arm64", false },
        { "linux/amd64", "windows/amd64", false },  { "linux/arm/v7", "linux/arm/v6", true },
        { "linux/arm/v6", "linux/arm/v7", false },  { "linux/arm64", "linux/arm64/v8", true },
        { "linux/amd64", "linux/amd64/v3", false }, { "linux/amd64/v3", "linux/amd64", true },
        { "linux/arm64", "linux/arm64/v9", false },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        _cleanup_platform_ Platform wanted = {};
        _cleanup_platform_ Platform image = {};

        assert_int_equal(platform_parse(cases[i].wanted, &wanted, NULL), 0);
        assert_int_equal(platform_parse(cases[i].image, &image, NULL), 0);
        assert_int_equal(platform_matches(&wanted, &image), cases[i].matches);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(other_names_of_a_machine_are_understood),
        cmocka_unit_test(malformed_platforms_are_refused),
        cmocka_unit_test(an_image_runs_on_its_machine_and_newer_ones),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
