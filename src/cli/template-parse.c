/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Tokens into a tree: recursive descent, its depth bounded. The grammar is that of Go's
 * text/template without definitions of further templates.
 */

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/parse.h"
#include "base/suggest.h"
#include "cli/template-private.h"

typedef struct Parser {
    TokenList tokens;
    size_t next;
    unsigned depth;
    Error *err;
} Parser;

static int parse_pipeline(Parser *parser, TokenType end, Pipeline **ret);
static int parse_nodes(Parser *parser, NodeList *list, bool is_top, const Token **ret_stop);

int template_error(Error *err, ErrorKind kind, size_t position, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    _cleanup_free_ char *reason = memory_vprintf(format, arguments);
    va_end(arguments);
    return error_set(err, kind, "template: position %zu: %s", position + 1, reason);
}

static void pipeline_free(Pipeline *pipeline);
DEFINE_CLEANUP(Pipeline *, pipeline_free);

static void operand_done(Operand *operand)
{
    free(operand->name);
    json_decref(operand->literal);
    if (operand->pipeline)
        pipeline_free(operand->pipeline);
    string_list_done(&operand->fields);
}

static void pipeline_free(Pipeline *pipeline)
{
    for (size_t i = 0; i < pipeline->count; i++) {
        PipelineCommand *command = &pipeline->commands[i];

        for (size_t j = 0; j < command->count; j++)
            operand_done(&command->operands[j]);
        free(command->operands);
    }
    free(pipeline->commands);
    free(pipeline->variables[0]);
    free(pipeline->variables[1]);
    free(pipeline);
}

static void node_list_done(NodeList *list)
{
    for (size_t i = 0; i < list->count; i++) {
        Node *node = &list->items[i];

        free(node->text);
        if (node->pipeline)
            pipeline_free(node->pipeline);
        node_list_done(&node->body);
        node_list_done(&node->otherwise);
    }
    free(list->items);
}

void template_free(Template *template)
{
    if (!template)
        return;
    node_list_done(&template->nodes);
    free(template);
}

static Token *peek(const Parser *parser)
{
    return &parser->tokens.items[parser->next];
}

/* TOKEN_END is never consumed: it is what every further look finds. */
static Token *take(Parser *parser)
{
    Token *token = peek(parser);

    parser->next += token->type != TOKEN_END;
    return token;
}

static bool is_word(const Token *token, const char *word)
{
    return token->type == TOKEN_IDENTIFIER && strcmp(token->text, word) == 0;
}

static int fail_at(const Parser *parser, const Token *token, const char *expected)
{
    const char *text = token->text                   ? token->text
                       : token->type == TOKEN_CLOSE  ? "}}"
                       : token->type == TOKEN_PIPE   ? "|"
                       : token->type == TOKEN_RIGHT  ? ")"
                       : token->type == TOKEN_END    ? "the end of the template"
                       : token->type == TOKEN_COMMA  ? ","
                       : token->type == TOKEN_LEFT   ? "("
                       : token->type == TOKEN_ASSIGN ? "="
                                                     : ":=";

    return template_error(parser->err, ERROR_INVALID, token->position, "expected %s, found '%s'",
                          expected, text);
}

static int enter(Parser *parser)
{
    if (++parser->depth > TEMPLATE_DEPTH_MAX)
        return template_error(parser->err, ERROR_INVALID, peek(parser)->position,
                              "nested deeper than %d levels", TEMPLATE_DEPTH_MAX);
    return 0;
}

static int parse_number(const Parser *parser, const Token *token, json_t **ret)
{
    const char *text = token->text[0] == '+' ? token->text + 1 : token->text;
    char *end;
    int64_t integer;

    if (parse_i64(text, &integer) == 0) {
        *ret = json_integer(integer);
        return 0;
    }

    double real = strtod(text, &end);
    json_t *value = *end == '\0' ? json_real(real) : NULL; /* NULL for infinity, too */
    if (!value)
        return template_error(parser->err, ERROR_INVALID, token->position, "'%s' is not a number",
                              token->text);
    *ret = value;
    return 0;
}

static int parse_function(const Parser *parser, const Token *token, Operand *operand)
{
    Suggestion suggestion = SUGGESTION_INIT(token->text);

    operand->type = OPERAND_FUNCTION;
    operand->function = template_function_find(token->text);
    if (operand->function)
        return 0;

    for (size_t i = 0; template_function_name(i); i++)
        suggestion_offer(&suggestion, template_function_name(i));
    if (suggestion.best)
        return template_error(parser->err, ERROR_INVALID, token->position,
                              "no function '%s', did you mean '%s'?", token->text, suggestion.best);
    return template_error(parser->err, ERROR_INVALID, token->position,
                          "no function '%s' (a field is written '.%s')", token->text, token->text);
}

static int parse_word(const Parser *parser, const Token *token, Operand *operand)
{
    operand->type = OPERAND_LITERAL;
    if (strcmp(token->text, "true") == 0)
        operand->literal = json_true();
    else if (strcmp(token->text, "false") == 0)
        operand->literal = json_false();
    else if (strcmp(token->text, "nil") == 0)
        operand->literal = json_null();
    else
        return parse_function(parser, token, operand);
    return 0;
}

