/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The program to execute: where it may be, and what a failure to execute it means. */

#include "base/error.h"
#include "base/string-list.h"
#include "sandbox/environment-private.h"
#include "sandbox/report-private.h"
#include "sandbox/runtime-config.h"

/* The paths to try, in order: args[0] itself, or under each directory of PATH in process.env. */
void program_plan(const RuntimeProcess *process, StringList *ret);

/*
 * Whether there is one at all, for who cannot wait until it is executed to hear that there is none.
 * In doubt there is. Errors: as program_execute(). Does not allocate.
 */
int program_find(const RuntimeProcess *process, const StringList *candidates, Report *report);

/*
 * Execute the first candidate that the kernel accepts, with the variables of @environment. Returns
 * only with a failure, recorded: PROGRAM_MISSING, PROGRAM_UNUSABLE or SYSTEM. Does not allocate.
 */
int program_execute(const RuntimeProcess *process, const Environment *environment,
                    const StringList *candidates, Report *report);
