/* SPDX-License-Identifier: Apache-2.0 */

/* POSIX extended regular expressions, checked when they are given. */

#include "cli/name-expression.h"

#include <regex.h>
#include <stddef.h>

int name_expressions_add(StringList *expressions, const char *value, Error *err)
{
    regex_t expression;

    if (regcomp(&expression, value, REG_EXTENDED | REG_NOSUB) != 0)
        return error_set(err, ERROR_INVALID,
                         "invalid filter 'name=%s': it is not a regular expression", value);
    regfree(&expression);
    string_list_add(expressions, value);
    return 0;
}

static bool matches(const char *pattern, const char *name)
{
    regex_t expression;
    bool found;

    if (regcomp(&expression, pattern, REG_EXTENDED | REG_NOSUB) != 0)
        return false; /* checked before */
    found = regexec(&expression, name, 0, NULL, 0) == 0;
    regfree(&expression);
    return found;
}

bool name_expressions_match(const StringList *expressions, const char *name)
{
    for (size_t i = 0; i < expressions->count; i++)
        if (matches(expressions->items[i], name))
            return true;
    return expressions->count == 0;
}
