/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Running a template's tree over JSON values. Every value here is a new reference with one owner;
 * recursion follows the tree, whose depth the parser has bounded.
 */

#include "cli/template.h"

#include <string.h>

#include "base/json-fields.h"
#include "base/memory.h"
#include "cli/template-private.h"

typedef struct Variable {
    const char *name; /* borrowed from the tree */
    json_t *value;
} Variable;

typedef struct Execution {
    const TemplateData *data;
    Variable *variables; /* a stack: the innermost last */
    size_t n_variables, variables_capacity;
    size_t steps;
    StringBuffer *output;
    size_t output_start; /* what stood in the buffer before is not ours to count */
    Error *err;
} Execution;

static int run_nodes(Execution *run, const NodeList *list, json_t *dot);
static int run_pipeline(Execution *run, const Pipeline *pipeline, json_t *dot, json_t **ret);

static void variable_push(Execution *run, const char *name, json_t *value)
{
    run->variables = memory_grow(run->variables, &run->variables_capacity, run->n_variables + 1,
                                 sizeof(Variable));
    run->variables[run->n_variables++] = (Variable) { .name = name, .value = json_incref(value) };
}

static void variables_drop(Execution *run, size_t count)
{
    while (run->n_variables > count)
        json_decref(run->variables[--run->n_variables].value);
}

static void execution_done(Execution *run)
{
    variables_drop(run, 0);
    free(run->variables);
}

static Variable *variable_find(Execution *run, const char *name)
{
    for (size_t i = run->n_variables; i > 0; i--)
        if (strcmp(run->variables[i - 1].name, name) == 0)
            return &run->variables[i - 1];
    return NULL;
}

static int fail_missing_field(Execution *run, const Operand *operand, const json_t *value,
                              const char *field)
{
    if (!json_is_object(value))
        return template_error(run->err, ERROR_INVALID, operand->position, "no field '%s' in %s",
                              field, template_value_type(value));

    _cleanup_string_list_ StringList keys = {};
    template_sorted_keys(value, &keys);
    if (keys.count > 40) /* a label map, not a struct: the list would not help */
        keys.count = 40;
    _cleanup_free_ char *known = string_list_join(&keys, " ");
    return template_error(run->err, ERROR_INVALID, operand->position,
                          "no field '%s', there are: %s", field, known);
}

/* Follow ".A.B" from @value (owned by this call). */
static int walk_fields(Execution *run, const Operand *operand, json_t *value, json_t **ret)
{
    _cleanup_json_ json_t *current = value;

    for (size_t i = 0; i < operand->fields.count; i++) {
        const char *field = operand->fields.items[i];
        json_t *next = json_object_get(current, field);

        if (!next)
            return fail_missing_field(run, operand, current, field);
        json_incref(next);
        json_decref(current);
        current = next;
    }
    *ret = TAKE_PTR(current);
    return 0;
}

static int evaluate_variable(Execution *run, const Operand *operand, json_t **ret)
{
    const Variable *variable = variable_find(run, operand->name);

    if (!variable)
        return template_error(run->err, ERROR_INVALID, operand->position,
                              "variable '%s' is not defined", operand->name);
    *ret = json_incref(variable->value);
    return 0;
}

static int check_argument_count(const Execution *run, const TemplateFunction *function,
                                const FunctionCall *call)
{
    if (call->count >= function->min_arguments && call->count <= function->max_arguments)
        return 0;
    return template_error(
        run->err, ERROR_INVALID, call->position, "'%s' takes %s%zu argument%s, but got %zu",
        function->name, function->min_arguments == function->max_arguments ? "" : "at least ",
        function->min_arguments, function->min_arguments == 1 ? "" : "s", call->count);
}

static int call_function(Execution *run, const TemplateFunction *function, const FunctionCall *call,
                         json_t **ret)
{
    int r = check_argument_count(run, function, call);

    if (r < 0)
        return r;
    if (run->data->is_header && function->keeps_header) {
        *ret = json_incref(call->arguments[0]);
        return 0;
    }
    return function->call(call, ret, run->err);
}

/* An operand that stands for a value, with its fields. */
static int evaluate_operand(Execution *run, const Operand *operand, json_t *dot, json_t **ret)
{
    json_t *value = NULL;
    int r = 0;

    switch (operand->type) {
    case OPERAND_DOT:
        value = json_incref(dot);
        break;
    case OPERAND_VARIABLE:
        r = evaluate_variable(run, operand, &value);
        break;
    case OPERAND_LITERAL:
        value = json_incref(operand->literal);
        break;
    case OPERAND_FUNCTION:
        r = call_function(run, operand->function, &(FunctionCall) { .position = operand->position },
                          &value);
        break;
    case OPERAND_PIPELINE:
        r = run_pipeline(run, operand->pipeline, dot, &value);
        break;
    }
    return r < 0 ? r : walk_fields(run, operand, value, ret);
}

