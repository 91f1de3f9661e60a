/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What the administrator has decided for all containers: the configuration file, in YAML.
 *
 *     userns: auto            # or host: whose user namespace a container has that asks for none
 *     id-pool:                # the host's ids that containers' own user namespaces are made of
 *       first: 805306368
 *       last: 1879048191
 *     default-network: bridge # of a container that asks for none: any that --network takes
 *     secret-key: /mnt/key    # whose 32 bytes secrets are encrypted under
 *     cni:                    # where what `--network cni:NAME` needs is
 *       config-directory: /etc/cni/net.d
 *       plugin-path: /opt/cni/bin:/usr/lib/cni
 *       timeout: 180          # seconds that each plug-in gets
 *
 * A missing file, and whatever it does not mention, has these defaults. They lie between the ids
 * that useradd(8) gives to users for namespaces of their own and those that systemd leaves to
 * containers.
 */

#include <stdint.h>

#include "base/error.h"

#define ENGINE_DEFAULT_CONFIG "/etc/cay/cay.yaml"

typedef struct IdPool {
    uint32_t first;
    uint32_t last;
} IdPool;

typedef struct CniSettings {
    char *config_directory; /* absolute; NULL: CNI's default, as the next one */
    char *plugin_path;
    uint32_t timeout; /* 0: the default */
} CniSettings;

typedef struct EngineSettings {
    char *userns;
    IdPool id_pool;
    char *default_network;
    char *secret_key; /* absolute; NULL: "secrets/key" in the state directory */
    CniSettings cni;
} EngineSettings;

/*
 * Read the file @path (NULL: ENGINE_DEFAULT_CONFIG, which may be missing). Errors: INVALID (names
 * the file and what of it), NOT_FOUND, SYSTEM.
 */
int engine_settings_read(const char *path, EngineSettings *ret, Error *err);
void engine_settings_done(EngineSettings *settings);
#define _cleanup_engine_settings_ _cleanup_(engine_settings_done)
