/* SPDX-License-Identifier: Apache-2.0 */

/* Vendor, class and device, each with its own letters (CDI, SPEC.md, "Kind", "Device names"). */

#include "engine/cdi-name.h"

#include <string.h>

#include "base/memory.h"

#define NAME_LENGTH_MAX 255

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_alphanumeric(char c)
{
    return is_letter(c) || (c >= '0' && c <= '9');
}

/* @length letters, digits and characters of @punctuation, of which none is first or last. */
static bool is_word(const char *text, size_t length, const char *punctuation)
{
    if (length == 0 || length > NAME_LENGTH_MAX || !is_alphanumeric(text[0]) ||
        !is_alphanumeric(text[length - 1]))
        return false;
    for (size_t i = 0; i < length; i++)
        if (!is_alphanumeric(text[i]) && !strchr(punctuation, text[i]))
            return false;
    return true;
}

static bool is_kind(const char *text, size_t length)
{
    const char *slash = memchr(text, '/', length);
    size_t vendor = slash ? (size_t)(slash - text) : 0;

    return slash && is_word(text, vendor, "_.-") && is_letter(text[0]) &&
           is_word(slash + 1, length - vendor - 1, "_.-") && is_letter(slash[1]);
}

bool cdi_name_is_meant(const char *text)
{
    return *text != '/' && strchr(text, '=');
}

int cdi_kind_validate(const char *kind, Error *err)
{
    if (is_kind(kind, strlen(kind)))
        return 0;
    return error_set(err, ERROR_INVALID, "invalid kind '%s': write it as 'vendor.com/class'", kind);
}

int cdi_device_validate(const char *device, Error *err)
{
    if (is_word(device, strlen(device), "_.:-"))
        return 0;
    return error_set(err, ERROR_INVALID, "invalid name of a device '%s'", device);
}

int cdi_name_validate(const char *name, Error *err)
{
    size_t kind = strcspn(name, "=");

    if (name[kind] == '=' && is_kind(name, kind) &&
        is_word(name + kind + 1, strlen(name + kind + 1), "_.:-"))
        return 0;
    return error_set(err, ERROR_INVALID,
                     "invalid CDI device '%s': write it as 'vendor.com/class=name'", name);
}

void cdi_name_split(const char *name, char **ret_kind, const char **ret_device)
{
    size_t kind = strcspn(name, "=");

    *ret_kind = memory_strndup(name, kind);
    *ret_device = name + kind + 1;
}
