/* SPDX-License-Identifier: Apache-2.0 */

/* The commands about networks. */

#include "cli/commands-private.h"

static const Command commands[] = {
    {
        .names = { "network connect" },
        .arguments = "NETWORK CONTAINER",
        .summary = "Connect a container to a network",
        .description = "The container may run or not. One that runs has its new interface, and "
                       "its names and files, when this ends.",
        .options = &network_connect_option_table,
        .min_arguments = 2,
        .max_arguments = 2,
        .execute = cli_network_connect,
    },
    {
        .names = { "network create" },
        .arguments = "NETWORK",
        .summary = "Make a network",
        .description = "It gets subnets that nothing on this host uses, unless --subnet says "
                       "otherwise: of IPv4, and of IPv6 where the host routes for it.",
        .options = &network_create_option_table,
        .min_arguments = 1,
        .max_arguments = 1,
        .execute = cli_network_create,
    },
    {
        .names = { "network disconnect" },
        .arguments = "NETWORK CONTAINER",
        .summary = "Disconnect a container from a network",
        .options = &network_disconnect_option_table,
        .min_arguments = 2,
        .max_arguments = 2,
        .execute = cli_network_disconnect,
    },
    {
        .names = { "network graph" },
        .arguments = "[NETWORK...]",
        .summary = "Draw networks and who is in them",
        .description =
            "What the kernel has right now, by the names that are known here: interfaces "
            "of the host, networks, running containers with their addresses and ports. "
            "Named networks are drawn alone, with what they hang on.",
        .options = &network_graph_option_table,
        .max_arguments = ANY_NUMBER,
        .execute = cli_network_graph,
    },
    {
        .names = { "network inspect" },
        .arguments = "NETWORK [NETWORK...]",
        .summary = "Show everything about networks as JSON",
        .options = &network_inspect_option_table,
        .min_arguments = 1,
        .max_arguments = ANY_NUMBER,
        .execute = cli_network_inspect,
    },
    {
        .names = { "network ls", "network list" },
        .arguments = "",
        .summary = "List networks",
        .options = &network_list_option_table,
        .execute = cli_network_list,
    },
    {
        .names = { "network prune" },
        .arguments = "",
        .summary = "Remove networks that are not used",
        .options = &network_prune_option_table,
        .execute = cli_network_prune,
    },
    {
        .names = { "network reload" },
        .arguments = "",
        .summary = "Make links, firewall and names of running containers anew",
        .description = "For after a firewall was reloaded with all that others had in it, or an "
                       "interface was deleted. Every command that shows containers repairs what "
                       "it finds missing; this one trusts nothing.",
        .options = &no_option_table,
        .execute = cli_network_reload,
    },
    {
        .names = { "network rm", "network remove" },
        .arguments = "NETWORK [NETWORK...]",
        .summary = "Remove networks",
        .options = &network_remove_option_table,
        .min_arguments = 1,
        .max_arguments = ANY_NUMBER,
        .execute = cli_network_remove,
    },
};

const CommandTable network_commands = COMMAND_TABLE(commands);
