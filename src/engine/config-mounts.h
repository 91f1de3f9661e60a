/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What is mounted in a container, and where the engine puts things of its own. */

/* The small init of --init. On the container's own /dev nothing of the image is touched for it. */
#define CONTAINER_INIT_PATH "/dev/init"

/* Bytes of /dev/shm unless the user says otherwise. */
#define CONTAINER_DEFAULT_SHM_SIZE (INT64_C(64) << 20)

/* Files in the container's directory that are mounted in it, unless its user mounts another. */
typedef struct ContainerOwnFile {
    const char *destination;
    const char *name;
} ContainerOwnFile;

#define CONTAINER_OWN_FILES 3
extern const ContainerOwnFile container_own_files[CONTAINER_OWN_FILES];
