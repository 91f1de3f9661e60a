/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Options of `cay run` and `update` about networks, names and ports; handlers of option tables that
 * fill RunOptions. */

#include "base/options.h"
#include "cli/run-options.h"

int run_take_network(const Option *option, const char *value, void *target, Error *err);
/* "--ip" and its like, of a network that is not named: the option's name is the field's, but for
 * those of the table in this file. */
int run_take_network_field(const Option *option, const char *value, void *target, Error *err);
int run_take_publish(const Option *option, const char *value, void *target, Error *err);
int run_take_expose(const Option *option, const char *value, void *target, Error *err);
int run_take_add_host(const Option *option, const char *value, void *target, Error *err);

/* Put together what belongs together, once all options are known. Errors: INVALID, NOT_FOUND. */
int run_network_options_finish(RunOptions *options, Error *err);
