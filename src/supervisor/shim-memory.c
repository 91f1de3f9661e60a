/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A shim at rest is small: there is one for every container. Creating a container takes much memory
 * and much code that supervising one does not; both are given back, and code comes back from the
 * page cache where it is needed after all.
 */

#include <link.h>
#include <malloc.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "supervisor/shim-private.h"

/* Large blocks (chunks of input and output, a configuration's tables) are the kernel's again as
 * soon as they are freed. */
#define MMAP_THRESHOLD (16 * 1024)

/* How far below its caller the stack is given back: more than any call of a shim takes. */
#define STACK_DEPTH (512 * 1024)

void memory_prepare(void)
{
    (void)mallopt(M_MMAP_THRESHOLD, MMAP_THRESHOLD);
}

/* The program's own read-only segments. */
typedef struct CodeRanges {
    struct iovec ranges[4];
    size_t count;
} CodeRanges;

static int find_code(struct dl_phdr_info *object, size_t size, void *data)
{
    const uintptr_t page_mask = ~((uintptr_t)sysconf(_SC_PAGESIZE) - 1);
    CodeRanges *code = data;

    (void)size;
    for (size_t i = 0; i < object->dlpi_phnum && code->count < ARRAY_SIZE(code->ranges); i++) {
        const ElfW(Phdr) *header = &object->dlpi_phdr[i];
        uintptr_t start = object->dlpi_addr + header->p_vaddr, first_page = start & page_mask;

        if (header->p_type == PT_LOAD && !(header->p_flags & PF_W))
            code->ranges[code->count++] = (struct iovec) {
                .iov_base = (void *)first_page,
                .iov_len = start + header->p_memsz - first_page,
            };
    }
    return 1; /* the first object is the program itself */
}

/* What deeper calls have left on the stack. A page is kept for the call that gives back the rest;
 * that the range ends below the stack's mapping is no reason for the kernel to spare what is in
 * it. */
static void release_stack(void)
{
    const uintptr_t page_size = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t top = ((uintptr_t)__builtin_frame_address(0) & ~(page_size - 1)) - page_size;

    (void)madvise((void *)(top - STACK_DEPTH), STACK_DEPTH, MADV_DONTNEED);
}

void memory_release(void)
{
    CodeRanges code = {};

    (void)dl_iterate_phdr(find_code, &code);
    (void)malloc_trim(0);
    release_stack();
    for (size_t i = 0; i < code.count; i++) /* last, as every call brings its code back */
        (void)madvise(code.ranges[i].iov_base, code.ranges[i].iov_len, MADV_DONTNEED);
}