static int parse_string(const Parser *parser, const Token *token, Operand *operand)
{
    operand->type = OPERAND_LITERAL;
    operand->literal = json_stringn(token->text, token->length);
    if (!operand->literal)
        return template_error(parser->err, ERROR_INVALID, token->position,
                              "the string is not valid UTF-8");
    return 0;
}

static int parse_parenthesis(Parser *parser, Operand *operand)
{
    int r = enter(parser);

    operand->type = OPERAND_PIPELINE;
    if (r == 0)
        r = parse_pipeline(parser, TOKEN_RIGHT, &operand->pipeline);
    parser->depth--;
    return r;
}

/* Fields that stand directly after the operand belong to it: "$x.A.B". */
static void parse_fields(Parser *parser, Operand *operand)
{
    while (peek(parser)->type == TOKEN_FIELD && !peek(parser)->is_spaced)
        string_list_add(&operand->fields, take(parser)->text);
}

static int parse_operand(Parser *parser, Operand *operand)
{
    const Token *token = take(parser);
    int r = 0;

    operand->position = token->position;
    switch (token->type) {
    case TOKEN_DOT:
        operand->type = OPERAND_DOT;
        break;
    case TOKEN_FIELD:
        operand->type = OPERAND_DOT;
        string_list_add(&operand->fields, token->text);
        break;
    case TOKEN_VARIABLE:
        operand->type = OPERAND_VARIABLE;
        operand->name = memory_strdup(token->text);
        break;
    case TOKEN_STRING:
        r = parse_string(parser, token, operand);
        break;
    case TOKEN_NUMBER:
        operand->type = OPERAND_LITERAL;
        r = parse_number(parser, token, &operand->literal);
        break;
    case TOKEN_IDENTIFIER:
        r = parse_word(parser, token, operand);
        break;
    case TOKEN_LEFT:
        r = parse_parenthesis(parser, operand);
        break;
    default:
        r = fail_at(parser, token, "a value");
    }
    if (r == 0)
        parse_fields(parser, operand);
    return r;
}

static bool ends_command(const Token *token)
{
    return token->type == TOKEN_PIPE || token->type == TOKEN_RIGHT || token->type == TOKEN_CLOSE ||
           token->type == TOKEN_END;
}

static int parse_command(Parser *parser, Pipeline *pipeline)
{
    pipeline->commands = memory_grow(pipeline->commands, &pipeline->capacity, pipeline->count + 1,
                                     sizeof(PipelineCommand));
    PipelineCommand *command = &pipeline->commands[pipeline->count++];

    do {
        if (command->count == TEMPLATE_ARGUMENTS_MAX)
            return template_error(parser->err, ERROR_INVALID, peek(parser)->position,
                                  "more than %d arguments", TEMPLATE_ARGUMENTS_MAX);
        command->operands =
            memory_grow(command->operands, &command->capacity, command->count + 1, sizeof(Operand));
        int r = parse_operand(parser, &command->operands[command->count++]);
        if (r < 0)
            return r;
    } while (!ends_command(peek(parser)));
    return 0;
}

/* "$v :=", "$v =" or "$k, $v :=" before a pipeline; nothing is consumed when there is none. */
static int parse_declaration(Parser *parser, Pipeline *pipeline)
{
    const Token *first = peek(parser);

    if (first->type != TOKEN_VARIABLE)
        return 0;
    /* The token list ends with END, so looking at the next two after a variable stays inside. */
    const Token *after = first + 1;
    if (after->type == TOKEN_COMMA) {
        const Token *second = first + 2;

        if (second->type != TOKEN_VARIABLE)
            return fail_at(parser, second, "a variable");
        if (second[1].type != TOKEN_DECLARE && second[1].type != TOKEN_ASSIGN)
            return fail_at(parser, &second[1], "':='");
        pipeline->variables[1] = memory_strdup(second->text);
        parser->next += 2;
        after = second + 1;
    }
    if (after->type != TOKEN_DECLARE && after->type != TOKEN_ASSIGN)
        return 0;
    pipeline->variables[0] = memory_strdup(first->text);
    pipeline->is_assignment = after->type == TOKEN_ASSIGN;
    parser->next += 2;
    return 0;
}

/* Only a function or a method takes arguments; `{{"a" "b"}}` is a mistake. */
static int check_command(const Parser *parser, const PipelineCommand *command, bool is_piped)
{
    const Operand *first = &command->operands[0];
    bool is_callable = first->type == OPERAND_FUNCTION || first->fields.count > 0;

    if ((command->count > 1 || is_piped) && !is_callable)
        return template_error(parser->err, ERROR_INVALID, first->position,
                              "only a function takes arguments");
    return 0;
}

