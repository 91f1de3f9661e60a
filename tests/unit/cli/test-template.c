/* SPDX-License-Identifier: Apache-2.0 */

/* Templates of --format: what they print, what they refuse, and that none runs away. */

#include <stdlib.h>
#include <string.h>

#include "base/json-fields.h"
#include "check.h"
#include "cli/template.h"

static const char document[] =
    "{\"Name\":\"web\",\"Size\":1234,\"Half\":0.5,\"Big\":1e21,\"On\":true,\"Off\":false,"
    "\"Nothing\":null,\"Empty\":\"\",\"Tags\":[\"b\",\"a\"],\"None\":[],"
    "\"Config\":{\"Labels\":{\"z\":\"26\",\"a.b\":\"1\"},\"Env\":[\"A=1\",\"B=2\"]},"
    "\"Nets\":{\"n1\":{\"IP\":\"10.0.0.1\"},\"n2\":{\"IP\":\"10.0.0.2\"}},"
    "\"Html\":\"<a>&\\u00e9\"}";

static int render(const char *text, unsigned flags, StringBuffer *ret, Error *err)
{
    _cleanup_(template_freep) Template *template = NULL;
    _cleanup_json_ json_t *value = NULL;
    _cleanup_json_ json_t *methods = json_pack("{s:{s:s}}", "Label", "k", "v");
    int r = json_parse(document, strlen(document), &value, NULL);

    assert_int_equal(r, 0);
    r = template_parse(text, flags, &template, err);
    if (r < 0)
        return r;
    return template_execute(template, &(TemplateData) { .value = value, .methods = methods }, ret,
                            err);
}

typedef struct Case {
    const char *text;
    const char *expected;
} Case;

static void check_all(const Case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        _cleanup_string_buffer_ StringBuffer text = {};
        _cleanup_error_ Error error = {};

        if (render(cases[i].text, TEMPLATE_ESCAPES, &text, &error) < 0)
            fail_msg("%s: %s", cases[i].text, error_message(&error));
        assert_string_equal(string_buffer_get(&text), cases[i].expected);
    }
}

#define CHECK_ALL(...)                                                                             \
    do {                                                                                           \
        static const Case cases[] = { __VA_ARGS__ };                                               \
                                                                                                   \
        (void)state;                                                                               \
        check_all(cases, ARRAY_SIZE(cases));                                                       \
    } while (0)

static void values_print_as_go_prints_them(void **state)
{
    CHECK_ALL({ "plain", "plain" }, { "{{.Name}}", "web" }, { "{{ .Size }}", "1234" },
              { "{{.Half}}", "0.5" }, { "{{.Big}}", "1e+21" }, { "{{.On}} {{.Off}}", "true false" },
              { "{{.Nothing}}", "<no value>" }, { "{{.Tags}}", "[b a]" },
              { "{{.Config.Labels}}", "map[a.b:1 z:26]" }, { "a{{.Name}}b{{.Name}}c", "awebbwebc" },
              { "{{.Nets.n1.IP}}", "10.0.0.1" },
              { "{{\"lit\"}} {{`raw\\n`}} {{-7}} {{1.5}}", "lit raw\\n -7 1.5" }, { "", "" },
              { "}} {", "}} {" });
}

static void escapes_outside_of_actions_become_characters(void **state)
{
    _cleanup_string_buffer_ StringBuffer text = {};

    CHECK_ALL({ "a\\tb\\nc", "a\tb\nc" }, { "{{.Name}}\\t{{.Size}}", "web\t1234" },
              { "\\x \\\\", "\\x \\\\" }, { "{{\"a\\tb\"}}", "a\tb" });
    assert_int_equal(render("a\\tb", 0, &text, NULL), 0);
    assert_string_equal(string_buffer_get(&text), "a\\tb");
}

static void json_is_compact_and_unescaped(void **state)
{
    CHECK_ALL({ "{{json .Tags}}", "[\"b\",\"a\"]" }, { "{{json .Name}}", "\"web\"" },
              { "{{json .Config}}",
                "{\"Labels\":{\"z\":\"26\",\"a.b\":\"1\"},\"Env\":[\"A=1\",\"B=2\"]}" },
              { "{{json .Nothing}}", "null" }, { "{{.Tags | json}}", "[\"b\",\"a\"]" },
              { "{{json .Html}}", "\"<a>&\u00e9\"" });
}

static void index_reaches_names_with_dots_and_elements(void **state)
{
    CHECK_ALL({ "{{index .Config.Labels \"a.b\"}}", "1" }, { "{{index .Tags 1}}", "a" },
              { "{{index .Config \"Env\" 0}}", "A=1" },
              { "[{{index .Config.Labels \"missing\"}}]", "[]" },
              { "{{(index .Nets \"n2\").IP}}", "10.0.0.2" });
}

