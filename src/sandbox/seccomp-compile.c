/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A profile as BPF: libseccomp compiles what it knows, as a binary tree over the system calls. A
 * prologue of our own goes before it, for calls that are younger than the installed libseccomp:
 * those that the profile names get their action, those beyond the profile get ENOSYS.
 *
 * The prologue looks at nothing but architecture and number, and uses no instruction that the
 * kernel's cache of always-allowed calls (Linux 5.11) cannot evaluate.
 */

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/memory.h"
#include "sandbox/seccomp-private.h"

/* From this number on, all architectures number new system calls alike (Linux 5.1). */
#define FIRST_COMMON_SYSCALL 424

#define X32_BIT 0x40000000U
#define ARGUMENTS_MAX 6

/* Calls that libseccomp 2.5 may not know. */
static const struct {
    const char *name;
    uint32_t number;
    uint32_t only; /* on this architecture, 0: on all */
} young_syscalls[] = {
    { "uretprobe", 335, SCMP_ARCH_X86_64 },
    { "cachestat", 451, 0 },
    { "fchmodat2", 452, 0 },
    { "map_shadow_stack", 453, 0 },
    { "futex_wake", 454, 0 },
    { "futex_wait", 455, 0 },
    { "futex_requeue", 456, 0 },
    { "statmount", 457, 0 },
    { "listmount", 458, 0 },
    { "lsm_get_self_attr", 459, 0 },
    { "lsm_set_self_attr", 460, 0 },
    { "lsm_list_modules", 461, 0 },
    { "mseal", 462, 0 },
    { "setxattrat", 463, 0 },
    { "getxattrat", 464, 0 },
    { "listxattrat", 465, 0 },
    { "removexattrat", 466, 0 },
    { "open_tree_attr", 467, 0 },
    { "file_getattr", 468, 0 },
    { "file_setattr", 469, 0 },
};

#define PROLOGUE_MAX 512

/* What is needed in several steps of one compilation. */
typedef struct Compiler {
    const LinuxSeccomp *profile;
    uint32_t default_action;
    scmp_filter_ctx filter;
    struct sock_filter prologue[PROLOGUE_MAX];
    size_t length; /* of the prologue */
} Compiler;

static void compiler_done(Compiler *compiler)
{
    if (compiler->filter)
        seccomp_release(compiler->filter);
}

bool seccomp_action_is_supported(uint32_t action)
{
    uint32_t kind = action & SECCOMP_RET_ACTION_FULL;

    return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &kind) == 0;
}

bool seccomp_flag_is_supported(uint32_t flag)
{
    unsigned long flags = flag;

    if (flag == SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV)
        flags |= SECCOMP_FILTER_FLAG_NEW_LISTENER; /* the one is refused without the other */
    /* Flags are looked at before the program, which is missing here. */
    return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, NULL) < 0 && errno == EFAULT;
}

bool seccomp_architecture_is_supported(uint32_t architecture)
{
    _cleanup_(compiler_done) Compiler compiler = { .filter = seccomp_init(SCMP_ACT_ALLOW) };
    int r = compiler.filter ? seccomp_arch_add(compiler.filter, architecture) : -ENOMEM;

    return r == 0 || r == -EEXIST;
}

/* SCMP_ACT_ERRNO and SCMP_ACT_TRACE carry a number. */
static int resolve_action(const char *name, OptionalUint64 number, uint32_t *ret, Error *err)
{
    uint32_t action;

    if (seccomp_action_from_name(name, &action) < 0)
        return error_set(err, ERROR_INVALID, "unknown seccomp action '%s'", name);
    if (!seccomp_action_is_supported(action))
        return error_set(err, ERROR_UNSUPPORTED, "linux.seccomp: this kernel does not have '%s'",
                         name);
    if (action == SCMP_ACT_ERRNO(0) || action == SCMP_ACT_TRACE(0))
        action |= (number.is_set ? number.value : EPERM) & SECCOMP_RET_DATA;
    *ret = action;
    return 0;
}

static int resolve_arguments(const LinuxSeccompSyscall *rule, struct scmp_arg_cmp *ret, Error *err)
{
    if (rule->args.count > ARGUMENTS_MAX)
        return error_set(err, ERROR_INVALID, "more than %d conditions for '%s'", ARGUMENTS_MAX,
                         rule->names.items[0]);
    for (size_t i = 0; i < rule->args.count; i++) {
        const LinuxSeccompArg *arg = &rule->args.items[i];
        uint32_t op;

        if (arg->index >= ARGUMENTS_MAX || seccomp_operator_from_name(arg->op, &op) < 0)
            return error_set(err, ERROR_INVALID, "unknown seccomp comparison '%s' of argument %u",
                             arg->op, arg->index);
        ret[i] = (struct scmp_arg_cmp) { .arg = arg->index,
                                         .op = (enum scmp_compare)op,
                                         .datum_a = arg->value,
                                         .datum_b = arg->value_two };
    }
    return 0;
}

