/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A template's text into tokens. Owns what depends on characters: quoting, escapes, comments and
 * the trimming of white space around `{{-` and `-}}`.
 */

#include <string.h>

#include "base/memory.h"
#include "cli/template-private.h"

typedef struct Lexer {
    const char *text;
    size_t position;
    unsigned flags;
    bool trim_next; /* the last action ended with " -}}" */
    TokenList *tokens;
    Error *err;
} Lexer;

void token_list_done(TokenList *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->items[i].text);
    free(list->items);
    *list = (TokenList) {};
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '_' ||
           (unsigned char)c >= 0x80;
}

static Token *add_token(Lexer *lexer, TokenType type, size_t position)
{
    TokenList *list = lexer->tokens;

    list->items = memory_grow(list->items, &list->capacity, list->count + 1, sizeof(Token));
    list->items[list->count] = (Token) {
        .type = type,
        .position = position,
        .is_spaced = position > 0 && is_space(lexer->text[position - 1]),
    };
    return &list->items[list->count++];
}

static void add_slice(Lexer *lexer, TokenType type, size_t position, size_t start, size_t end)
{
    Token *token = add_token(lexer, type, position);

    token->text = memory_strndup(lexer->text + start, end - start);
    token->length = end - start;
}

/* True at "{{- ": the text before it loses its trailing white space. */
static bool opens_with_trim(const char *text)
{
    return text[2] == '-' && is_space(text[3]);
}

/* Text of an escaped character after a backslash outside of actions, or 0. */
static char text_escape(const Lexer *lexer, char c)
{
    if (!(lexer->flags & TEMPLATE_ESCAPES))
        return 0;
    return c == 't' ? '\t' : c == 'n' ? '\n' : 0;
}

static void read_text(Lexer *lexer)
{
    size_t start = lexer->position;
    const char *open = strstr(lexer->text + start, "{{");
    size_t end = open ? (size_t)(open - lexer->text) : strlen(lexer->text);

    lexer->position = end;
    if (lexer->trim_next)
        while (start < end && is_space(lexer->text[start]))
            start++;
    if (open && opens_with_trim(open))
        while (end > start && is_space(lexer->text[end - 1]))
            end--;
    lexer->trim_next = false;
    if (start == end)
        return;

    _cleanup_string_buffer_ StringBuffer content = {};
    for (size_t i = start; i < end; i++) {
        char escape =
            lexer->text[i] == '\\' && i + 1 < end ? text_escape(lexer, lexer->text[i + 1]) : 0;

        string_buffer_add_char(&content, escape ? escape : lexer->text[i]);
        i += escape != 0;
    }
    Token *token = add_token(lexer, TOKEN_TEXT, start);
    token->length = content.length;
    token->text = string_buffer_take(&content);
}

/* The character that "\@c" stands for in a quoted string, or 0. */
static char string_escape(char c)
{
    static const char escapes[][2] = {
        { 'n', '\n' },  { 't', '\t' }, { 'r', '\r' }, { '"', '"' },  { '\'', '\'' },
        { '\\', '\\' }, { 'a', '\a' }, { 'b', '\b' }, { 'f', '\f' }, { 'v', '\v' },
    };

    for (size_t i = 0; i < ARRAY_SIZE(escapes); i++)
        if (escapes[i][0] == c)
            return escapes[i][1];
    return 0;
}

static int read_quoted(Lexer *lexer)
{
    size_t start = lexer->position;
    _cleanup_string_buffer_ StringBuffer content = {};
    size_t i = start + 1;

    for (; lexer->text[i] && lexer->text[i] != '"'; i++) {
        char c = lexer->text[i];

        if (c == '\\') {
            c = string_escape(lexer->text[++i]);
            if (!c)
                return template_error(lexer->err, ERROR_INVALID, i - 1,
                                      "unknown escape in a string, use one of \\n \\t \\\" \\\\");
        }
        string_buffer_add_char(&content, c);
    }
    if (!lexer->text[i])
        return template_error(lexer->err, ERROR_INVALID, start, "the string has no closing '\"'");

    Token *token = add_token(lexer, TOKEN_STRING, start);
    token->length = content.length;
    token->text = string_buffer_take(&content);
    lexer->position = i + 1;
    return 0;
}

static int read_raw_string(Lexer *lexer)
{
    size_t start = lexer->position;
    const char *end = strchr(lexer->text + start + 1, '`');

    if (!end)
        return template_error(lexer->err, ERROR_INVALID, start, "the string has no closing '`'");
    add_slice(lexer, TOKEN_STRING, start, start + 1, (size_t)(end - lexer->text));
    lexer->position = (size_t)(end - lexer->text) + 1;
    return 0;
}

static size_t word_end(const Lexer *lexer, size_t position)
{
    while (is_word(lexer->text[position]))
        position++;
    return position;
}

static void read_number(Lexer *lexer)
{
    size_t start = lexer->position, end = start + 1;

    while (is_word(lexer->text[end]) || lexer->text[end] == '.')
        end++;
    add_slice(lexer, TOKEN_NUMBER, start, start, end);
    lexer->position = end;
}

