/* SPDX-License-Identifier: Apache-2.0 */

/* One table from kinds of errors to exit codes. */

#include "cli/exit-codes.h"

/* 0: no code of its own */
static const int kind_codes[_ERROR_KIND_MAX] = {
    [ERROR_PROGRAM_UNUSABLE] = EXIT_CODE_PROGRAM_UNUSABLE,
    [ERROR_PROGRAM_MISSING] = EXIT_CODE_PROGRAM_MISSING,
};

int exit_code_for_error(const Invocation *invocation, const Error *error)
{
    if (kind_codes[error->kind] && invocation->command &&
        invocation->command->flags & COMMAND_EXECUTES)
        return kind_codes[error->kind];
    if (invocation->wrong_options)
        return EXIT_CODE_MISUSE;
    if (invocation->command && invocation->command->failure_code)
        return invocation->command->failure_code;
    return EXIT_CODE_FAILURE;
}
