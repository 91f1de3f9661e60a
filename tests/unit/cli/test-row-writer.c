/* SPDX-License-Identifier: Apache-2.0 */

/* Lists and inspections in every form that --format asks for. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json-fields.h"
#include "check.h"
#include "cli/inspect-output.h"
#include "cli/row-writer.h"

static const RowColumn columns[] = { { "ID", "THE ID" }, { "Name", "NAME" } };

static const RowLayout layout = {
    .table = "table {{.Name}}\t{{.ID}}",
    .quiet = "{{.ID}}",
    .columns = columns,
    .n_columns = ARRAY_SIZE(columns),
};

/* What was printed to a stream in memory. */
typedef struct Output {
    FILE *stream;
    char *text;
    size_t size;
} Output;

static void output_open(Output *output)
{
    output->stream = open_memstream(&output->text, &output->size);
    assert_non_null(output->stream);
}

static void output_done(Output *output)
{
    if (output->stream)
        fclose(output->stream);
    free(output->text);
}

static void check_output(Output *output, const char *expected)
{
    assert_int_equal(fflush(output->stream), 0);
    assert_string_equal(output->text, expected);
}

static void check_rows(const char *format, bool quiet, const char *expected)
{
    _cleanup_(row_writer_freep) RowWriter *writer = NULL;
    _cleanup_(output_done) Output output = {};
    _cleanup_json_ json_t *first = json_pack("{s:s, s:s}", "ID", "1", "Name", "web\x1b[2J\tx");
    _cleanup_json_ json_t *second = json_pack("{s:s, s:s}", "ID", "22", "Name", "b");

    assert_int_equal(row_writer_new(&layout, format, quiet, &writer, NULL), 0);
    assert_int_equal(row_writer_add(writer, first, NULL, NULL), 0);
    assert_int_equal(row_writer_add(writer, second, NULL, NULL), 0);
    output_open(&output);
    assert_int_equal(row_writer_finish(writer, output.stream, NULL), 0);
    check_output(&output, expected);
}

static void the_default_is_the_layouts_table_with_safe_text(void **state)
{
    static const char *const table = "NAME              THE ID\n"
                                     "web\\x1b[2J\\x09x   1\n"
                                     "b                 22\n";

    (void)state;
    check_rows(NULL, false, table);
    check_rows("", false, table);
    check_rows("table", false, table);
}

static void quiet_prints_ids_unless_a_template_was_given(void **state)
{
    (void)state;
    check_rows(NULL, true, "1\n22\n");
    check_rows("table", true, "1\n22\n");
    check_rows("<{{.ID}}>", true, "<1>\n<22>\n");
}

static void json_is_one_object_a_line(void **state)
{
    (void)state;
    check_rows("json", false,
               "{\"ID\":\"1\",\"Name\":\"web\\u001B[2J\\tx\"}\n{\"ID\":\"22\",\"Name\":\"b\"}\n");
}

static void a_template_prints_a_line_for_each_row_and_its_text_as_it_is(void **state)
{
    (void)state;
    check_rows("{{.ID}}\\t{{.Name}}", false, "1\tweb\x1b[2J\tx\n22\tb\n");
}

static void a_table_of_the_users_own_has_the_columns_titles(void **state)
{
    (void)state;
    check_rows("table {{.ID}}\\t{{lower .ID}}x", false,
               "THE ID    THE IDx\n"
               "1         1x\n"
               "22        22x\n");
}

static void what_a_method_answers_is_safe_in_a_table_and_its_key_is_the_title(void **state)
{
    _cleanup_(row_writer_freep) RowWriter *writer = NULL;
    _cleanup_(output_done) Output output = {};
    _cleanup_json_ json_t *row = json_pack("{s:s, s:s}", "ID", "1", "Name", "web");
    _cleanup_json_ json_t *methods = json_pack("{s:{s:s}}", "Label", "org.a-b_c", "x\x1b[2J");

    (void)state;
    assert_int_equal(
        row_writer_new(&layout, "table {{.ID}}\t{{.Label \"org.a-b_c\"}}", false, &writer, NULL),
        0);
    assert_int_equal(row_writer_add(writer, row, methods, NULL), 0);
    output_open(&output);
    assert_int_equal(row_writer_finish(writer, output.stream, NULL), 0);
    check_output(&output, "THE ID    a b c\n1         x\\x1b[2J\n");
}

