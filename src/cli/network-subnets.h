/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The options --subnet, --gateway, --ip-range and --aux-address of `cay network create`, each of
 * which goes with the subnet that it is in. */

#include "engine/network.h"

typedef struct SubnetOptions {
    StringList subnets; /* as all of these: one each, or several with commas between them */
    StringList gateways;
    StringList ranges;
    StringMap aux_addresses; /* name -> address */
} SubnetOptions;

void subnet_options_done(SubnetOptions *options);

/* Add them to @spec. Errors: INVALID. */
int subnet_options_apply(const SubnetOptions *options, NetworkSpec *spec, Error *err);
