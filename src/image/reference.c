/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The grammar is written out as one scanner per rule instead of regular expressions: each takes
 * text and returns how many bytes of it the rule matches, 0 for none. Parsing works on one private
 * copy that is cut in place: digest off the end first, then the tag, then the domain.
 */

#include "image/reference.h"

#include <ctype.h>
#include <errno.h>
#include <fnmatch.h>
#include <string.h>

#include "base/memory.h"

#define DEFAULT_DOMAIN "docker.io"
#define LEGACY_DEFAULT_DOMAIN "index.docker.io"
#define OFFICIAL_PREFIX "library/"

#define PATH_MAX_LENGTH 255
#define TAG_MAX_LENGTH 128

/* Longer is certainly not a reference: domain, path, tag and digest at their longest. */
#define REFERENCE_MAX_LENGTH 1024

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"
#define HEX_DIGITS DIGITS "abcdefABCDEF"

void reference_done(Reference *reference)
{
    free(reference->domain);
    free(reference->path);
    free(reference->tag);
    *reference = (Reference) {};
}

/* Separators inside a path component: one ".", one or two "_", any number of "-". */
static size_t scan_separator(const char *text)
{
    if (text[0] == '.')
        return 1;
    if (text[0] == '_')
        return text[1] == '_' ? 2 : 1;
    return strspn(text, "-");
}

static size_t scan_path_component(const char *text)
{
    size_t length = strspn(text, LOWER DIGITS);

    while (length > 0) {
        size_t separator = scan_separator(text + length);
        size_t word = separator ? strspn(text + length + separator, LOWER DIGITS) : 0;

        if (word == 0)
            break;
        length += separator + word;
    }
    return length;
}

static bool path_is_valid(const char *path)
{
    for (;;) {
        size_t length = scan_path_component(path);

        if (length == 0)
            return false;
        if (path[length] == '\0')
            return true;
        if (path[length] != '/')
            return false;
        path += length + 1;
    }
}

/* Letters and digits, and "-" anywhere but at the ends. */
static size_t scan_domain_component(const char *text)
{
    size_t length = strspn(text, LOWER UPPER DIGITS "-");

    return length > 0 && text[0] != '-' && text[length - 1] != '-' ? length : 0;
}

static size_t scan_host(const char *text)
{
    size_t length = 0, component;

    if (text[0] == '[') { /* an IPv6 address */
        size_t address = strspn(text + 1, HEX_DIGITS ":");

        return address > 0 && text[address + 1] == ']' ? address + 2 : 0;
    }
    for (;;) {
        component = scan_domain_component(text + length);
        if (component == 0)
            return 0;
        length += component;
        if (text[length] != '.')
            return length;
        length++;
    }
}

static bool domain_is_valid(const char *domain)
{
    size_t length = scan_host(domain);

    if (length == 0)
        return false;
    if (domain[length] == '\0')
        return true;
    return domain[length] == ':' && domain[length + 1] != '\0' &&
           domain[length + 1 + strspn(domain + length + 1, DIGITS)] == '\0';
}

static bool tag_is_valid(const char *tag)
{
    size_t length = strlen(tag);

    return length > 0 && length <= TAG_MAX_LENGTH && tag[0] != '.' && tag[0] != '-' &&
           strspn(tag, LOWER UPPER DIGITS "_.-") == length;
}

static bool has_upper_case(const char *text)
{
    return strpbrk(text, UPPER) != NULL;
}

static bool is_image_id(const char *text)
{
    return strlen(text) == DIGEST_HEX_LENGTH && strspn(text, DIGITS "abcdef") == DIGEST_HEX_LENGTH;
}

/* What comes before the first "/" is a domain only if it could not be part of a path. */
static bool looks_like_domain(const char *first)
{
    return strcmp(first, "localhost") == 0 || strpbrk(first, ".:") || has_upper_case(first);
}

static int format_error(Error *err, const char *text)
{
    return error_set(err, ERROR_INVALID, "invalid reference format: '%s'", text);
}

/* Cut "@digest" off @rest. */
static int cut_digest(char *rest, const char *text, Digest *ret, Error *err)
{
    char *at = strchr(rest, '@');

    if (!at)
        return 0;
    *at = '\0';
    if (digest_parse(at + 1, ret) == 0)
        return 0;
    if (strncmp(at + 1, DIGEST_PREFIX, strlen(DIGEST_PREFIX)) == 0)
        return error_set(err, ERROR_INVALID,
                         "invalid reference format: '%s': a sha256 digest has 64 lower-case hex "
                         "digits",
                         text);
    return error_set(err, ERROR_INVALID,
                     "invalid reference format: '%s': only sha256 digests are supported", text);
}

/* Cut ":tag" off @rest: behind the last "/", so that a port is not taken for one. */
static int cut_tag(char *rest, const char *text, char **ret, Error *err)
{
    char *slash = strrchr(rest, '/');
    char *colon = strchr(slash ? slash : rest, ':');

    if (!colon)
        return 0;
    *colon = '\0';
    if (!tag_is_valid(colon + 1))
        return format_error(err, text);
    *ret = memory_strdup(colon + 1);
    return 0;
}

