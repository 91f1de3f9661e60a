/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

/* Fill with getrandom(2); cannot fail once the kernel's pool is up. */
void random_bytes(void *data, size_t size);

/* @digits random lower-case hex digits and a NUL into @buffer (digits + 1 bytes). */
void random_hex(char *buffer, size_t digits);
