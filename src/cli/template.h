/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The templates of `--format`: the part of Go's text/template that Docker's documentation uses,
 * over JSON values.
 *
 *     {{.Field}} {{.A.B}} {{json .}} {{index .Labels "k"}} {{$x := .A}} {{"text"}} {{.A | upper}}
 *     {{if}} {{else if}} {{else}} {{with}} {{range $k, $v := .X}} {{end}} {{- trim -}} comments
 *     and or not eq ne lt le gt ge len index print printf println
 *     json join split upper lower title pad truncate
 *
 * Letter case is changed for ASCII only. A template is bounded in length, depth, steps and output,
 * so that none can exhaust the program.
 */

#include <jansson.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/string-buffer.h"

typedef struct Template Template;

typedef enum TemplateFlags {
    TEMPLATE_ESCAPES = 1 << 0, /* "\t" and "\n" in the text outside of {{ }} become characters */
} TemplateFlags;

/* Errors: INVALID, with the position (in bytes, from 1) in @text. */
int template_parse(const char *text, unsigned flags, Template **ret, Error *err);
void template_free(Template *template);
DEFINE_CLEANUP(Template *, template_free);

typedef struct TemplateData {
    json_t *value;   /* what "." is */
    json_t *methods; /* `{{.Label "k"}}`: name -> object of results by argument; may be NULL */
    bool is_header;  /* column titles: functions on values hand them through unchanged */
} TemplateData;

/*
 * Add the text that @template makes of @data. On failure @buffer holds a part of it.
 * Errors: INVALID (a missing field, a wrong type; with the position), EXHAUSTED (a bound).
 */
int template_execute(const Template *template, const TemplateData *data, StringBuffer *buffer,
                     Error *err);