static bool has_repeated_argument(const LinuxSeccompSyscall *rule)
{
    unsigned seen = 0;

    for (size_t i = 0; i < rule->args.count; i++) {
        if (seen & 1U << rule->args.items[i].index)
            return true;
        seen |= 1U << rule->args.items[i].index;
    }
    return false;
}

static int add_syscall(Compiler *compiler, const LinuxSeccompSyscall *rule, uint32_t action,
                       int number, const struct scmp_arg_cmp *arguments)
{
    unsigned count = (unsigned)rule->args.count;
    int r = 0;

    if (!has_repeated_argument(rule))
        return seccomp_rule_add_array(compiler->filter, action, number, count, arguments);
    /* A filter cannot compare one argument twice; runtimes agree that any one of them suffices. */
    for (unsigned i = 0; r == 0 && i < count; i++)
        r = seccomp_rule_add_array(compiler->filter, action, number, 1, &arguments[i]);
    return r;
}

static int add_rule(Compiler *compiler, const LinuxSeccompSyscall *rule, Error *err)
{
    struct scmp_arg_cmp arguments[ARGUMENTS_MAX];
    uint32_t action;
    int r;

    r = resolve_action(rule->action, rule->errno_ret, &action, err);
    if (r < 0)
        return r;
    r = resolve_arguments(rule, arguments, err);
    if (r < 0)
        return r;
    if (action == compiler->default_action)
        return 0; /* says nothing, and libseccomp refuses it */

    for (size_t i = 0; i < rule->names.count; i++) {
        const char *name = rule->names.items[i];
        int number = seccomp_syscall_resolve_name(name);

        if (number == __NR_SCMP_ERROR) {
            log_debug("libseccomp does not know the system call '%s'", name);
            continue;
        }
        r = add_syscall(compiler, rule, action, number, arguments);
        /* The same rule twice is harmless. */
        if (r < 0 && r != -EEXIST)
            return error_result(err, r, "seccomp rule for '%s'", name);
    }
    return 0;
}

static int add_architectures(Compiler *compiler, Error *err)
{
    const StringList *names = &compiler->profile->architectures;

    for (size_t i = 0; i < names->count; i++) {
        uint32_t token;
        int r;

        if (seccomp_architecture_from_name(names->items[i], &token) < 0)
            return error_set(err, ERROR_INVALID, "unknown seccomp architecture '%s'",
                             names->items[i]);
        r = seccomp_arch_add(compiler->filter, token);
        if (r < 0 && r != -EEXIST)
            return error_set(err, ERROR_UNSUPPORTED,
                             "libseccomp cannot filter the architecture '%s' here",
                             names->items[i]);
    }
    return 0;
}

static void emit(Compiler *compiler, uint16_t code, uint32_t k, uint8_t if_true, uint8_t if_false)
{
    if (compiler->length < PROLOGUE_MAX)
        compiler->prologue[compiler->length++] =
            (struct sock_filter) { .code = code, .jt = if_true, .jf = if_false, .k = k };
}

static uint32_t young_number(const char *name, uint32_t architecture)
{
    for (size_t i = 0; i < ARRAY_SIZE(young_syscalls); i++) {
        if (young_syscalls[i].only && young_syscalls[i].only != architecture)
            continue;
        if (strcmp(young_syscalls[i].name, name) == 0)
            return young_syscalls[i].number;
    }
    return 0;
}

/* The actions of young calls that libseccomp skipped, and the highest number that is named. */
static int emit_named(Compiler *compiler, uint32_t architecture, uint32_t *ret_highest, Error *err)
{
    const LinuxSeccomp *profile = compiler->profile;
    uint32_t highest = FIRST_COMMON_SYSCALL - 1;

    for (size_t i = 0; i < profile->syscalls.count; i++) {
        const LinuxSeccompSyscall *rule = &profile->syscalls.items[i];
        uint32_t action;
        int r = resolve_action(rule->action, rule->errno_ret, &action, err);

        if (r < 0)
            return r;
        for (size_t j = 0; j < rule->names.count; j++) {
            int known = seccomp_syscall_resolve_name_arch(architecture, rule->names.items[j]);
            uint32_t number = known >= 0 ? (uint32_t)known & ~X32_BIT
                                         : young_number(rule->names.items[j], architecture);

            if (number > highest)
                highest = number;
            /* A rule with conditions stays with the default action: it cannot allow too much. */
            if (known != __NR_SCMP_ERROR || number == 0 || rule->args.count > 0)
                continue;
            emit(compiler, BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1);
            emit(compiler, BPF_RET | BPF_K, action, 0, 0);
        }
    }

    *ret_highest = highest;
    return 0;
}

/* True where what the profile does not name is denied. */
static bool denies_by_default(const Compiler *compiler)
{
    uint32_t kind = compiler->default_action & SECCOMP_RET_ACTION_FULL;

    return kind != SECCOMP_RET_ALLOW && kind != SECCOMP_RET_LOG && kind != SECCOMP_RET_TRACE;
}

