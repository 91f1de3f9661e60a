/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Feeds arbitrary text to what reads names of images with a transport, and to what reads a
 * docker-archive's list of images. A name that is accepted means the same when it is written again;
 * a list is the same when it was written and read.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "image/docker-manifest.h"
#include "image/image-transport.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_location(const char *text)
{
    _cleanup_image_location_ ImageLocation location = {}, again = {};
    _cleanup_free_ char *written = NULL, *written_again = NULL;

    if (image_location_parse(text, &location, NULL) < 0)
        return;
    written = image_location_to_string(&location);
    if (image_location_parse(written, &again, NULL) < 0 || again.transport != location.transport)
        abort();
    written_again = image_location_to_string(&again);
    if (strcmp(written, written_again) != 0)
        abort();
}

static void try_list(const char *text, size_t size)
{
    _cleanup_docker_images_ DockerImages images = {}, again = {};
    _cleanup_free_ char *written = NULL, *written_again = NULL;

    if (docker_images_parse(text, size, &images, NULL) < 0)
        return;
    written = docker_images_to_text(&images);
    if (docker_images_parse(written, strlen(written), &again, NULL) < 0)
        abort();
    written_again = docker_images_to_text(&again);
    if (strcmp(written, written_again) != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_free_ char *text = memory_strndup((const char *)data, size);

    try_location(text);
    try_list((const char *)data, size);
    return 0;
}
