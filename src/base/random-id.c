/* SPDX-License-Identifier: Apache-2.0 */

/* Randomness for ids and temporary names. */

#include "base/random-id.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/random.h>

void random_bytes(void *data, size_t size)
{
    char *position = data;

    while (size > 0) {
        ssize_t n = getrandom(position, size, 0);

        if (n < 0) {
            if (errno == EINTR)
                continue;
            abort(); /* every kernel we run on has getrandom(2) */
        }
        position += n;
        size -= (size_t)n;
    }
}

void random_hex(char *buffer, size_t digits)
{
    static const char hex[] = "0123456789abcdef";

    random_bytes(buffer, digits);
    for (size_t i = 0; i < digits; i++)
        buffer[i] = hex[(uint8_t)buffer[i] & 15];
    buffer[digits] = '\0';
}