static void a_title_that_cannot_be_computed_is_cut_short(void **state)
{
    (void)state;
    check_rows("table {{.ID}}{{if gt (len .ID) 1}}!{{end}}", false, "THE ID\n1\n22!\n");
}

static void a_field_that_does_not_exist_prints_nothing(void **state)
{
    _cleanup_(row_writer_freep) RowWriter *writer = NULL;
    _cleanup_json_ json_t *row = json_pack("{s:s}", "ID", "1");
    Error error = {};

    (void)state;
    assert_int_equal(row_writer_new(&layout, "{{.Nmae}}", false, &writer, NULL), 0);
    assert_true(row_writer_add(writer, row, NULL, &error) < 0);
    check_error(&error, ERROR_INVALID, "template: position 3: no field 'Nmae', there are: ID");
}

static void only_fields_of_the_template_are_wanted(void **state)
{
    _cleanup_(row_writer_freep) RowWriter *one = NULL;
    _cleanup_(row_writer_freep) RowWriter *all = NULL;

    (void)state;
    assert_int_equal(row_writer_new(&layout, "{{.ID}}", false, &one, NULL), 0);
    assert_true(row_writer_wants(one, "ID"));
    assert_false(row_writer_wants(one, "Name"));
    assert_int_equal(row_writer_new(&layout, "json", false, &all, NULL), 0);
    assert_true(row_writer_wants(all, "Name"));
}

static void check_inspection(const char *format, const char *expected)
{
    _cleanup_(output_done) Output output = {};
    _cleanup_json_ json_t *objects =
        json_pack("[{s:s, s:[i]}, {s:s}]", "Name", "a", "List", 1, "Name", "b");

    output_open(&output);
    assert_int_equal(inspect_print(objects, format, output.stream, NULL), 0);
    check_output(&output, expected);
}

static void inspections_are_indented_on_one_line_or_a_line_each(void **state)
{
    (void)state;
    check_inspection(NULL, "[\n    {\n        \"Name\": \"a\",\n        \"List\": [\n"
                           "            1\n        ]\n    },\n    {\n        \"Name\": \"b\"\n"
                           "    }\n]\n");
    check_inspection("json", "[{\"Name\":\"a\",\"List\":[1]},{\"Name\":\"b\"}]\n");
    check_inspection("{{.Name}}\\t", "a\\t\nb\\t\n");
}

static void a_failing_inspection_prints_nothing(void **state)
{
    _cleanup_(output_done) Output output = {};
    _cleanup_json_ json_t *objects = json_pack("[{s:i}, {s:i}]", "A", 1, "B", 2);
    Error error = {};

    (void)state;
    output_open(&output);
    assert_true(inspect_print(objects, "{{.A}}", output.stream, &error) < 0);
    check_error(&error, ERROR_INVALID, "template: position 3: no field 'A', there are: B");
    check_output(&output, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_default_is_the_layouts_table_with_safe_text),
        cmocka_unit_test(quiet_prints_ids_unless_a_template_was_given),
        cmocka_unit_test(json_is_one_object_a_line),
        cmocka_unit_test(a_template_prints_a_line_for_each_row_and_its_text_as_it_is),
        cmocka_unit_test(a_table_of_the_users_own_has_the_columns_titles),
        cmocka_unit_test(what_a_method_answers_is_safe_in_a_table_and_its_key_is_the_title),
        cmocka_unit_test(a_title_that_cannot_be_computed_is_cut_short),
        cmocka_unit_test(a_field_that_does_not_exist_prints_nothing),
        cmocka_unit_test(only_fields_of_the_template_are_wanted),
        cmocka_unit_test(inspections_are_indented_on_one_line_or_a_line_each),
        cmocka_unit_test(a_failing_inspection_prints_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