static void range_goes_over_lists_and_sorted_objects(void **state)
{
    CHECK_ALL({ "{{range .Tags}}<{{.}}>{{end}}", "<b><a>" },
              { "{{range $k, $v := .Config.Labels}}{{$k}}={{$v}};{{end}}", "a.b=1;z=26;" },
              { "{{range $i, $t := .Tags}}{{$i}}{{$t}}{{end}}", "0b1a" },
              { "{{range $v := .Tags}}{{$v}}{{$.Name}}{{end}}", "bwebaweb" },
              { "{{range .None}}x{{else}}none{{end}}", "none" },
              { "{{range .Nothing}}x{{end}}", "" },
              { "{{range .Nets}}{{.IP}} {{end}}", "10.0.0.1 10.0.0.2 " });
}

static void conditions_follow_gos_truth(void **state)
{
    CHECK_ALL({ "{{if .On}}y{{end}}", "y" }, { "{{if .Off}}y{{else}}n{{end}}", "n" },
              { "{{if .Empty}}y{{else}}n{{end}}", "n" }, { "{{if .None}}y{{else}}n{{end}}", "n" },
              { "{{if .Off}}a{{else if .Size}}b{{else}}c{{end}}", "b" },
              { "{{if .Off}}a{{else if .Off}}b{{else}}c{{end}}", "c" },
              { "{{with .Config.Env}}{{index . 0}}{{end}}", "A=1" },
              { "{{with .None}}x{{else}}{{.Name}}{{end}}", "web" },
              { "{{if $x := .Name}}{{$x}}{{end}}", "web" });
}

static void functions_compute(void **state)
{
    CHECK_ALL(
        { "{{join .Tags \", \"}}", "b, a" }, { "{{upper .Name}}{{lower \"ABC\"}}", "WEBabc" },
        { "{{title \"two words\"}}", "Two Words" }, { "{{split \"a:b:\" \":\"}}", "[a b ]" },
        { "{{len .Tags}} {{len .Name}} {{len .Nets}}", "2 3 2" },
        { "{{eq .Name \"web\"}} {{eq 1 2 3 1}} {{ne .Size 1234}}", "true true false" },
        { "{{lt 1 2}}{{le 2 2}}{{gt 1 2}}{{ge \"b\" \"a\"}}", "truetruefalsetrue" },
        { "{{eq .On true}} {{eq .Nothing nil}} {{eq .Half 0.5}}", "true true true" },
        { "{{not .Off}} {{and .On .Name}} {{or .Empty .Name}} {{and .Empty 1}}", "true web web " },
        { "{{print 1 2 \"x\" 3}}", "1 2x3" }, { "{{println .Name .Size}}", "web 1234\n" },
        { "{{pad .Name 2 3}}|{{pad \"\" 2 3}}|", "  web   ||" },
        { "{{truncate .Name 2}} {{truncate .Html 5}}", "we <a>&\u00e9" },
        { "{{.Name | upper | printf \"%s/%s\" \"x\"}}", "x/WEB" },
        { "{{(len .Tags) | eq 2}}", "true" });
}

static void printf_pads_and_cuts(void **state)
{
    CHECK_ALL({ "{{printf \"%s|%5s|%-5s|\" .Name .Name .Name}}", "web|  web|web  |" },
              { "{{printf \"%d %04d %x\" .Size 7 255}}", "1234 0007 ff" },
              { "{{printf \"%05d\" -42}}", "-0042" }, { "{{printf \"%.2s\" .Name}}", "we" },
              { "{{printf \"%.1f %f\" .Half 1}}", "0.5 1.000000" },
              { "{{printf \"%v %t %q%%\" .Tags .On \"a\\\"b\"}}", "[b a] true \"a\\\"b\"%" },
              { "{{printf \"%x\" \"az\"}}", "617a" },
              { "{{printf \"%4s|\" \"\u00e9\u00e9\"}}", "  \u00e9\u00e9|" });
}

static void dashes_trim_white_space(void **state)
{
    CHECK_ALL({ "a  {{- .Name -}}  b", "awebb" }, { "a {{- \"x\"}} b", "ax b" },
              { "{{range .Tags -}}\n {{.}}\n{{- end}}", "ba" }, { "a {{/* note */}} b", "a  b" },
              { "a {{- /* note */ -}} b", "ab" }, { "{{-1}}", "-1" });
}

static void variables_live_in_their_block(void **state)
{
    CHECK_ALL({ "{{$x := .Name}}{{$x}}", "web" },
              { "{{$x := 1}}{{if true}}{{$x := 2}}{{$x}}{{end}}{{$x}}", "21" },
              { "{{$x := 1}}{{range .Tags}}{{$x = .}}{{end}}{{$x}}", "a" },
              { "{{$first := true}}{{range .Tags}}{{if $first}}{{$first = false}}{{else}},{{end}}"
                "{{.}}{{end}}",
                "b,a" });
}

