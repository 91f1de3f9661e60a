/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Feeds arbitrary text to the parser of --format templates, and runs what it accepts over a small
 * document: it must end in bounded time and memory, as text or as an error with a message.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/json-fields.h"
#include "base/memory.h"
#include "cli/template.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char document[] =
    "{\"Name\":\"web\",\"Size\":1234,\"Half\":0.5,\"On\":true,\"Nothing\":null,"
    "\"Tags\":[\"b\",\"a\"],\"Config\":{\"Labels\":{\"z\":\"26\",\"a.b\":\"1\"}}}";

static void run(const Template *template, bool is_header)
{
    _cleanup_json_ json_t *value = NULL;
    _cleanup_json_ json_t *methods = json_pack("{s:{s:s}}", "Label", "k", "v");
    _cleanup_string_buffer_ StringBuffer text = {};
    _cleanup_error_ Error err = {};
    TemplateData input = { .methods = methods, .is_header = is_header };

    if (json_parse(document, strlen(document), &value, NULL) < 0)
        abort();
    input.value = value;
    if (template_execute(template, &input, &text, &err) < 0 && !error_is_set(&err))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_(template_freep) Template *template = NULL;
    _cleanup_free_ char *text = memory_strndup((const char *)data, size);
    _cleanup_error_ Error err = {};

    if (template_parse(text, TEMPLATE_ESCAPES, &template, &err) < 0) {
        if (!error_is_set(&err))
            abort();
        return 0;
    }
    run(template, false);
    run(template, true);
    return 0;
}
