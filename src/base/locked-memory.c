/* SPDX-License-Identifier: Apache-2.0 */

/* Mappings of their own, so that advice about them concerns nothing else. */

#include "base/locked-memory.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/fd.h"

int locked_memory_new(size_t size, LockedMemory *ret)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t capacity = (size / page + 1) * page;
    void *data = mmap(NULL, capacity, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (data == MAP_FAILED)
        return -errno;
    if (mlock(data, capacity) < 0 || madvise(data, capacity, MADV_DONTDUMP) < 0 ||
        madvise(data, capacity, MADV_WIPEONFORK) < 0) {
        int r = -errno;

        (void)munmap(data, capacity);
        return r;
    }

    *ret = (LockedMemory) { .data = data, .size = size, .capacity = capacity };
    return 0;
}

void locked_memory_done(LockedMemory *memory)
{
    if (memory->data) {
        explicit_bzero(memory->data, memory->capacity);
        (void)munmap(memory->data, memory->capacity);
    }
    *memory = (LockedMemory) {};
}

int locked_memory_read(int fd, size_t limit, LockedMemory *ret)
{
    _cleanup_locked_memory_ LockedMemory memory = {};
    ssize_t length;
    int r = locked_memory_new(limit + 1, &memory);

    if (r < 0)
        return r;
    length = fd_read_full(fd, memory.data, limit + 1);
    if (length < 0)
        return (int)length;
    if ((size_t)length > limit)
        return -EFBIG;
    memory.size = (size_t)length;

    *ret = memory;
    memory = (LockedMemory) {};
    return 0;
}

void process_hide_memory(void)
{
    (void)prctl(PR_SET_DUMPABLE, 0); /* these arguments cannot fail */
}