/* Split @rest into domain and path as Docker completes them. */
static void split_domain(char *rest, Reference *reference)
{
    char *slash = strchr(rest, '/');
    const char *path = rest, *domain = DEFAULT_DOMAIN;

    if (slash) {
        *slash = '\0';
        if (looks_like_domain(rest)) {
            domain = strcmp(rest, LEGACY_DEFAULT_DOMAIN) == 0 ? DEFAULT_DOMAIN : rest;
            path = slash + 1;
        } else {
            *slash = '/';
        }
    }
    reference->domain = memory_strdup(domain);
    if (strcmp(domain, DEFAULT_DOMAIN) == 0 && !strchr(path, '/'))
        reference->path = memory_printf(OFFICIAL_PREFIX "%s", path);
    else
        reference->path = memory_strdup(path);
}

int reference_parse(const char *text, Reference *ret, Error *err)
{
    _cleanup_reference_ Reference reference = {};
    _cleanup_free_ char *rest = NULL;
    int r;

    if (*text == '\0')
        return error_set(err, ERROR_INVALID,
                         "invalid reference format: the name of an image must not be empty");
    if (strlen(text) > REFERENCE_MAX_LENGTH)
        return error_set(err, ERROR_INVALID, "invalid reference format: longer than %d characters",
                         REFERENCE_MAX_LENGTH);
    if (is_image_id(text))
        return error_set(err, ERROR_INVALID,
                         "invalid repository name '%s': it cannot be 64 hex digits", text);

    rest = memory_strdup(text);
    r = cut_digest(rest, text, &reference.digest, err);
    if (r < 0)
        return r;
    r = cut_tag(rest, text, &reference.tag, err);
    if (r < 0)
        return r;
    split_domain(rest, &reference);

    if (!domain_is_valid(reference.domain))
        return format_error(err, text);
    if (has_upper_case(reference.path))
        return error_set(err, ERROR_INVALID,
                         "invalid reference format: repository name '%s' must be lowercase",
                         reference.path);
    if (!path_is_valid(reference.path))
        return format_error(err, text);
    if (strlen(reference.path) > PATH_MAX_LENGTH)
        return error_set(err, ERROR_INVALID,
                         "invalid reference format: repository name must not be more than %d "
                         "characters",
                         PATH_MAX_LENGTH);

    *ret = reference;
    reference = (Reference) {};
    return 0;
}

void reference_array_done(ReferenceArray *references)
{
    for (size_t i = 0; i < references->count; i++)
        reference_done(&references->items[i]);
    free(references->items);
    *references = (ReferenceArray) {};
}

bool reference_has_domain(const char *text)
{
    size_t length = strcspn(text, "/");
    _cleanup_free_ char *first = memory_strndup(text, length);

    return text[length] == '/' && looks_like_domain(first);
}

static int add_candidate(const char *text, ReferenceArray *references, Error *err)
{
    return reference_parse(text, JSON_ARRAY_ADD(references), err);
}

int reference_candidates(const char *text, const StringList *domains, ReferenceArray *ret,
                         Error *err)
{
    _cleanup_reference_array_ ReferenceArray references = {};
    _cleanup_reference_ Reference plain = {};
    int r = reference_parse(text, &plain, err); /* whose message is about what was typed */

    if (r >= 0 && reference_has_domain(text))
        r = add_candidate(text, &references, err);
    else
        for (size_t i = 0; i < domains->count && r >= 0; i++) {
            _cleanup_free_ char *whole = memory_printf("%s/%s", domains->items[i], text);

            r = add_candidate(whole, &references, err);
        }
    if (r < 0)
        return r;

    *ret = references;
    references = (ReferenceArray) {};
    return 0;
}

void reference_set_default_tag(Reference *reference)
{
    if (!reference->tag && !digest_is_set(&reference->digest))
        reference->tag = memory_strdup(REFERENCE_DEFAULT_TAG);
}

char *reference_repository(const Reference *reference)
{
    return memory_printf("%s/%s", reference->domain, reference->path);
}

/* Without its domain, would @path be taken for something else? */
static bool path_needs_domain(const char *path)
{
    _cleanup_free_ char *first = memory_strndup(path, strcspn(path, "/"));

    return strchr(path, '/') ? looks_like_domain(first) : is_image_id(path);
}

char *reference_familiar_repository(const Reference *reference)
{
    const char *path = reference->path;
    size_t prefix = strlen(OFFICIAL_PREFIX);

    /* "library/a/b" is not an official image: it keeps its name */
    if (strncmp(path, OFFICIAL_PREFIX, prefix) == 0 && !strchr(path + prefix, '/'))
        path += prefix;
    if (strcmp(reference->domain, DEFAULT_DOMAIN) != 0 || path_needs_domain(path))
        return reference_repository(reference);
    return memory_strdup(path);
}

/* Takes @repository, yields it with tag and digest. */
static char *add_suffixes(const Reference *reference, char *repository)
{
    _cleanup_free_ char *owned = repository;
    bool has_digest = digest_is_set(&reference->digest);

    return memory_printf("%s%s%s%s%s", owned, reference->tag ? ":" : "",
                         reference->tag ? reference->tag : "", has_digest ? "@" : "",
                         has_digest ? reference->digest.text : "");
}

char *reference_to_string(const Reference *reference)
{
    return add_suffixes(reference, reference_repository(reference));
}

char *reference_to_familiar(const Reference *reference)
{
    return add_suffixes(reference, reference_familiar_repository(reference));
}

bool reference_matches(const Reference *reference, const char *pattern)
{
    _cleanup_free_ char *name = reference_familiar_repository(reference);
    _cleanup_free_ char *full = reference_to_familiar(reference);

    return fnmatch(pattern, name, FNM_PATHNAME) == 0 || fnmatch(pattern, full, FNM_PATHNAME) == 0;
}
