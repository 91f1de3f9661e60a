/* SPDX-License-Identifier: Apache-2.0 */

/* Ids that become names of directories, and those that must not. */

#include "check.h"

#include <string.h>

#include "oci/container-id.h"

static void plain_names_are_ids(void **state)
{
    static const char *const ids[] = { "a", "0", "web-1", "A_b+c.d", ".hidden", "...", "-x" };

    (void)state;
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
        assert_int_equal(container_id_validate(ids[i], NULL), 0);
}

static void what_leads_elsewhere_is_refused(void **state)
{
    static const char *const ids[] = { ".",   "..",       "/",  "a/b", "../a", "a b", "a\n",
                                       "a\t", "\xc3\xa4", "a~", "a:b", "$x",   "a,b" };

    (void)state;
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        Error err = {};

        assert_true(container_id_validate(ids[i], &err) < 0);
        assert_int_equal(err.kind, ERROR_INVALID);
        error_done(&err);
    }
}

static void the_length_is_that_of_a_file_name(void **state)
{
    char id[257];
    Error err = {};

    (void)state;
    memset(id, 'a', sizeof(id));
    id[255] = '\0';
    assert_int_equal(container_id_validate(id, NULL), 0);
    id[255] = 'a';
    id[256] = '\0';
    assert_true(container_id_validate(id, &err) < 0);
    check_error(&err, ERROR_INVALID, "container id is longer than 255 bytes");
    assert_true(container_id_validate("", &err) < 0);
    check_error(&err, ERROR_INVALID, "container id cannot be empty");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_names_are_ids),
        cmocka_unit_test(what_leads_elsewhere_is_refused),
        cmocka_unit_test(the_length_is_that_of_a_file_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
