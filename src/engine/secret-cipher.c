/* SPDX-License-Identifier: Apache-2.0 */

/* AES-256-GCM by libnettle, which is linked for digests anyway and costs nothing at start. */

#include "engine/secret-cipher.h"

#include <errno.h>
#include <nettle/gcm.h>
#include <nettle/memops.h>
#include <string.h>

#include "base/random-id.h"

_Static_assert(SECRET_KEY_SIZE == AES256_KEY_SIZE, "AES-256");
_Static_assert(SECRET_NONCE_SIZE == GCM_IV_SIZE, "the nonce of GCM");
_Static_assert(SECRET_TAG_SIZE == GCM_DIGEST_SIZE, "the tag of GCM");

/* The expanded key is as good as the key: it lies in locked memory too. */
static int cipher_new(const void *key, const char *id, const uint8_t *nonce, LockedMemory *ret)
{
    struct gcm_aes256_ctx *context;
    int r = locked_memory_new(sizeof(*context), ret);

    if (r < 0)
        return r;
    context = ret->data;
    gcm_aes256_set_key(context, key);
    gcm_aes256_set_iv(context, SECRET_NONCE_SIZE, nonce);
    gcm_aes256_update(context, strlen(id), (const uint8_t *)id);
    return 0;
}

int secret_seal(const void *key, const char *id, const LockedMemory *content, uint8_t *sealed)
{
    _cleanup_locked_memory_ LockedMemory cipher = {};
    int r;

    random_bytes(sealed, SECRET_NONCE_SIZE);
    r = cipher_new(key, id, sealed, &cipher);
    if (r < 0)
        return r;
    sealed += SECRET_NONCE_SIZE;
    gcm_aes256_encrypt(cipher.data, content->size, sealed, content->data);
    gcm_aes256_digest(cipher.data, SECRET_TAG_SIZE, sealed + content->size);
    return 0;
}

int secret_unseal(const void *key, const char *id, const uint8_t *sealed, size_t size,
                  LockedMemory *ret)
{
    _cleanup_locked_memory_ LockedMemory cipher = {}, content = {};
    uint8_t tag[SECRET_TAG_SIZE];
    int r;

    if (size < SECRET_SEAL_OVERHEAD)
        return -EBADMSG;
    r = locked_memory_new(size - SECRET_SEAL_OVERHEAD, &content);
    if (r >= 0)
        r = cipher_new(key, id, sealed, &cipher);
    if (r < 0)
        return r;
    sealed += SECRET_NONCE_SIZE;
    gcm_aes256_decrypt(cipher.data, content.size, content.data, sealed);
    gcm_aes256_digest(cipher.data, SECRET_TAG_SIZE, tag);
    if (!memeql_sec(tag, sealed + content.size, SECRET_TAG_SIZE))
        return -EBADMSG;

    *ret = content;
    content = (LockedMemory) {};
    return 0;
}