/* One architecture's part: entered with the architecture in the accumulator, skipped if another. */
static int emit_architecture(Compiler *compiler, uint32_t token, bool has_x32, Error *err)
{
    size_t start = compiler->length, to_filter;
    uint32_t highest;
    int r;

    emit(compiler, BPF_JMP | BPF_JEQ | BPF_K, token, 0, 0);
    emit(compiler, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr), 0, 0);
    if (token == SCMP_ARCH_X86_64 && has_x32)
        emit(compiler, BPF_ALU | BPF_AND | BPF_K, ~X32_BIT, 0, 0);
    r = emit_named(compiler, token, &highest, err);
    if (r < 0)
        return r;
    if (denies_by_default(compiler)) {
        /* The numbers of x32, where it is not filtered, are libseccomp's to refuse. */
        if (token == SCMP_ARCH_X86_64 && !has_x32)
            emit(compiler, BPF_JMP | BPF_JGE | BPF_K, X32_BIT, 2, 0);
        emit(compiler, BPF_JMP | BPF_JGT | BPF_K, highest, 0, 1);
        emit(compiler, BPF_RET | BPF_K, SCMP_ACT_ERRNO(ENOSYS), 0, 0);
    }
    to_filter = compiler->length;
    emit(compiler, BPF_JMP | BPF_JA, 0, 0, 0); /* its target is not yet known */

    if (compiler->length >= PROLOGUE_MAX || to_filter - start > UINT8_MAX)
        return error_set(err, ERROR_EXHAUSTED, "the seccomp profile is too long");
    compiler->prologue[start].jf = (uint8_t)(to_filter - start);
    return 0;
}

static int emit_prologue(Compiler *compiler, Error *err)
{
    static const uint32_t tokens[] = { SCMP_ARCH_X86_64, SCMP_ARCH_X86, SCMP_ARCH_AARCH64,
                                       SCMP_ARCH_ARM, SCMP_ARCH_RISCV64 };
    bool has_x32 = seccomp_arch_exist(compiler->filter, SCMP_ARCH_X32) == 0;

    emit(compiler, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch), 0, 0);
    for (size_t i = 0; i < ARRAY_SIZE(tokens); i++) {
        int r;

        if (seccomp_arch_exist(compiler->filter, tokens[i]) != 0)
            continue;
        r = emit_architecture(compiler, tokens[i], has_x32, err);
        if (r < 0)
            return r;
    }
    for (size_t i = 0; i < compiler->length; i++) {
        struct sock_filter *instruction = &compiler->prologue[i];

        if (instruction->code == (BPF_JMP | BPF_JA))
            instruction->k = (uint32_t)(compiler->length - i - 1);
    }
    return 0;
}

/* Prologue and libseccomp's part as one program: all jumps are relative, so they fit together. */
static int link_program(Compiler *compiler, SeccompProgram *ret, Error *err)
{
    const size_t limit = BPF_MAXINSNS * sizeof(struct sock_filter);
    _cleanup_close_ int fd = memfd_create("seccomp", MFD_CLOEXEC);
    _cleanup_free_ char *code = NULL;
    size_t size, prologue_size = compiler->length * sizeof(struct sock_filter);
    int r;

    if (fd < 0)
        return error_errno(err, "make a file for the seccomp program");
    r = seccomp_export_bpf(compiler->filter, fd);
    if (r < 0)
        return error_result(err, r, "compile the seccomp profile");
    if (lseek(fd, 0, SEEK_SET) < 0)
        return error_errno(err, "read the seccomp program");
    r = fd_read_all(fd, limit, &code, &size);
    if (r == -EFBIG || (r == 0 && size + prologue_size > limit))
        return error_set(err, ERROR_EXHAUSTED, "the seccomp profile is too long");
    if (r < 0)
        return error_result(err, r, "read the seccomp program");

    ret->count = (prologue_size + size) / sizeof(struct sock_filter);
    ret->instructions = NEW_ARRAY(struct sock_filter, ret->count);
    memcpy(ret->instructions, compiler->prologue, prologue_size);
    memcpy(ret->instructions + compiler->length, code, size);
    return 0;
}

int seccomp_compile(const LinuxSeccomp *profile, SeccompProgram *ret, Error *err)
{
    _cleanup_(compiler_done) Compiler compiler = { .profile = profile };
    int r;

    r = resolve_action(profile->default_action, profile->default_errno_ret,
                       &compiler.default_action, err);
    if (r < 0)
        return r;
    compiler.filter = seccomp_init(compiler.default_action);
    if (!compiler.filter)
        return error_set(err, ERROR_UNSUPPORTED, "this kernel cannot do the seccomp action '%s'",
                         profile->default_action);
    /* Level 2 is a binary tree over the numbers; older versions do without. */
    (void)seccomp_attr_set(compiler.filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    r = add_architectures(&compiler, err);
    for (size_t i = 0; r == 0 && i < profile->syscalls.count; i++)
        r = add_rule(&compiler, &profile->syscalls.items[i], err);
    if (r < 0)
        return r;
    r = emit_prologue(&compiler, err);
    if (r < 0)
        return r;
    return link_program(&compiler, ret, err);
}
