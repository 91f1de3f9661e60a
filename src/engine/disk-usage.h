/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What images, containers and volumes occupy on disk, as du(1) counts it. Takes time in proportion
 * to the number of files.
 */

#include <stdint.h>

#include "base/error.h"
#include "engine/container.h"
#include "engine/images.h"
#include "engine/volume.h"

typedef struct ImageUsage {
    int64_t size;        /* bytes: its unpacked layers, and its documents and archives */
    int64_t shared;      /* of these, what other images have too */
    size_t n_containers; /* that are made from it */
} ImageUsage;

typedef struct DiskUsage {
    ImageList images;
    ImageUsage *image_usages; /* in step with images */
    int64_t images_size;      /* all of them together, each layer once */
    int64_t
        images_reclaimable; /* what no container needs, and parts of what was not fetched whole */
    ContainerList containers;
    int64_t *container_sizes; /* what each has written, in step with containers */
    VolumeList volumes;
    int64_t *volume_sizes; /* in step with volumes; as volume_measure() */
} DiskUsage;

/* Errors: SYSTEM, CORRUPT. */
int disk_usage_read(Engine *engine, DiskUsage *ret, Error *err);
void disk_usage_done(DiskUsage *usage);
#define _cleanup_disk_usage_ _cleanup_(disk_usage_done)

/* What all images together occupy. */
int disk_usage_of_images(Engine *engine, int64_t *ret, Error *err);