/* Up to and including the token @end. */
static int parse_pipeline(Parser *parser, TokenType end, Pipeline **ret)
{
    _cleanup_(pipeline_freep) Pipeline *pipeline = NEW(Pipeline);
    int r = parse_declaration(parser, pipeline);

    if (r < 0)
        return r;
    for (;;) {
        r = parse_command(parser, pipeline);
        if (r < 0)
            return r;
        r = check_command(parser, &pipeline->commands[pipeline->count - 1], pipeline->count > 1);
        if (r < 0)
            return r;

        const Token *token = take(parser);
        if (token->type == end)
            break;
        if (token->type != TOKEN_PIPE)
            return fail_at(parser, token, end == TOKEN_RIGHT ? "')'" : "'}}'");
    }
    *ret = TAKE_PTR(pipeline);
    return 0;
}

static int expect_close(Parser *parser)
{
    const Token *token = take(parser);

    return token->type == TOKEN_CLOSE ? 0 : fail_at(parser, token, "'}}'");
}

static int parse_block(Parser *parser, Node *node);

/* What follows {{else: "}}" and nodes, or "if ...}}" and a nested block that shares our {{end}}. */
static int parse_else(Parser *parser, Node *node)
{
    const Token *stop = NULL, *token = peek(parser);
    bool chains_if = node->type == NODE_IF && is_word(token, "if");
    bool chains_with = node->type == NODE_WITH && is_word(token, "with");
    int r;

    if (chains_if || chains_with) {
        NodeList *list = &node->otherwise;

        list->items = memory_grow(list->items, &list->capacity, 1, sizeof(Node));
        list->count = 1;
        list->items[0] = (Node) { .type = node->type, .position = take(parser)->position };
        return parse_block(parser, &list->items[0]);
    }

    r = expect_close(parser);
    if (r == 0)
        r = parse_nodes(parser, &node->otherwise, false, &stop);
    if (r < 0)
        return r;
    if (!is_word(stop, "end"))
        return fail_at(parser, stop, "'end'");
    return expect_close(parser);
}

/* After the keyword: pipeline, body, {{else}} or {{end}}. */
static int parse_block(Parser *parser, Node *node)
{
    const Token *stop = NULL;
    int r = enter(parser);

    if (r == 0)
        r = parse_pipeline(parser, TOKEN_CLOSE, &node->pipeline);
    if (r == 0)
        r = parse_nodes(parser, &node->body, false, &stop);
    if (r == 0)
        r = is_word(stop, "else") ? parse_else(parser, node) : expect_close(parser);
    parser->depth--;
    if (r == 0 && node->type != NODE_RANGE && node->pipeline->variables[1])
        return template_error(parser->err, ERROR_INVALID, node->position,
                              "only 'range' sets two variables");
    return r;
}

static int parse_action(Parser *parser, Node *node)
{
    static const struct {
        const char *word;
        NodeType type;
    } blocks[] = { { "if", NODE_IF }, { "range", NODE_RANGE }, { "with", NODE_WITH } };

    for (size_t i = 0; i < ARRAY_SIZE(blocks); i++)
        if (is_word(peek(parser), blocks[i].word)) {
            take(parser);
            node->type = blocks[i].type;
            return parse_block(parser, node);
        }

    node->type = NODE_ACTION;
    int r = parse_pipeline(parser, TOKEN_CLOSE, &node->pipeline);
    if (r == 0 && node->pipeline->variables[1])
        return template_error(parser->err, ERROR_INVALID, node->position,
                              "only 'range' sets two variables");
    return r;
}

static Node *add_node(NodeList *list, size_t position)
{
    list->items = memory_grow(list->items, &list->capacity, list->count + 1, sizeof(Node));
    list->items[list->count] = (Node) { .position = position };
    return &list->items[list->count++];
}

/*
 * Up to the end of the template (@is_top), or to "{{else" or "{{end", which is consumed and
 * yielded as *ret_stop.
 */
static int parse_nodes(Parser *parser, NodeList *list, bool is_top, const Token **ret_stop)
{
    for (;;) {
        Token *token = take(parser);

        if (token->type == TOKEN_END)
            return is_top ? 0 : fail_at(parser, token, "'{{end}}'");
        if (token->type == TOKEN_TEXT) {
            Node *node = add_node(list, token->position);

            node->type = NODE_TEXT;
            node->text = TAKE_PTR(token->text);
            continue;
        }

        if (is_word(peek(parser), "end") || is_word(peek(parser), "else")) {
            if (is_top)
                return fail_at(parser, peek(parser), "a value");
            *ret_stop = take(parser);
            return 0;
        }
        int r = parse_action(parser, add_node(list, token->position));
        if (r < 0)
            return r;
    }
}

int template_parse(const char *text, unsigned flags, Template **ret, Error *err)
{
    _cleanup_(template_freep) Template *template = NEW(Template);
    Parser parser = { .err = err };
    int r = template_tokenize(text, flags, &parser.tokens, err);

    if (r == 0)
        r = parse_nodes(&parser, &template->nodes, true, NULL);
    token_list_done(&parser.tokens);
    if (r == 0)
        *ret = TAKE_PTR(template);
    return r;
}