/* What heads a column of `{{.Label "com.example.some-key"}}`: "some key", as in Docker's tables. */
static json_t *make_title(const char *key)
{
    const char *dot = strrchr(key, '.');
    _cleanup_free_ char *title = memory_strdup(dot ? dot + 1 : key);

    for (char *at = title; (at = strpbrk(at, "-_"));)
        *at = ' ';
    return json_string(title);
}

/* `{{.Label "key"}}` */
static int call_method(Execution *run, const Operand *operand, const FunctionCall *call,
                       json_t **ret)
{
    const char *name = operand->fields.items[0];
    bool is_method = operand->type == OPERAND_DOT && operand->fields.count == 1;
    json_t *results = is_method ? json_object_get(run->data->methods, name) : NULL;

    if (!results && !(is_method && run->data->is_header)) /* titles know no methods */
        return template_error(run->err, ERROR_INVALID, operand->position,
                              "field '%s' takes no arguments", name);
    if (call->count != 1 || !json_is_string(call->arguments[0]))
        return template_error(run->err, ERROR_INVALID, operand->position, "'.%s' takes one string",
                              name);
    if (run->data->is_header) {
        *ret = make_title(json_string_value(call->arguments[0]));
        return 0;
    }
    json_t *result = json_object_get(results, json_string_value(call->arguments[0]));
    *ret = result ? json_incref(result) : json_string("");
    return 0;
}

static void values_drop(json_t **values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        json_decref(values[i]);
}

/* One command of a pipeline; @piped (may be NULL) is the last argument, from the command before. */
static int run_command(Execution *run, const PipelineCommand *command, json_t *dot, json_t *piped,
                       json_t **ret)
{
    json_t *arguments[TEMPLATE_ARGUMENTS_MAX + 1];
    const Operand *first = &command->operands[0];
    FunctionCall call = { .arguments = arguments, .position = first->position };
    int r = 0;

    if (first->type != OPERAND_FUNCTION && command->count == 1 && !piped)
        return evaluate_operand(run, first, dot, ret);

    while (r == 0 && call.count + 1 < command->count) {
        r = evaluate_operand(run, &command->operands[call.count + 1], dot, &arguments[call.count]);
        call.count += r == 0;
    }
    if (r == 0 && piped)
        arguments[call.count++] = json_incref(piped);

    if (r == 0 && first->type == OPERAND_FUNCTION)
        r = call_function(run, first->function, &call, ret);
    else if (r == 0)
        r = call_method(run, first, &call, ret);
    values_drop(arguments, call.count);
    return r;
}

static int run_pipeline(Execution *run, const Pipeline *pipeline, json_t *dot, json_t **ret)
{
    _cleanup_json_ json_t *value = NULL;

    for (size_t i = 0; i < pipeline->count; i++) {
        json_t *next = NULL;
        int r = run_command(run, &pipeline->commands[i], dot, value, &next);

        if (r < 0)
            return r;
        json_decref(value);
        value = next;
    }
    *ret = TAKE_PTR(value);
    return 0;
}

/* `$v := value` or `$v = value`, where the pipeline has one. */
static int set_variable(Execution *run, const Node *node, json_t *value)
{
    const Pipeline *pipeline = node->pipeline;
    Variable *variable;

    if (!pipeline->variables[0])
        return 0;
    if (!pipeline->is_assignment) {
        variable_push(run, pipeline->variables[0], value);
        return 0;
    }
    variable = variable_find(run, pipeline->variables[0]);
    if (!variable)
        return template_error(run->err, ERROR_INVALID, node->position,
                              "variable '%s' is not defined", pipeline->variables[0]);
    json_incref(value);
    json_decref(variable->value);
    variable->value = value;
    return 0;
}

static int check_output(Execution *run, size_t position)
{
    if (run->output->length - run->output_start > TEMPLATE_OUTPUT_MAX)
        return template_error(run->err, ERROR_EXHAUSTED, position, "more than %d bytes of output",
                              TEMPLATE_OUTPUT_MAX);
    return 0;
}

