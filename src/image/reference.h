/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Image references as people type them: [domain/]path[:tag][@digest], by the grammar and with the
 * abbreviations of Docker ("debian" is "docker.io/library/debian"). Only text: nothing is looked
 * up.
 */

#include <stdbool.h>

#include "base/cleanup.h"
#include "base/digest.h"
#include "base/error.h"
#include "base/json-fields.h"
#include "base/string-list.h"

#define REFERENCE_DEFAULT_TAG "latest"

typedef struct Reference {
    char *domain;  /* "docker.io", "host:5000" */
    char *path;    /* "library/debian" */
    char *tag;     /* NULL: none was given */
    Digest digest; /* not set: none was given */
} Reference;

/* Frees the members and zeroes the struct. */
void reference_done(Reference *reference);
#define _cleanup_reference_ _cleanup_(reference_done)

/*
 * Parse and complete @text (domain, "library/"); a tag is not added. *ret is written only on
 * success. Errors: INVALID, with Docker's reason (not lower case, too long, 64 hex digits, bad
 * format). Source: the grammar of github.com/distribution/reference.
 */
int reference_parse(const char *text, Reference *ret, Error *err);

/* Does @text name its domain, "host/path"? */
bool reference_has_domain(const char *text);

typedef JSON_ARRAY_OF(Reference) ReferenceArray;
void reference_array_done(ReferenceArray *references);
#define _cleanup_reference_array_ _cleanup_(reference_array_done)

/*
 * What @text may mean, in the order in which it is to be looked for: itself where it has a domain,
 * else it in each of @domains. Errors: those of reference_parse().
 */
int reference_candidates(const char *text, const StringList *domains, ReferenceArray *ret,
                         Error *err);

/* Give a reference with neither tag nor digest the tag "latest". */
void reference_set_default_tag(Reference *reference);

/* Complete: "docker.io/library/debian:bookworm@sha256:..". The caller frees it. */
char *reference_to_string(const Reference *reference);

/* As people say it: "debian:bookworm". The caller frees it. */
char *reference_to_familiar(const Reference *reference);

/* The same without tag and digest: "docker.io/library/debian" and "debian". */
char *reference_repository(const Reference *reference);
char *reference_familiar_repository(const Reference *reference);

/*
 * True when the shell pattern @pattern ("debian", "deb*:book*") fits the familiar
 * name, with or without the tag: Docker's filter `reference=`. A "*" does not match "/".
 */
bool reference_matches(const Reference *reference, const char *pattern);
