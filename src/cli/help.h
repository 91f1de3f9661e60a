/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What --help prints, laid out as Docker's. Made from the tables alone. */

#include <stdio.h>

#include "cli/commands.h"

/* `cay --help` */
void help_print(FILE *stream);

/* `cay image --help` */
void help_print_group(const CommandGroup *group, FILE *stream);

/* `cay images --help`, for the spelling @name. */
void help_print_command(const Command *command, const char *name, FILE *stream);

/* True when @command is spelled as @group's: "image ls" of "image"; the word after it is yielded.
 */
bool help_is_in_group(const Command *command, const CommandGroup *group, const char **ret_word);

/* The spelling of one word ("images" of "image ls"); NULL when there is none. */
const char *help_short_name(const Command *command);

/* Columns of what @stream writes to: of a terminal, or those that a file gets. */
size_t help_width(FILE *stream);
