/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What --help shows, made from the tables. Errors: SYSTEM. */

#include "oci/command.h"

int help_print(Error *err);
int help_print_command(const Command *command, Error *err);
