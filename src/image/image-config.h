/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The image configuration (OCI image specification, config.md, with Docker's additions): what the
 * image runs on, what a container of it runs by default, and which layers it is made of. Its digest
 * is the image's id. What an image says here never becomes configuration of the engine.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/digest.h"
#include "base/error.h"
#include "base/json-fields.h"
#include "base/string-list.h"

typedef struct ImageHealthcheck {
    StringList test;        /* "NONE", "CMD" or "CMD-SHELL", then arguments */
    int64_t interval;       /* nanoseconds, 0: the default */
    int64_t timeout;        /* nanoseconds */
    int64_t start_period;   /* nanoseconds */
    int64_t start_interval; /* nanoseconds */
    int64_t retries;
} ImageHealthcheck;

/* "config": defaults for containers. Empty where the image says nothing. */
typedef struct ImageDefaults {
    char *user;
    StringList exposed_ports; /* "80/tcp" */
    StringList environment;   /* "NAME=value" */
    StringList entrypoint;
    StringList command;
    StringList volumes; /* absolute paths in the container */
    char *working_directory;
    StringMap labels;
    char *stop_signal;
    bool arguments_escaped;
    ImageHealthcheck *healthcheck; /* NULL: none */
    StringList shell;
    StringList on_build;
} ImageDefaults;

typedef struct ImageHistoryEntry {
    char *created; /* RFC 3339 */
    char *author;
    char *created_by;
    char *comment;
    bool empty_layer;
} ImageHistoryEntry;

typedef struct ImageRootfs {
    char *type;          /* "layers" */
    StringList diff_ids; /* of the uncompressed layers, bottom to top */
} ImageRootfs;

typedef struct ImageConfig {
    char *created; /* RFC 3339, NULL: not said */
    char *author;
    char *comment;
    char *docker_version;
    char *architecture;
    char *variant;
    char *os;
    char *os_version;
    ImageDefaults config;
    ImageRootfs rootfs;
    JSON_ARRAY_OF(ImageHistoryEntry) history;
} ImageConfig;

extern const JsonStruct image_config_json;
extern const JsonStruct image_defaults_json;

/* Frees the members and zeroes the struct. */
void image_config_done(ImageConfig *config);
#define _cleanup_image_config_ _cleanup_(image_config_done)

/*
 * Read untrusted text. Every diff id in the result is a valid sha256, at most IMAGE_MAX_LAYERS of
 * them; "created" is a valid time or absent. Errors: INVALID.
 */
int image_config_parse(const char *data, size_t size, ImageConfig *ret, Error *err);

/* The text that is stored and whose digest is the image's id; the caller frees it. */
char *image_config_to_text(const ImageConfig *config);

/* Nanoseconds since 1970; 0 where the image does not say. */
int64_t image_config_created(const ImageConfig *config);

/* The chain ID of a layer: of @parent (NULL for the lowest) and the layer's own diff id. Source:
 * OCI image specification, config.md, "Layer ChainID". */
Digest image_chain_id(const Digest *parent, const Digest *diff_id);

/* All chain IDs, bottom to top: rootfs.diff_ids.count of them; NULL for none. The caller frees it.
 */
Digest *image_config_chain_ids(const ImageConfig *config);
