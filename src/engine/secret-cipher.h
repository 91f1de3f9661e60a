/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * How the content of a secret is written down: AES-256-GCM with a random nonce, which comes first,
 * and the authentication tag at the end. The secret's id is authenticated too, so that no content
 * passes for another secret's.
 */

#include <stddef.h>
#include <stdint.h>

#include "base/locked-memory.h"

#define SECRET_KEY_SIZE 32
#define SECRET_NONCE_SIZE 12
#define SECRET_TAG_SIZE 16
#define SECRET_SEAL_OVERHEAD (SECRET_NONCE_SIZE + SECRET_TAG_SIZE)

/* @key is SECRET_KEY_SIZE bytes; @sealed has room for SECRET_SEAL_OVERHEAD more than @content.
 * Returns 0 or -errno (no memory that can be locked). */
int secret_seal(const void *key, const char *id, const LockedMemory *content, uint8_t *sealed);

/* The inverse. -EBADMSG: another key, another id, or the bytes have been changed. */
int secret_unseal(const void *key, const char *id, const uint8_t *sealed, size_t size,
                  LockedMemory *ret);