static int run_action(Execution *run, const Node *node, json_t *dot)
{
    _cleanup_json_ json_t *value = NULL;
    int r = run_pipeline(run, node->pipeline, dot, &value);

    if (r < 0)
        return r;
    if (node->pipeline->variables[0])
        return set_variable(run, node, value);

    _cleanup_string_buffer_ StringBuffer text = {};
    template_value_print(&text, value);
    string_buffer_add_bytes(run->output, string_buffer_get(&text), text.length);
    return check_output(run, node->position);
}

/* {{if}} and {{with}} */
static int run_condition(Execution *run, const Node *node, json_t *dot)
{
    _cleanup_json_ json_t *value = NULL;
    size_t mark = run->n_variables;
    int r = run_pipeline(run, node->pipeline, dot, &value);

    if (r == 0)
        r = set_variable(run, node, value);
    if (r < 0)
        return r;
    if (template_value_is_true(value))
        r = run_nodes(run, &node->body, node->type == NODE_WITH ? value : dot);
    else
        r = run_nodes(run, &node->otherwise, dot);
    variables_drop(run, mark);
    return r;
}

/* One turn of {{range}}: with one variable it is the element, with two the key and the element. */
static int run_turn(Execution *run, const Node *node, json_t *key, json_t *element)
{
    const Pipeline *pipeline = node->pipeline;
    size_t mark = run->n_variables;

    if (pipeline->variables[1]) {
        variable_push(run, pipeline->variables[0], key);
        variable_push(run, pipeline->variables[1], element);
    } else if (pipeline->variables[0]) {
        variable_push(run, pipeline->variables[0], element);
    }
    int r = run_nodes(run, &node->body, element);
    variables_drop(run, mark);
    return r;
}

static int range_over_list(Execution *run, const Node *node, json_t *list)
{
    int r = 0;

    for (size_t i = 0; i < json_array_size(list) && r == 0; i++) {
        _cleanup_json_ json_t *key = json_integer((json_int_t)i);

        r = run_turn(run, node, key, json_array_get(list, i));
    }
    return r;
}

static int range_over_object(Execution *run, const Node *node, json_t *object)
{
    _cleanup_string_list_ StringList keys = {};
    int r = 0;

    template_sorted_keys(object, &keys);
    for (size_t i = 0; i < keys.count && r == 0; i++) {
        _cleanup_json_ json_t *key = json_string(keys.items[i]);

        r = run_turn(run, node, key, json_object_get(object, keys.items[i]));
    }
    return r;
}

static int run_range(Execution *run, const Node *node, json_t *dot)
{
    _cleanup_json_ json_t *value = NULL;
    int r = run_pipeline(run, node->pipeline, dot, &value);

    if (r < 0)
        return r;
    if (json_is_array(value) && json_array_size(value) > 0)
        return range_over_list(run, node, value);
    if (json_is_object(value) && json_object_size(value) > 0)
        return range_over_object(run, node, value);
    /* A header row has a title where the data has a list. */
    if (json_is_array(value) || json_is_object(value) || json_is_null(value) ||
        run->data->is_header)
        return run_nodes(run, &node->otherwise, dot);
    return template_error(run->err, ERROR_INVALID, node->position, "cannot range over %s",
                          template_value_type(value));
}

static int run_text(Execution *run, const Node *node, json_t *dot)
{
    (void)dot;
    string_buffer_add(run->output, node->text);
    return check_output(run, node->position);
}

static int run_nodes(Execution *run, const NodeList *list, json_t *dot)
{
    static int (*const runners[])(Execution *, const Node *, json_t *) = {
        [NODE_TEXT] = run_text,      [NODE_ACTION] = run_action, [NODE_IF] = run_condition,
        [NODE_WITH] = run_condition, [NODE_RANGE] = run_range,
    };

    for (size_t i = 0; i < list->count; i++) {
        const Node *node = &list->items[i];

        if (++run->steps > TEMPLATE_STEPS_MAX)
            return template_error(run->err, ERROR_EXHAUSTED, node->position, "more than %d steps",
                                  TEMPLATE_STEPS_MAX);
        int r = runners[node->type](run, node, dot);
        if (r < 0)
            return r;
    }
    return 0;
}

int template_execute(const Template *template, const TemplateData *data, StringBuffer *buffer,
                     Error *err)
{
    _cleanup_(execution_done) Execution run = {
        .data = data, .output = buffer, .output_start = buffer->length, .err = err
    };

    variable_push(&run, "$", data->value);
    return run_nodes(&run, &template->nodes, data->value);
}
