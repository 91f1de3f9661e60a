/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The grammar is ambiguous only at first sight: after a comma, a token that is followed by "=" is a
 * parameter of the challenge before it, and any other is the next scheme.
 */

#include "registry/worker/challenge.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "base/string-buffer.h"

static const struct {
    const char *name;
    size_t offset;
} parameters[] = {
    { "realm", offsetof(Challenge, realm) },
    { "service", offsetof(Challenge, service) },
    { "scope", offsetof(Challenge, scope) },
    { "error", offsetof(Challenge, error) },
};

void challenge_done(Challenge *challenge)
{
    for (size_t i = 0; i < ARRAY_SIZE(parameters); i++)
        free(*(char **)((char *)challenge + parameters[i].offset));
    *challenge = (Challenge) {};
}

static bool is_token(char c)
{
    return isalnum((unsigned char)c) || (c && strchr("!#$%&'*+-.^_`|~", c));
}

static const char *skip_blanks(const char *text)
{
    return text + strspn(text, " \t");
}

static const char *skip_separators(const char *text)
{
    return text + strspn(text, " \t,");
}

static char *read_token(const char **text)
{
    const char *start = *text;

    while (is_token(**text))
        (*text)++;
    return *text > start ? memory_strndup(start, (size_t)(*text - start)) : NULL;
}

/* A quoted string without its quotes, or NULL where it does not end. */
static char *read_quoted(const char **text)
{
    _cleanup_string_buffer_ StringBuffer value = {};

    for (const char *c = *text + 1; *c; c++) {
        if (*c == '"') {
            *text = c + 1;
            return string_buffer_take(&value);
        }
        if (*c == '\\' && c[1])
            c++;
        string_buffer_add_char(&value, *c);
    }
    return NULL;
}

/* The first of a name counts; what is not known is skipped. */
static void set_parameter(Challenge *challenge, const char *name, char *value)
{
    for (size_t i = 0; i < ARRAY_SIZE(parameters); i++) {
        char **member = (char **)((char *)challenge + parameters[i].offset);

        if (strcasecmp(parameters[i].name, name) == 0 && !*member) {
            *member = value;
            return;
        }
    }
    free(value);
}

/* Read "name = value" if that is what is next; false leaves *text where it was. */
static bool read_parameter(const char **text, Challenge *challenge)
{
    const char *position = *text;
    _cleanup_free_ char *name = read_token(&position);
    char *value;

    position = skip_blanks(position);
    if (!name || *position != '=')
        return false;
    position = skip_blanks(position + 1);
    value = *position == '"' ? read_quoted(&position) : read_token(&position);
    if (!value)
        return false;
    set_parameter(challenge, name, value);
    *text = position;
    return true;
}

/* The blob of credentials that some schemes have instead of parameters ("Negotiate oXQ=="). */
static const char *skip_token68(const char *text)
{
    const char *end = text;

    while (is_token(*end) || *end == '/')
        end++;
    end += strspn(end, "=");
    end = skip_blanks(end);
    return end > text && (*end == ',' || !*end) ? end : text;
}

static ChallengeScheme scheme_of(const char *name)
{
    if (strcasecmp(name, "Bearer") == 0)
        return CHALLENGE_BEARER;
    return strcasecmp(name, "Basic") == 0 ? CHALLENGE_BASIC : CHALLENGE_NONE;
}

static bool is_better(const Challenge *challenge, const Challenge *than)
{
    return challenge->scheme > than->scheme &&
           (challenge->scheme != CHALLENGE_BEARER || challenge->realm);
}

static void parse_header(const char *text, Challenge *best)
{
    for (text = skip_separators(text); *text; text = skip_separators(text)) {
        _cleanup_challenge_ Challenge challenge = {};
        _cleanup_free_ char *scheme = read_token(&text);

        if (!scheme)
            return;
        challenge.scheme = scheme_of(scheme);
        text = skip_blanks(text);
        if (!read_parameter(&text, &challenge)) {
            text = skip_token68(text);
        } else {
            for (const char *next = skip_separators(text); read_parameter(&next, &challenge);
                 next = skip_separators(next))
                text = next;
        }
        if (is_better(&challenge, best)) {
            challenge_done(best);
            *best = challenge;
            challenge = (Challenge) {};
        }
        text = skip_blanks(text);
        if (*text && *text != ',')
            return;
    }
}

void challenge_parse(const StringList *headers, Challenge *ret)
{
    *ret = (Challenge) {};
    for (size_t i = 0; i < headers->count; i++)
        parse_header(headers->items[i], ret);
}