/* Words, fields and variables. False when none starts here. */
static bool read_name(Lexer *lexer)
{
    size_t start = lexer->position;
    char first = lexer->text[start], second = first ? lexer->text[start + 1] : '\0';

    if (first == '.' && is_word(second) && !is_digit(second)) {
        lexer->position = word_end(lexer, start + 1);
        add_slice(lexer, TOKEN_FIELD, start, start + 1, lexer->position);
    } else if (first == '.') {
        lexer->position++;
        add_token(lexer, TOKEN_DOT, start);
    } else if (first == '$') {
        lexer->position = word_end(lexer, start + 1);
        add_slice(lexer, TOKEN_VARIABLE, start, start, lexer->position);
    } else if (is_digit(first) || ((first == '-' || first == '+') && is_digit(second))) {
        read_number(lexer);
    } else if (is_word(first)) {
        lexer->position = word_end(lexer, start);
        add_slice(lexer, TOKEN_IDENTIFIER, start, start, lexer->position);
    } else {
        return false;
    }
    return true;
}

static int read_symbol(Lexer *lexer)
{
    static const struct {
        const char *text;
        TokenType type;
    } symbols[] = {
        { ":=", TOKEN_DECLARE }, { "=", TOKEN_ASSIGN }, { "|", TOKEN_PIPE },
        { "(", TOKEN_LEFT },     { ")", TOKEN_RIGHT },  { ",", TOKEN_COMMA },
    };
    const char *here = lexer->text + lexer->position;

    for (size_t i = 0; i < ARRAY_SIZE(symbols); i++) {
        size_t length = strlen(symbols[i].text);

        if (strncmp(here, symbols[i].text, length) == 0) {
            add_token(lexer, symbols[i].type, lexer->position);
            lexer->position += length;
            return 0;
        }
    }
    return template_error(lexer->err, ERROR_INVALID, lexer->position, "unexpected character '%c'",
                          *here);
}

/* Length of "}}" or "-}}" after white space here; 0 when the action goes on. */
static size_t close_length(const Lexer *lexer)
{
    const char *here = lexer->text + lexer->position;

    if (here[0] == '}' && here[1] == '}')
        return 2;
    if (lexer->position > 0 && is_space(here[-1]) && strncmp(here, "-}}", 3) == 0)
        return 3;
    return 0;
}

static void close_action(Lexer *lexer, size_t length)
{
    add_token(lexer, TOKEN_CLOSE, lexer->position);
    lexer->trim_next = length == 3;
    lexer->position += length;
}

static int read_action(Lexer *lexer, size_t start)
{
    for (;;) {
        const char *here = lexer->text + lexer->position;
        size_t length;
        int r = 0;

        if (*here == '\0')
            return template_error(lexer->err, ERROR_INVALID, start, "'{{' has no closing '}}'");
        if (is_space(*here)) {
            lexer->position++;
            continue;
        }
        length = close_length(lexer);
        if (length > 0) {
            close_action(lexer, length);
            return 0;
        }
        if (*here == '"')
            r = read_quoted(lexer);
        else if (*here == '`')
            r = read_raw_string(lexer);
        else if (!read_name(lexer))
            r = read_symbol(lexer);
        if (r < 0)
            return r;
    }
}

/* A comment is an action of its own and makes no token. */
static int skip_comment(Lexer *lexer, size_t start)
{
    const char *end = strstr(lexer->text + lexer->position + 2, "*/");

    if (!end)
        return template_error(lexer->err, ERROR_INVALID, start, "the comment has no closing '*/'");
    lexer->position = (size_t)(end - lexer->text) + 2;
    while (is_space(lexer->text[lexer->position]))
        lexer->position++;

    size_t length = close_length(lexer);
    if (length == 0)
        return template_error(lexer->err, ERROR_INVALID, lexer->position,
                              "a comment must be followed by '}}'");
    lexer->trim_next = length == 3;
    lexer->position += length;
    return 0;
}

static int read_open(Lexer *lexer)
{
    size_t start = lexer->position;

    lexer->position += opens_with_trim(lexer->text + start) ? 4 : 2;
    if (strncmp(lexer->text + lexer->position, "/*", 2) == 0)
        return skip_comment(lexer, start);
    add_token(lexer, TOKEN_OPEN, start);
    return read_action(lexer, start);
}

int template_tokenize(const char *text, unsigned flags, TokenList *list, Error *err)
{
    Lexer lexer = { .text = text, .flags = flags, .tokens = list, .err = err };

    if (strlen(text) > TEMPLATE_LENGTH_MAX)
        return error_set(err, ERROR_INVALID, "template: longer than %d bytes", TEMPLATE_LENGTH_MAX);

    while (text[lexer.position]) {
        read_text(&lexer);
        if (!text[lexer.position])
            break;
        int r = read_open(&lexer);
        if (r < 0)
            return r;
    }
    add_token(&lexer, TOKEN_END, lexer.position);
    return 0;
}
