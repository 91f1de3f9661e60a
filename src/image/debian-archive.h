/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Where a Debian suite comes from: which repositories belong to it, at which mirrors this host's
 * apt gets them, and what state they are in. Asked of apt's own programs; signatures are verified
 * by apt when it installs from there.
 */

#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/string-list.h"

typedef struct DebianArchive {
    StringList sources;     /* "deb http://mirror/debian bookworm main": where to get packages */
    StringList apt_options; /* how this host's apt reaches mirrors: `Name "value"` */
    char *architecture;     /* dpkg's name of the host's */
    int64_t state;          /* when the newest of the repositories was published, seconds */
} DebianArchive;

void debian_archive_done(DebianArchive *archive);
#define _cleanup_debian_archive_ _cleanup_(debian_archive_done)

typedef struct DebianArchiveOptions {
    const char *suite;  /* "bookworm" */
    const char *mirror; /* the only one to use; NULL: what the host's apt uses */
    int scratch_fd;     /* directory for downloads */
} DebianArchiveOptions;

/*
 * Errors: INVALID (malformed suite or mirror), NOT_FOUND (no such suite there), UNAVAILABLE (the
 * mirror cannot be reached, apt is not installed).
 */
int debian_archive_probe(const DebianArchiveOptions *options, DebianArchive *ret, Error *err);
