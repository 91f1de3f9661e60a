/* SPDX-License-Identifier: Apache-2.0 */

/* A record that is written reads back the same; one that is damaged is refused. */

#include "check.h"

#include <string.h>

#include "oci/container-record.h"

static const char text[] =
    "{\"id\":\"c1\",\"bundle\":\"/b\",\"rootfs\":\"/b/rootfs\",\"cgroupPath\":\"/x\","
    "\"sharesPids\":true,\"pid\":42,\"startTime\":4711,\"created\":1000000000,\"owner\":1000,"
    "\"annotations\":{\"key\":\"value\"}}";

static void a_record_survives_being_written_and_read(void **state)
{
    _cleanup_container_record_ ContainerRecord record = {};
    _cleanup_free_ char *written = NULL;

    (void)state;
    assert_int_equal(container_record_from_text(text, strlen(text), &record, NULL), 0);
    assert_string_equal(record.id, "c1");
    assert_string_equal(record.cgroup_path, "/x");
    assert_true(record.shares_pids);
    assert_false(record.systemd_cgroup);
    assert_int_equal(record.pid, 42);
    assert_int_equal(record.start_time, 4711);
    assert_int_equal(record.owner, 1000);
    assert_string_equal(string_map_get(&record.annotations, "key"), "value");

    written = container_record_to_text(&record);
    assert_string_equal(written, text);
}

static void what_is_damaged_is_corrupt(void **state)
{
    static const char *const damaged[] = {
        "",
        "{",
        "[]",
        "{}",
        "{\"id\":\"c1\",\"bundle\":\"/b\",\"rootfs\":\"/r\"}",
        "{\"id\":\"c1\",\"bundle\":\"/b\",\"rootfs\":\"/r\",\"created\":1,\"pid\":\"1\"}",
        "{\"id\":\"c1\",\"bundle\":\"/b\",\"rootfs\":\"/r\",\"created\":1,\"pid\":-1}",
        "{\"id\":\"c1\",\"bundle\":\"/b\",\"rootfs\":\"/r\",\"created\":1,\"pid\":4294967297}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(damaged) / sizeof(damaged[0]); i++) {
        ContainerRecord record;
        Error err = {};

        assert_true(container_record_from_text(damaged[i], strlen(damaged[i]), &record, &err) < 0);
        assert_int_equal(err.kind, ERROR_CORRUPT);
        error_done(&err);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_survives_being_written_and_read),
        cmocka_unit_test(what_is_damaged_is_corrupt),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