static void a_method_answers_by_its_argument(void **state)
{
    CHECK_ALL({ "{{.Label \"k\"}}[{{.Label \"other\"}}]", "v[]" });
}

static void a_header_keeps_titles_through_functions(void **state)
{
    _cleanup_(template_freep) Template *template = NULL;
    _cleanup_json_ json_t *titles = json_pack("{s:s}", "Name", "NAME");
    _cleanup_string_buffer_ StringBuffer text = {};
    TemplateData data = { .value = titles, .is_header = true };

    (void)state;
    assert_int_equal(template_parse("{{json .Name}} {{lower .Name}} {{join .Name \",\"}} "
                                    "{{truncate .Name 2}} {{.Name | len}}{{range .Name}}x{{end}}",
                                    0, &template, NULL),
                     0);
    assert_int_equal(template_execute(template, &data, &text, NULL), 0);
    assert_string_equal(string_buffer_get(&text), "NAME NAME NAME NAME NAME");
}

static void mistakes_name_their_position(void **state)
{
    static const Case cases[] = {
        { "{{.Name", "template: position 1: '{{' has no closing '}}'" },
        { "ab{{.Name}} {{", "template: position 13: '{{' has no closing '}}'" },
        { "{{}}", "template: position 3: expected a value, found '}}'" },
        { "{{.Nmae}}", "template: position 3: no field 'Nmae', there are: Big Config Empty Half "
                       "Html Name Nets None Nothing Off On Size Tags" },
        { "{{.Name.X}}", "template: position 3: no field 'X' in a string" },
        { "{{.Nothing.X}}", "template: position 3: no field 'X' in no value" },
        { "{{jsn .}}", "template: position 3: no function 'jsn', did you mean 'json'?" },
        { "{{Name}}", "template: position 3: no function 'Name' (a field is written '.Name')" },
        { "{{json}}", "template: position 3: 'json' takes 1 argument, but got 0" },
        { "{{eq 1}}", "template: position 3: 'eq' takes at least 2 arguments, but got 1" },
        { "{{if .On}}x", "template: position 12: expected '{{end}}', found 'the end of the "
                         "template'" },
        { "{{end}}", "template: position 3: expected a value, found 'end'" },
        { "{{if .On}}{{else}}{{else}}{{end}}", "template: position 21: expected 'end', found "
                                               "'else'" },
        { "{{.Name | }}", "template: position 11: expected a value, found '}}'" },
        { "{{(.Name}}", "template: position 9: expected ')', found '}}'" },
        { "{{.Name )}}", "template: position 9: expected '}}', found ')'" },
        { "{{\"open}}", "template: position 3: the string has no closing '\"'" },
        { "{{`open}}", "template: position 3: the string has no closing '`'" },
        { "{{\"\\y\"}}", "template: position 4: unknown escape in a string, use one of \\n \\t "
                         "\\\" \\\\" },
        { "{{1x}}", "template: position 3: '1x' is not a number" },
        { "{{1e999}}", "template: position 3: '1e999' is not a number" },
        { "{{#}}", "template: position 3: unexpected character '#'" },
        { "{{/* open}}", "template: position 1: the comment has no closing '*/'" },
        { "{{/* a */ b}}", "template: position 11: a comment must be followed by '}}'" },
        { "{{$x}}", "template: position 3: variable '$x' is not defined" },
        { "{{$x = 1}}", "template: position 1: variable '$x' is not defined" },
        { "{{$a, $b := .Tags}}", "template: position 1: only 'range' sets two variables" },
        { "{{$a, 1 := .Tags}}", "template: position 7: expected a variable, found '1'" },
        { "{{\"a\" \"b\"}}", "template: position 3: only a function takes arguments" },
        { "{{.Name | \"a\"}}", "template: position 11: only a function takes arguments" },
        { "{{.Name \"a\"}}", "template: position 3: field 'Name' takes no arguments" },
        { "{{.Label 1}}", "template: position 3: '.Label' takes one string" },
        { "{{index .Tags 2}}", "template: position 3: index 2 is out of range: the list has 2 "
                               "elements" },
        { "{{index .Name 0}}", "template: position 3: cannot index a string with a number" },
        { "{{range .Name}}{{end}}", "template: position 1: cannot range over a string" },
        { "{{eq 1 \"1\"}}", "template: position 3: cannot compare a number with a string" },
        { "{{len 5}}", "template: position 3: a number has no length" },
        { "{{upper 5}}", "template: position 3: argument 1 must be a string, it is a number" },
        { "{{join \"a\" \",\"}}", "template: position 3: 'join' takes a list and a separator, but "
                                  "got a string" },
        { "{{split \"a\" \"\"}}", "template: position 3: the separator is empty" },
        { "{{pad \"a\" -1 0}}", "template: position 3: argument 2 must be a number from 0 to "
                                "65535" },
        { "{{printf \"%d\" \"x\"}}", "template: position 3: printf: '%d' does not print a string" },
        { "{{printf \"%d\"}}", "template: position 3: printf: no argument for '%d'" },
        { "{{printf \"x\" 1}}", "template: position 3: printf: more arguments than verbs" },
        { "{{printf \"%n\" 1}}", "template: position 3: printf: unknown verb, use one of %s %v %q "
                                 "%d %x %f %t %%" },
        { "{{printf \"%99999d\" 1}}", "template: position 3: printf: a width of more than 4096" },
        { "{{printf 5}}", "template: position 3: printf: the format must be a string, it is a "
                          "number" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        _cleanup_string_buffer_ StringBuffer text = {};
        Error error = {};

        assert_true(render(cases[i].text, 0, &text, &error) < 0);
        check_error(&error, ERROR_INVALID, cases[i].expected);
    }
}

/* @piece repeated @count times, then @after, fails for this reason, not for another one. */
static void check_bound(const char *piece, size_t count, const char *after, ErrorKind kind,
                        const char *reason)
{
    _cleanup_string_buffer_ StringBuffer template = {}, text = {};
    _cleanup_error_ Error error = {};

    for (size_t i = 0; i < count; i++)
        string_buffer_add(&template, piece);
    string_buffer_add(&template, after);
    assert_true(render(string_buffer_get(&template), 0, &text, &error) < 0);
    assert_int_equal(error.kind, kind);
    if (!strstr(error_message(&error), reason))
        fail_msg("failed for another reason: %s", error_message(&error));
}

static void no_template_is_too_long_or_too_deep(void **state)
{
    (void)state;
    check_bound("{{if true}}", 100, "", ERROR_INVALID, "nested deeper than 64 levels");
    check_bound("{{with 1}}{{else with 1}}", 100, "", ERROR_INVALID, "nested deeper than 64");
    check_bound("{{", 1,
                "((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((}}",
                ERROR_INVALID, "nested deeper than 64 levels");
    check_bound("0123456789", 7000, "", ERROR_INVALID, "longer than 65536 bytes");
    check_bound(
        "{{print ", 1,
        "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 "
        "32 33 34 35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59 "
        "60 61 62 63 64}}",
        ERROR_INVALID, "more than 64 arguments");
}

#define LOOP                                                                                       \
    "{{range split \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\" \"a\"}}"

static void no_template_runs_or_writes_without_end(void **state)
{
    (void)state;
    check_bound("{{$x := \"0123456789\"}}", 1,
                "{{$x = print $x $x $x $x $x $x $x $x $x $x}}"
                "{{$x = print $x $x $x $x $x $x $x $x $x $x}}"
                "{{$x = print $x $x $x $x $x $x $x $x $x $x}}"
                "{{$x = print $x $x $x $x $x $x $x $x $x $x}}"
                "{{$x = print $x $x $x $x $x $x $x $x $x $x}}"
                "{{$x = print $x $x $x $x $x $x $x $x $x $x}}",
                ERROR_EXHAUSTED, "a text of more than 1048576 bytes");
    check_bound(LOOP, 5, "{{$x := 1}}{{end}}{{end}}{{end}}{{end}}{{end}}", ERROR_EXHAUSTED,
                "more than 1000000 steps");
    check_bound("{{$x := printf \"%4000d\" 1}}", 1, LOOP LOOP LOOP "{{$x}}{{end}}{{end}}{{end}}",
                ERROR_EXHAUSTED, "more than 16777216 bytes of output");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_print_as_go_prints_them),
        cmocka_unit_test(escapes_outside_of_actions_become_characters),
        cmocka_unit_test(json_is_compact_and_unescaped),
        cmocka_unit_test(index_reaches_names_with_dots_and_elements),
        cmocka_unit_test(range_goes_over_lists_and_sorted_objects),
        cmocka_unit_test(conditions_follow_gos_truth),
        cmocka_unit_test(functions_compute),
        cmocka_unit_test(printf_pads_and_cuts),
        cmocka_unit_test(dashes_trim_white_space),
        cmocka_unit_test(variables_live_in_their_block),
        cmocka_unit_test(a_method_answers_by_its_argument),
        cmocka_unit_test(a_header_keeps_titles_through_functions),
        cmocka_unit_test(mistakes_name_their_position),
        cmocka_unit_test(no_template_is_too_long_or_too_deep),
        cmocka_unit_test(no_template_runs_or_writes_without_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
