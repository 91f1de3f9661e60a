/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The cache of compiled seccomp programs and their installation. A hit costs one digest of the
 * profile, one small file and its digest; libseccomp is not called at all.
 *
 * A cache file is a header and the instructions. Its digest covers the key too, so that a file
 * that was renamed does not pass for another profile's.
 */

#include "sandbox/seccomp.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/memory.h"
#include "sandbox/seccomp-private.h"

/* Counts up with every change of what a profile compiles to. */
#define FORMAT_VERSION 1

/* What the lowest kernel may lack. The others are not worth a system call at each start. */
#define YOUNG_FLAGS SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV

#define CACHE_MAGIC "cay-bpf"

typedef struct CacheHeader {
    char magic[sizeof(CACHE_MAGIC)];
    uint32_t version;
    uint32_t count; /* instructions that follow */
    Digest digest;  /* of key and instructions */
} CacheHeader;

_Static_assert(sizeof(CacheHeader) % sizeof(struct sock_filter) == 0,
               "a cache file is a multiple of an instruction's size");
_Static_assert(sizeof(struct sock_filter) == 8, "instructions are eight bytes, without padding");

#define CACHE_SIZE_MAX (sizeof(CacheHeader) + BPF_MAXINSNS * sizeof(struct sock_filter))

void seccomp_program_done(SeccompProgram *program)
{
    free(program->instructions);
    *program = (SeccompProgram) {};
}

static void add_number(DigestState *state, uint64_t number)
{
    digest_add(state, &number, sizeof(number));
}

/* With its NUL, so that no two lists of texts are alike; 0xff begins no text. */
static void add_text(DigestState *state, const char *text)
{
    if (text)
        digest_add(state, text, strlen(text) + 1);
    else
        digest_add(state, "\xff", 1);
}

static void add_list(DigestState *state, const StringList *list)
{
    add_number(state, list->count);
    for (size_t i = 0; i < list->count; i++)
        add_text(state, list->items[i]);
}

/* What errno_ret is when it is not set differs from any errno. */
static void add_optional(DigestState *state, OptionalUint64 number)
{
    add_number(state, number.is_set ? number.value : UINT64_MAX);
}

static void add_profile(DigestState *state, const LinuxSeccomp *profile)
{
    add_text(state, profile->default_action);
    add_optional(state, profile->default_errno_ret);
    add_list(state, &profile->architectures);
    add_number(state, profile->syscalls.count);
    for (size_t i = 0; i < profile->syscalls.count; i++) {
        const LinuxSeccompSyscall *rule = &profile->syscalls.items[i];

        add_list(state, &rule->names);
        add_text(state, rule->action);
        add_optional(state, rule->errno_ret);
        add_number(state, rule->args.count);
        for (size_t j = 0; j < rule->args.count; j++) {
            add_number(state, rule->args.items[j].index);
            add_number(state, rule->args.items[j].value);
            add_number(state, rule->args.items[j].value_two);
            add_text(state, rule->args.items[j].op);
        }
    }
}

/*
 * All that the program depends on: the profile, this code, libseccomp, and the kernel, which
 * decides what libseccomp will compile.
 */
static Digest cache_key(const LinuxSeccomp *profile)
{
    struct utsname host = {};
    DigestState state;

    (void)uname(&host); /* cannot fail with a valid address */
    digest_begin(&state);
    add_number(&state, FORMAT_VERSION);
    add_number(&state, SCMP_VER_MAJOR << 16 | SCMP_VER_MINOR << 8 | SCMP_VER_MICRO);
    add_text(&state, host.machine);
    add_text(&state, host.release);
    add_profile(&state, profile);
    return digest_end(&state);
}

static Digest content_digest(const Digest *key, const struct sock_filter *instructions,
                             size_t count)
{
    DigestState state;

    digest_begin(&state);
    digest_add(&state, key->text, sizeof(key->text));
    digest_add(&state, instructions, count * sizeof(*instructions));
    return digest_end(&state);
}

