/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A template in pieces: tokens, the tree, values and functions. */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/string-buffer.h"
#include "base/string-list.h"
#include "cli/template.h"

#define TEMPLATE_LENGTH_MAX (64 * 1024)
#define TEMPLATE_DEPTH_MAX 64
#define TEMPLATE_ARGUMENTS_MAX 64
#define TEMPLATE_STEPS_MAX 1000000
#define TEMPLATE_STRING_MAX (1024 * 1024)
#define TEMPLATE_OUTPUT_MAX (16 * 1024 * 1024)

typedef enum TokenType {
    TOKEN_TEXT,       /* outside of actions; trimmed and unescaped */
    TOKEN_OPEN,       /* {{ */
    TOKEN_CLOSE,      /* }} */
    TOKEN_IDENTIFIER, /* a keyword or a function */
    TOKEN_FIELD,      /* .Name; text is the name */
    TOKEN_DOT,
    TOKEN_VARIABLE, /* $name; text starts with the '$' */
    TOKEN_STRING,
    TOKEN_NUMBER,
    TOKEN_PIPE,
    TOKEN_LEFT,    /* ( */
    TOKEN_RIGHT,   /* ) */
    TOKEN_DECLARE, /* := */
    TOKEN_ASSIGN,  /* = */
    TOKEN_COMMA,
    TOKEN_END,
} TokenType;

typedef struct Token {
    TokenType type;
    size_t position; /* byte offset in the template, from 0 */
    bool is_spaced;  /* white space stands before it */
    char *text;      /* owned: of TEXT, IDENTIFIER, FIELD, VARIABLE, STRING, NUMBER */
    size_t length;   /* of text */
} Token;

typedef struct TokenList {
    Token *items; /* the last one is TOKEN_END */
    size_t count;
    size_t capacity;
} TokenList;

void token_list_done(TokenList *list);

/* On failure @list holds what was read before. Errors: INVALID. */
int template_tokenize(const char *text, unsigned flags, TokenList *list, Error *err);

typedef struct Pipeline Pipeline;

typedef enum OperandType {
    OPERAND_DOT,
    OPERAND_VARIABLE,
    OPERAND_LITERAL,
    OPERAND_FUNCTION,
    OPERAND_PIPELINE, /* in parentheses */
} OperandType;

typedef struct TemplateFunction TemplateFunction;

typedef struct Operand {
    OperandType type;
    size_t position;
    char *name;      /* of a VARIABLE */
    json_t *literal; /* of a LITERAL */
    const TemplateFunction *function;
    Pipeline *pipeline;
    StringList fields; /* that follow: ".A.B" */
} Operand;

typedef struct PipelineCommand {
    Operand *operands; /* at least one */
    size_t count;
    size_t capacity;
} PipelineCommand;

struct Pipeline {
    char *variables[2]; /* `$k, $v :=`; `$v :=` sets only the first */
    bool is_assignment; /* `=` instead of `:=` */
    PipelineCommand *commands;
    size_t count;
    size_t capacity;
};

typedef enum NodeType {
    NODE_TEXT,
    NODE_ACTION,
    NODE_IF,
    NODE_RANGE,
    NODE_WITH,
} NodeType;

typedef struct Node Node;

typedef struct NodeList {
    Node *items;
    size_t count;
    size_t capacity;
} NodeList;

struct Node {
    NodeType type;
    size_t position;
    char *text; /* of TEXT */
    Pipeline *pipeline;
    NodeList body;
    NodeList otherwise; /* {{else}} */
};

struct Template {
    NodeList nodes;
};

/* "template: position 12: ..." */
int template_error(Error *err, ErrorKind kind, size_t position, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Values */

bool template_value_is_true(const json_t *value);
/* "string", "number" and the like, for messages. */
const char *template_value_type(const json_t *value);
/* As Go prints it. Nothing is added beyond TEMPLATE_STRING_MAX. */
void template_value_print(StringBuffer *buffer, const json_t *value);
/* Members of an object in the order that Go prints and ranges over them. */
void template_sorted_keys(const json_t *object, StringList *keys);

/* Functions */

typedef struct FunctionCall {
    json_t *const *arguments; /* borrowed */
    size_t count;
    size_t position;
} FunctionCall;

struct TemplateFunction {
    const char *name;
    size_t min_arguments, max_arguments;
    bool keeps_header; /* in a table's header the argument is handed through */
    /* *ret is a new reference. */
    int (*call)(const FunctionCall *call, json_t **ret, Error *err);
};

/* NULL when there is none. */
const TemplateFunction *template_function_find(const char *name);
/* For "did you mean": the name of function @index, or NULL beyond the last. */
const char *template_function_name(size_t index);

/* Formatted output of `printf`. */
int template_function_printf(const FunctionCall *call, json_t **ret, Error *err);
/* A string value; text that is not UTF-8 is an INVALID error. */
int template_string(const FunctionCall *call, const StringBuffer *text, json_t **ret, Error *err);
