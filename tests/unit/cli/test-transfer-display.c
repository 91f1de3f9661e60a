/* SPDX-License-Identifier: Apache-2.0 */

/* Progress where there is no terminal, and on one. */

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/memory.h"
#include "cli/transfer-display.h"

static const TransferProgress messages[] = {
    { .id = "latest", .status = "Pulling from library/x" },
    { .id = "0123456789ab", .status = "Pulling fs layer" },
    { .id = "0123456789ab", .status = "Downloading", .current = 500000, .total = 1000000 },
    { .id = "0123456789ab", .status = "Pull complete" },
    { .status = "Status: done\x1b[2J" },
};

static void show_all(FILE *stream, bool is_quiet)
{
    _cleanup_(transfer_display_freep) TransferDisplay *display =
        transfer_display_new(stream, is_quiet);

    for (size_t i = 0; i < ARRAY_SIZE(messages); i++)
        transfer_display_show(display, &messages[i]);
}

static void assert_shown(bool is_quiet, const char *expected)
{
    _cleanup_free_ char *text = NULL;
    size_t size;
    FILE *stream = open_memstream(&text, &size);

    show_all(stream, is_quiet);
    fclose(stream);
    assert_string_equal(text, expected);
}

static void without_a_terminal_each_step_is_a_line_and_amounts_are_none(void **state)
{
    (void)state;
    assert_shown(false, "latest: Pulling from library/x\n"
                        "0123456789ab: Pulling fs layer\n"
                        "0123456789ab: Pull complete\n"
                        "Status: done\\x1b[2J\n");
}

static void nothing_is_shown_quietly(void **state)
{
    (void)state;
    assert_shown(true, "");
}

/* What a terminal of so many lines is sent; the caller frees it. */
static char *shown_on_terminal(unsigned short rows)
{
    _cleanup_close_ int master_fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    struct winsize size = { .ws_row = rows, .ws_col = 80 };
    char text[1024] = {};
    size_t length = 0;
    FILE *stream;

    assert_int_equal(grantpt(master_fd), 0);
    assert_int_equal(unlockpt(master_fd), 0);
    assert_int_equal(ioctl(master_fd, TIOCSWINSZ, &size), 0);
    stream = fopen(ptsname(master_fd), "w");
    assert_non_null(stream);
    show_all(stream, false);
    while (!strstr(text, "Status")) { /* it comes in pieces */
        ssize_t n = read(master_fd, text + length, sizeof(text) - 1 - length);

        assert_true(n > 0);
        length += (size_t)n;
    }
    fclose(stream);
    return memory_strdup(text);
}

static void on_a_terminal_a_part_keeps_its_line(void **state)
{
    _cleanup_free_ char *text = shown_on_terminal(24);

    (void)state;
    assert_string_equal(text, "latest: Pulling from library/x\r\n"
                              "0123456789ab: Pulling fs layer\r\n"
                              "\x1b[1A\x1b[2K\r0123456789ab: Downloading    500kB/1MB\r\x1b[1B"
                              "\x1b[1A\x1b[2K\r0123456789ab: Pull complete\r\x1b[1B"
                              "Status: done\\x1b[2J\r\n");
}

static void a_line_that_has_left_the_screen_is_not_written(void **state)
{
    _cleanup_free_ char *text = shown_on_terminal(1);

    (void)state;
    assert_string_equal(text, "latest: Pulling from library/x\r\n"
                              "0123456789ab: Pulling fs layer\r\n"
                              "Status: done\\x1b[2J\r\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_terminal_each_step_is_a_line_and_amounts_are_none),
        cmocka_unit_test(nothing_is_shown_quietly),
        cmocka_unit_test(on_a_terminal_a_part_keeps_its_line),
        cmocka_unit_test(a_line_that_has_left_the_screen_is_not_written),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
