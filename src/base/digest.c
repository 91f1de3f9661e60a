/* SPDX-License-Identifier: Apache-2.0 */

/* SHA-256 by libnettle, and the strict text form of a digest. */

#include "base/digest.h"

#include <errno.h>
#include <string.h>

#include "base/fd.h"
#include "base/memory.h"

#define HASH_BUFFER_SIZE (256 * 1024)

void digest_begin(DigestState *state)
{
    sha256_init(&state->context);
}

void digest_add(DigestState *state, const void *data, size_t size)
{
    sha256_update(&state->context, size, data);
}

Digest digest_end(DigestState *state)
{
    static const char hex[] = "0123456789abcdef";
    uint8_t bytes[SHA256_DIGEST_SIZE];
    Digest digest = { DIGEST_PREFIX };
    char *text = digest.text + sizeof(DIGEST_PREFIX) - 1;

    sha256_digest(&state->context, sizeof(bytes), bytes);
    for (size_t i = 0; i < sizeof(bytes); i++) {
        *text++ = hex[bytes[i] >> 4];
        *text++ = hex[bytes[i] & 15];
    }
    return digest;
}

Digest digest_of(const void *data, size_t size)
{
    DigestState state;

    digest_begin(&state);
    digest_add(&state, data, size);
    return digest_end(&state);
}

int digest_of_fd(int fd, Digest *ret, int64_t *ret_size)
{
    _cleanup_free_ char *buffer = memory_new(1, HASH_BUFFER_SIZE);
    DigestState state;
    int64_t size = 0;
    ssize_t n;

    digest_begin(&state);
    while ((n = fd_read_full(fd, buffer, HASH_BUFFER_SIZE)) > 0) {
        digest_add(&state, buffer, (size_t)n);
        size += n;
    }
    if (n < 0)
        return (int)n;
    *ret = digest_end(&state);
    if (ret_size)
        *ret_size = size;
    return 0;
}

int digest_parse(const char *text, Digest *ret)
{
    size_t prefix = sizeof(DIGEST_PREFIX) - 1;

    if (strncmp(text, DIGEST_PREFIX, prefix) != 0 || strlen(text) != DIGEST_LENGTH ||
        strspn(text + prefix, "0123456789abcdef") != DIGEST_HEX_LENGTH)
        return -EINVAL;

    memcpy(ret->text, text, sizeof(ret->text));
    return 0;
}

bool digest_equal(const Digest *a, const Digest *b)
{
    return strcmp(a->text, b->text) == 0;
}

bool digest_is_set(const Digest *digest)
{
    return digest->text[0] != '\0';
}
