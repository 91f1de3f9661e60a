/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * SHA-256 digests, as bytes in "sha256:<64 lower-case hex digits>" (OCI image specification,
 * descriptor.md). libnettle does the work: it uses the CPU's instructions, links statically and
 * costs nothing at start.
 */

#include <nettle/sha2.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DIGEST_PREFIX "sha256:"
#define DIGEST_HEX_LENGTH 64
#define DIGEST_LENGTH (sizeof(DIGEST_PREFIX) - 1 + DIGEST_HEX_LENGTH)

/* The text form, NUL-terminated: a value, copied by assignment. */
typedef struct Digest {
    char text[DIGEST_LENGTH + 1];
} Digest;

typedef struct DigestState {
    struct sha256_ctx context;
} DigestState;

void digest_begin(DigestState *state);
void digest_add(DigestState *state, const void *data, size_t size);
Digest digest_end(DigestState *state);

Digest digest_of(const void *data, size_t size);

/* Of the rest of @fd; *ret_size (may be NULL) is its length in bytes. Returns 0 or -errno. */
int digest_of_fd(int fd, Digest *ret, int64_t *ret_size);

/* Strict: prefix, length, lower-case hex. Returns 0 or -EINVAL. */
int digest_parse(const char *text, Digest *ret);

static inline const char *digest_hex(const Digest *digest)
{
    return digest->text + sizeof(DIGEST_PREFIX) - 1;
}

bool digest_equal(const Digest *a, const Digest *b);
bool digest_is_set(const Digest *digest);
