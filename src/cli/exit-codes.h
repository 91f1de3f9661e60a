/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"
#include "cli/command.h"

#define EXIT_CODE_FAILURE 1
#define EXIT_CODE_MISUSE 125 /* of options, as Docker's command line has it */
#define EXIT_CODE_PROGRAM_UNUSABLE 126
#define EXIT_CODE_PROGRAM_MISSING 127

/*
 * The exit code for @error, recorded while @invocation was carried out: of a command that
 * executes a program by the error's kind where that says why it was not, else by the command and
 * whether its options were wrong.
 */
int exit_code_for_error(const Invocation *invocation, const Error *error);
