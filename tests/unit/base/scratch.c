/* SPDX-License-Identifier: Apache-2.0 */

/* Scratch directories of the base tests; removed with the function that the product uses itself. */

#include "scratch.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/path.h"

int scratch_setup(void **state)
{
    Scratch *scratch = NEW(Scratch);

    (void)snprintf(scratch->path, sizeof(scratch->path), "/tmp/cay-base-XXXXXX");
    if (!mkdtemp(scratch->path))
        return -1;
    scratch->fd = open(scratch->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    *state = scratch;
    return scratch->fd < 0 ? -1 : 0;
}

int scratch_teardown(void **state)
{
    Scratch *scratch = *state;
    int r = path_remove_tree(AT_FDCWD, scratch->path);

    fd_close(scratch->fd);
    free(scratch);
    return r;
}
