/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A seccomp profile as the BPF program that the kernel wants. Compiling one takes milliseconds, so
 * compiled programs are kept in a directory, each in a file named after the digest of everything
 * that it depends on.
 */

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "sandbox/runtime-config.h"

/* `SeccompProgram program = {}` is an empty one. */
typedef struct SeccompProgram {
    struct sock_filter *instructions; /* owned */
    size_t count;                     /* at most BPF_MAXINSNS */
    unsigned long flags;              /* of seccomp(2) */
} SeccompProgram;

void seccomp_program_done(SeccompProgram *program);

#define _cleanup_seccomp_program_ _cleanup_(seccomp_program_done)

/*
 * Compile @profile, or take its program from the directory @cache_fd (-EBADF: always compile).
 * A file there that is torn, tampered with or from another version is compiled anew and replaced;
 * a cache that cannot be written is no error.
 *
 * System calls that neither libseccomp nor this program knows are skipped: nobody can call them by
 * name. Where the default action denies, calls that are younger than all that the profile names
 * fail with ENOSYS, so that programs fall back to what an older kernel has.
 *
 * Errors: INVALID (a name that is not known), UNSUPPORTED (what libseccomp or the kernel cannot
 * do), EXHAUSTED (the program is too long for the kernel).
 */
int seccomp_program_load(const LinuxSeccomp *profile, int cache_fd, SeccompProgram *ret,
                         Error *err);

/* Whether seccomp_program_apply() yields a listener. */
bool seccomp_program_notifies(const SeccompProgram *program);

/*
 * Put the calling thread, and all that it becomes, under the program. For a child between clone
 * and exec: one system call. Needs no_new_privs or CAP_SYS_ADMIN.
 * Returns 0, the listener's descriptor (close-on-exec) when the profile notifies, or -errno.
 */
int seccomp_program_apply(const SeccompProgram *program);
