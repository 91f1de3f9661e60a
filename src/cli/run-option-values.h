/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Values of `cay run` that are more than a plain type; handlers of option tables that fill
 * RunOptions. */

#include "base/options.h"

/* "NAME=VALUE"; the option's offset is that of the map in RunOptions. */
int run_take_assignment(const Option *option, const char *value, void *target, Error *err);
int run_take_attach(const Option *option, const char *value, void *target, Error *err);
int run_take_cpus(const Option *option, const char *value, void *target, Error *err);
int run_take_device(const Option *option, const char *value, void *target, Error *err);
/* The option's offset is that of the list in RunOptions. */
int run_take_device_rate(const Option *option, const char *value, void *target, Error *err);
int run_take_memory_swap(const Option *option, const char *value, void *target, Error *err);
int run_take_restart(const Option *option, const char *value, void *target, Error *err);
int run_take_runtime(const Option *option, const char *value, void *target, Error *err);
int run_take_userns(const Option *option, const char *value, void *target, Error *err);
int run_take_weight_device(const Option *option, const char *value, void *target, Error *err);
