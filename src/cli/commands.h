/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The one table that names every command, and what finds commands in it. */

#include <stddef.h>

#include "cli/command.h"

extern const OptionTable global_option_table; /* fills GlobalOptions */

/* Commands that only have further commands: `cay image ls`. */
typedef struct CommandGroup {
    const char *name;
    const char *summary;
} CommandGroup;

extern const CommandGroup command_groups[];
extern const size_t n_command_groups;

/* All commands, from 0; NULL after the last one. */
const Command *command_at(size_t index);

/* The command with the spelling @name ("image ls"), or NULL. */
const Command *command_by_name(const char *name);

const CommandGroup *command_group_by_name(const char *name);

/*
 * Find the command that @invocation->arguments begin with, and take its one or two words off them.
 * Sets command and name. Returns 0, or OPTIONS_HELP when only a group was named, with or without
 * --help: *ret_group is that group then.
 * Errors: INVALID (unknown, with the nearest one), UNSUPPORTED (a command that Docker has).
 */
int command_find(Invocation *invocation, const CommandGroup **ret_group, Error *err);

/* One file each. */
int cli_run(Invocation *invocation, Error *err);
int cli_container_attach(Invocation *invocation, Error *err);
int cli_container_commit(Invocation *invocation, Error *err);
int cli_container_copy(Invocation *invocation, Error *err);
int cli_container_create(Invocation *invocation, Error *err);
int cli_container_diff(Invocation *invocation, Error *err);
int cli_container_exec(Invocation *invocation, Error *err);
int cli_container_export(Invocation *invocation, Error *err);
int cli_container_kill(Invocation *invocation, Error *err);
int cli_container_list(Invocation *invocation, Error *err);
int cli_container_logs(Invocation *invocation, Error *err);
int cli_container_pause(Invocation *invocation, Error *err);
int cli_container_port(Invocation *invocation, Error *err);
int cli_container_prune(Invocation *invocation, Error *err);
int cli_container_plug(Invocation *invocation, Error *err);
int cli_container_recover(Invocation *invocation, Error *err);
int cli_container_remove(Invocation *invocation, Error *err);
int cli_container_rename(Invocation *invocation, Error *err);
int cli_container_restart(Invocation *invocation, Error *err);
int cli_container_start(Invocation *invocation, Error *err);
int cli_container_stats(Invocation *invocation, Error *err);
int cli_container_stop(Invocation *invocation, Error *err);
int cli_container_top(Invocation *invocation, Error *err);
int cli_container_unpause(Invocation *invocation, Error *err);
int cli_container_update(Invocation *invocation, Error *err);
int cli_container_wait(Invocation *invocation, Error *err);
int cli_inspect(Invocation *invocation, Error *err);
int cli_container_inspect(Invocation *invocation, Error *err);
int cli_completion(Invocation *invocation, Error *err);
int cli_events(Invocation *invocation, Error *err);
int cli_generate_manual(Invocation *invocation, Error *err);
int cli_image_bootstrap(Invocation *invocation, Error *err);
int cli_image_copy(Invocation *invocation, Error *err);
int cli_image_history(Invocation *invocation, Error *err);
int cli_image_import(Invocation *invocation, Error *err);
int cli_image_inspect(Invocation *invocation, Error *err);
int cli_image_list(Invocation *invocation, Error *err);
int cli_image_load(Invocation *invocation, Error *err);
int cli_image_mount(Invocation *invocation, Error *err);
int cli_image_prune(Invocation *invocation, Error *err);
int cli_image_pull(Invocation *invocation, Error *err);
int cli_image_push(Invocation *invocation, Error *err);
int cli_image_referrers(Invocation *invocation, Error *err);
int cli_image_remove(Invocation *invocation, Error *err);
int cli_image_save(Invocation *invocation, Error *err);
int cli_image_tag(Invocation *invocation, Error *err);
int cli_image_unmount(Invocation *invocation, Error *err);
int cli_login(Invocation *invocation, Error *err);
int cli_logout(Invocation *invocation, Error *err);
int cli_manifest_annotate(Invocation *invocation, Error *err);
int cli_manifest_create(Invocation *invocation, Error *err);
int cli_manifest_inspect(Invocation *invocation, Error *err);
int cli_manifest_push(Invocation *invocation, Error *err);
int cli_manifest_remove(Invocation *invocation, Error *err);
int cli_network_graph(Invocation *invocation, Error *err);
int cli_network_create(Invocation *invocation, Error *err);
int cli_network_inspect(Invocation *invocation, Error *err);
int cli_network_list(Invocation *invocation, Error *err);
int cli_network_prune(Invocation *invocation, Error *err);
int cli_network_remove(Invocation *invocation, Error *err);
int cli_search(Invocation *invocation, Error *err);
int cli_secret_create(Invocation *invocation, Error *err);
int cli_secret_inspect(Invocation *invocation, Error *err);
int cli_secret_list(Invocation *invocation, Error *err);
int cli_secret_remove(Invocation *invocation, Error *err);
int cli_system_boot(Invocation *invocation, Error *err);
int cli_system_df(Invocation *invocation, Error *err);
int cli_system_info(Invocation *invocation, Error *err);
int cli_system_prune(Invocation *invocation, Error *err);
int cli_volume_create(Invocation *invocation, Error *err);
int cli_volume_inspect(Invocation *invocation, Error *err);
int cli_volume_list(Invocation *invocation, Error *err);
int cli_volume_prune(Invocation *invocation, Error *err);
int cli_network_connect(Invocation *invocation, Error *err);
int cli_network_disconnect(Invocation *invocation, Error *err);
int cli_network_reload(Invocation *invocation, Error *err);
int cli_volume_remove(Invocation *invocation, Error *err);
int cli_volume_update(Invocation *invocation, Error *err);
int cli_version(Invocation *invocation, Error *err);