/* Returns 0, or a negative errno for whatever reason not to use the file. */
static int cache_read(int cache_fd, const Digest *key, SeccompProgram *ret)
{
    _cleanup_free_ char *data = NULL;
    const CacheHeader *header;
    Digest digest;
    size_t size, count;
    int r;

    r = file_read_at(cache_fd, digest_hex(key), CACHE_SIZE_MAX, &data, &size);
    if (r < 0)
        return r;
    if (size <= sizeof(*header) || size % sizeof(struct sock_filter) != 0)
        return -EBADMSG;
    header = (const CacheHeader *)data;
    count = (size - sizeof(*header)) / sizeof(struct sock_filter);
    if (memcmp(header->magic, CACHE_MAGIC, sizeof(header->magic)) != 0 ||
        header->version != FORMAT_VERSION || header->count != count)
        return -EBADMSG;
    digest = content_digest(key, (const struct sock_filter *)(header + 1), count);
    if (memcmp(&digest, &header->digest, sizeof(digest)) != 0)
        return -EBADMSG;

    /* The instructions move to the front, so that the block that was read is the one that stays. */
    memmove(data, header + 1, count * sizeof(struct sock_filter));
    ret->instructions = (struct sock_filter *)TAKE_PTR(data);
    ret->count = count;
    return 0;
}

static void cache_write(int cache_fd, const Digest *key, const SeccompProgram *program)
{
    size_t code_size = program->count * sizeof(*program->instructions);
    size_t size = sizeof(CacheHeader) + code_size;
    _cleanup_free_ char *data = memory_new(1, size);
    CacheHeader header = { .magic = CACHE_MAGIC,
                           .version = FORMAT_VERSION,
                           .count = (uint32_t)program->count };
    int r;

    header.digest = content_digest(key, program->instructions, program->count);
    memcpy(data, &header, sizeof(header));
    memcpy(data + sizeof(header), program->instructions, code_size);
    r = file_write_at(cache_fd, digest_hex(key), data, size, 0600, 0);
    if (r < 0)
        log_debug("cannot keep a compiled seccomp program: %s", strerror(-r));
}

static bool profile_notifies(const LinuxSeccomp *profile)
{
    for (size_t i = 0; i < profile->syscalls.count; i++)
        if (strcmp(profile->syscalls.items[i].action, "SCMP_ACT_NOTIFY") == 0)
            return true;
    return false;
}

static int flags_from_profile(const LinuxSeccomp *profile, unsigned long *ret, Error *err)
{
    unsigned long flags = 0;
    uint32_t flag;

    for (size_t i = 0; i < profile->flags.count; i++) {
        if (seccomp_flag_from_name(profile->flags.items[i], &flag) < 0)
            return error_set(err, ERROR_INVALID, "unknown seccomp flag '%s'",
                             profile->flags.items[i]);
        if (flag & YOUNG_FLAGS && !seccomp_flag_is_supported(flag))
            return error_set(err, ERROR_UNSUPPORTED,
                             "linux.seccomp.flags: this kernel does not have '%s'",
                             profile->flags.items[i]);
        flags |= flag;
    }
    /* How the notified wait is of no meaning where none is, and the kernel refuses it. */
    if (profile_notifies(profile))
        flags |= SECCOMP_FILTER_FLAG_NEW_LISTENER;
    else
        flags &= ~SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
    /* With both, the result would be a descriptor or a thread id, and nobody could tell which. */
    if (flags & SECCOMP_FILTER_FLAG_NEW_LISTENER && flags & SECCOMP_FILTER_FLAG_TSYNC)
        flags |= SECCOMP_FILTER_FLAG_TSYNC_ESRCH;

    *ret = flags;
    return 0;
}

int seccomp_program_load(const LinuxSeccomp *profile, int cache_fd, SeccompProgram *ret, Error *err)
{
    _cleanup_seccomp_program_ SeccompProgram program = {};
    Digest key = {};
    int r;

    r = flags_from_profile(profile, &program.flags, err);
    if (r < 0)
        return r;
    if (cache_fd >= 0)
        key = cache_key(profile);
    if (cache_fd < 0 || cache_read(cache_fd, &key, &program) < 0) {
        r = seccomp_compile(profile, &program, err);
        if (r < 0)
            return r;
        if (cache_fd >= 0)
            cache_write(cache_fd, &key, &program);
    }

    *ret = program;
    program = (SeccompProgram) {};
    return 0;
}

bool seccomp_program_notifies(const SeccompProgram *program)
{
    return program->flags & SECCOMP_FILTER_FLAG_NEW_LISTENER;
}

int seccomp_program_apply(const SeccompProgram *program)
{
    const struct sock_fprog code = { .len = (unsigned short)program->count,
                                     .filter = program->instructions };
    long r = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, program->flags, &code);

    if (r < 0)
        return -errno;
    /* Without a listener, a positive result is the thread that could not be synchronised. */
    if (r > 0 && !(program->flags & SECCOMP_FILTER_FLAG_NEW_LISTENER))
        return -ESRCH;
    return (int)r;
}
