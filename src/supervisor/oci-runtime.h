/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Another OCI runtime as a program that is called: its command line (create, start, exec, delete),
 * what it prints when it fails, and the process that it leaves behind. What it remembers of the
 * container lies in the container's runtime directory, and goes with that at the latest.
 */

#include "base/error.h"
#include "base/process.h"
#include "base/string-list.h"

typedef struct OciRuntime {
    const char *program;   /* absolute path */
    const char *directory; /* of the container below /run: what is kept for it is there */
    int mounts_fd;         /* mount namespace to call it in; -EBADF: ours */
} OciRuntime;

/* Below the directory: what the runtime itself keeps, and what it makes the container from. */
#define OCI_RUNTIME_STATE_NAME "oci"
#define OCI_RUNTIME_BUNDLE_NAME "bundle"

typedef struct OciCall {
    const StringList *arguments; /* the command and its arguments */
    const int *stdio;            /* three that become 0, 1 and 2; NULL: none */
    int printed_fd;              /* with stdio: reads, without waiting, what went to 2; -EBADF: as
                                    without stdio */
    const char
        *container_program; /* what may be missing in the container; NULL: nothing is executed */
} OciCall;

/*
 * May root trust its life to this program? Errors: NOT_FOUND, DENIED (somebody else can write to
 * it), INVALID (it is no program).
 */
int oci_runtime_check(const char *program, Error *err);

/*
 * Call it and wait for its end. The error's message is what it has printed.
 * Errors: UNAVAILABLE (it cannot be executed, or was killed), PROGRAM_MISSING, PROGRAM_UNUSABLE,
 * SYSTEM (all else that it says).
 */
int oci_runtime_call(const OciRuntime *runtime, const OciCall *call, Error *err);

/*
 * The same for a call that leaves a process behind, which becomes our child. The arguments get
 * options with a place to leave its number, and where @ret_terminal is not NULL to send its
 * terminal; they have to come in front of the last one. @directory_fd is a place for both.
 */
int oci_runtime_call_for_process(const OciRuntime *runtime, const OciCall *call, int directory_fd,
                                 Process *ret, int *ret_terminal, Error *err);

/* Kill and forget the container @id, if it knows it. Whatever remains is the caller's to find. */
void oci_runtime_delete(const OciRuntime *runtime, const char *id);
