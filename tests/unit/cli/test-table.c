/* SPDX-License-Identifier: Apache-2.0 */

/* Columns and text as they reach the terminal. */

#include "check.h"
#include "cli/table.h"
#include "cli/terminal-text.h"

static void check_table(const char *cells, const char *expected)
{
    _cleanup_string_buffer_ StringBuffer text = {};

    table_add(&text, cells);
    assert_string_equal(string_buffer_get(&text), expected);
}

static void columns_are_three_spaces_apart_and_at_least_ten_wide(void **state)
{
    (void)state;
    check_table("REPOSITORY\tTAG\tSIZE\n"
                "debian\tbookworm\t117MB\n"
                "a-longer-repository\tx\t1.2kB\n",
                "REPOSITORY            TAG        SIZE\n"
                "debian                bookworm   117MB\n"
                "a-longer-repository   x          1.2kB\n");
}

static void check_fitted(size_t width, const char *cells, const char *expected)
{
    _cleanup_string_buffer_ StringBuffer text = {};
    _cleanup_string_list_ StringList may_be_cut = {};

    string_list_add(&may_be_cut, "IMAGE");
    string_list_add(&may_be_cut, "COMMAND");
    table_add_fitted(&text, cells, width, &may_be_cut);
    assert_string_equal(string_buffer_get(&text), expected);
}

static void a_narrow_terminal_cuts_the_widest_columns_that_may_be(void **state)
{
    static const char cells[] = "ID\tIMAGE\tCOMMAND\tNAMES\n"
                                "0123456789ab\tdebian\t\"\u00fcber-long command\"\tsome-name\n";

    (void)state;
    check_fitted(80, cells,
                 "ID             IMAGE     COMMAND               NAMES\n"
                 "0123456789ab   debian    \"\u00fcber-long command\"   some-name\n");
    check_fitted(50, cells,
                 "ID             IMAGE     COMMAND         NAMES\n"
                 "0123456789ab   debian    \"\u00fcber-long c\u2026   some-name\n");
    check_fitted(10, cells,
                 "ID             IMAGE     COMMAND      NAMES\n"
                 "0123456789ab   debian    \"\u00fcber-lon\u2026   some-name\n");
}

static void characters_are_counted_not_bytes(void **state)
{
    (void)state;
    check_table("\u00fcber-schl\u00fcssel\tx\nabc\ty\n",
                "\u00fcber-schl\u00fcssel   x\nabc              y\n");
}

static void the_last_cell_is_not_padded_and_does_not_widen_a_column(void **state)
{
    (void)state;
    check_table("a\tb\nlong-last-cell-alone\nc\td\n",
                "a         b\nlong-last-cell-alone\nc         d\n");
}

static void a_column_ends_with_the_first_line_without_it(void **state)
{
    (void)state;
    check_table("a\tb\nx\nlonger-than-ten\tc\n", "a         b\nx\nlonger-than-ten   c\n");
}

static void empty_cells_keep_their_column(void **state)
{
    (void)state;
    check_table("\t\tx\n", "                    x\n");
    check_table("", "");
}

static void control_characters_become_visible(void **state)
{
    _cleanup_string_buffer_ StringBuffer text = {};

    (void)state;
    terminal_text_add(&text, "a\x1b[2Jb\tc\nd\x7f\xc2\x9b\xff\xc0\xaf\u00e9\u202e");
    assert_string_equal(string_buffer_get(&text), "a\\x1b[2Jb\\x09c\\x0ad\\x7f\\xc2\\x9b\\xff\\xc0"
                                                  "\\xaf\u00e9\\xe2\\x80\\xae");
    assert_false(terminal_text_is_safe("a\tb"));
    assert_true(terminal_text_is_safe("a b \u00e9"));
    assert_false(terminal_text_is_safe("cut short: \xe2\x82"));
    assert_false(terminal_text_is_safe("surrogate: \xed\xa0\x80"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_are_three_spaces_apart_and_at_least_ten_wide),
        cmocka_unit_test(a_narrow_terminal_cuts_the_widest_columns_that_may_be),
        cmocka_unit_test(characters_are_counted_not_bytes),
        cmocka_unit_test(the_last_cell_is_not_padded_and_does_not_widen_a_column),
        cmocka_unit_test(a_column_ends_with_the_first_line_without_it),
        cmocka_unit_test(empty_cells_keep_their_column),
        cmocka_unit_test(control_characters_become_visible),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