extern const OptionTable no_option_table; /* nothing but --help */
extern const OptionTable container_attach_option_table;
extern const OptionTable container_commit_option_table;
extern const OptionTable container_copy_option_table;
extern const OptionTable container_exec_option_table;
extern const OptionTable container_export_option_table;
extern const OptionTable container_kill_option_table;
extern const OptionTable container_list_option_table;
extern const OptionTable container_logs_option_table;
extern const OptionTable container_prune_option_table;
extern const OptionTable container_remove_option_table;
extern const OptionTable container_start_option_table;
extern const OptionTable container_stats_option_table;
extern const OptionTable container_stop_option_table;
extern const OptionTable container_top_option_table;
extern const OptionTable container_update_option_table;
extern const OptionTable events_option_table;
extern const OptionTable inspect_option_table;
extern const OptionTable container_inspect_option_table;
extern const OptionTable image_bootstrap_option_table;
extern const OptionTable image_copy_option_table;
extern const OptionTable image_history_option_table;
extern const OptionTable image_import_option_table;
extern const OptionTable image_inspect_option_table;
extern const OptionTable image_list_option_table;
extern const OptionTable image_load_option_table;
extern const OptionTable image_mount_option_table;
extern const OptionTable image_prune_option_table;
extern const OptionTable image_pull_option_table;
extern const OptionTable image_push_option_table;
extern const OptionTable image_referrers_option_table;
extern const OptionTable image_remove_option_table;
extern const OptionTable image_save_option_table;
extern const OptionTable login_option_table;
extern const OptionTable manifest_annotate_option_table;
extern const OptionTable manifest_create_option_table;
extern const OptionTable manifest_inspect_option_table;
extern const OptionTable manifest_push_option_table;
extern const OptionTable network_graph_option_table;
extern const OptionTable network_create_option_table;
extern const OptionTable network_inspect_option_table;
extern const OptionTable network_list_option_table;
extern const OptionTable network_prune_option_table;
extern const OptionTable network_remove_option_table;
extern const OptionTable search_option_table;
extern const OptionTable secret_create_option_table;
extern const OptionTable secret_inspect_option_table;
extern const OptionTable secret_list_option_table;
extern const OptionTable network_connect_option_table;
extern const OptionTable network_disconnect_option_table;
extern const OptionTable secret_remove_option_table;
extern const OptionTable system_df_option_table;
extern const OptionTable system_info_option_table;
extern const OptionTable system_prune_option_table;
extern const OptionTable version_option_table;
extern const OptionTable volume_create_option_table;
extern const OptionTable volume_inspect_option_table;
extern const OptionTable volume_list_option_table;
extern const OptionTable volume_prune_option_table;
extern const OptionTable volume_remove_option_table;
extern const OptionTable volume_update_option_table;
