/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Feeds arbitrary bytes to the unpacking of layers and of outer archives, each into a directory of
 * its own in memory. Nothing may appear beside that directory. The first byte chooses the job, so
 * that one corpus serves both.
 */

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "image/worker/unpack.h"
#include "stage.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define JOB_INGEST 1
#define JOB_ROOTFS 2
#define JOB_REPAIR 4 /* make headers' checksums right, or nearly every mutation ends at one */

/* POSIX.1-2017, pax, "ustar Interchange Format" */
#define BLOCK_SIZE 512
#define CHECKSUM_OFFSET 148
#define CHECKSUM_SIZE 8
#define MAGIC_OFFSET 257

static const ImageLimits limits = {
    .max_bytes = 8 << 20,
    .max_entries = 200,
    .max_ratio = 100,
    .ratio_floor = 1 << 20,
    .max_path = 1000,
    .max_depth = 32,
    .max_xattr_bytes = 4096,
};

static void repair_checksums(uint8_t *data, size_t size)
{
    for (; size >= BLOCK_SIZE; data += BLOCK_SIZE, size -= BLOCK_SIZE) {
        char text[CHECKSUM_SIZE + 1];
        unsigned sum = 0;

        if (memcmp(data + MAGIC_OFFSET, "ustar", strlen("ustar")) != 0)
            continue;
        memset(data + CHECKSUM_OFFSET, ' ', CHECKSUM_SIZE);
        for (size_t i = 0; i < BLOCK_SIZE; i++)
            sum += data[i];
        snprintf(text, sizeof(text), "%07o", sum);
        memcpy(data + CHECKSUM_OFFSET, text, CHECKSUM_SIZE);
    }
}

static void run(int job, int input_fd, int target_fd)
{
    if (job & JOB_INGEST) {
        _cleanup_ingest_result_ IngestResult result = {};
        IngestOptions options = {
            .input_fd = input_fd,
            .target_fd = target_fd,
            .limits = &limits,
        };

        (void)ingest(&options, &result, NULL); /* most inputs are wrong */
    } else {
        _cleanup_unpack_result_ UnpackResult result = {};
        UnpackOptions options = {
            .input_fd = input_fd,
            .target_fd = target_fd,
            .blob_fd = -EBADF,
            .apply_whiteouts = !(job & JOB_ROOTFS),
            .limits = &limits,
        };

        (void)unpack(&options, &result, NULL);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_close_ int input_fd = memfd_create("input", MFD_CLOEXEC);
    _cleanup_close_ int target_fd = -EBADF;
    _cleanup_free_ uint8_t *input = NULL;

    if (size == 0)
        return 0;
    input = memory_dup(data + 1, size - 1);
    if (data[0] & JOB_REPAIR)
        repair_checksums(input, size - 1);
    if (input_fd < 0 || fd_write_all(input_fd, input, size - 1) < 0 ||
        lseek(input_fd, 0, SEEK_SET) < 0)
        abort();

    target_fd = stage_begin();
    run(data[0], input_fd, target_fd);
    stage_end();
    return 0;
}
