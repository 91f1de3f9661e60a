/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The one table that names every command. */

#include <stddef.h>

#include "oci/command.h"

extern const OptionTable global_option_table; /* fills GlobalOptions */
extern const OptionTable no_option_table;     /* nothing but --help */

extern const Command commands[];
extern const size_t n_commands;

/* Errors: INVALID (unknown, with the nearest one), UNSUPPORTED (one that runc has). */
int command_find(const char *name, const Command **ret, Error *err);

/* One file each, but for a command and its opposite. */
int oci_create(Invocation *invocation, Error *err);
int oci_delete(Invocation *invocation, Error *err);
int oci_events(Invocation *invocation, Error *err);
int oci_exec(Invocation *invocation, Error *err);
int oci_features(Invocation *invocation, Error *err);
int oci_kill(Invocation *invocation, Error *err);
int oci_list(Invocation *invocation, Error *err);
int oci_pause(Invocation *invocation, Error *err);
int oci_ps(Invocation *invocation, Error *err);
int oci_resume(Invocation *invocation, Error *err);
int oci_run(Invocation *invocation, Error *err);
int oci_spec(Invocation *invocation, Error *err);
int oci_start(Invocation *invocation, Error *err);
int oci_state(Invocation *invocation, Error *err);
int oci_update(Invocation *invocation, Error *err);

extern const OptionTable create_option_table;
extern const OptionTable delete_option_table;
extern const OptionTable events_option_table;
extern const OptionTable exec_option_table;
extern const OptionTable kill_option_table;
extern const OptionTable list_option_table;
extern const OptionTable ps_option_table;
extern const OptionTable run_option_table;
extern const OptionTable spec_option_table;
extern const OptionTable update_option_table;
