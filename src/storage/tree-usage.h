/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

/*
 * Bytes that the directory @fd and all below it occupy on disk, as du(1) counts them: blocks, each
 * hard-linked file once. Takes time in proportion to its files. Returns 0 or -errno.
 */
int tree_usage(int fd, uint64_t *ret_bytes);
