/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Names of the OCI configuration's seccomp part: actions, comparisons, architectures and flags,
 * each one table. Nothing here calls libseccomp; only its constants are used.
 */

#include <errno.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <string.h>

#include "base/cleanup.h"
#include "sandbox/named-numbers-private.h"
#include "sandbox/seccomp-private.h"

/* Younger than libseccomp 2.5. */
#ifndef SCMP_ARCH_LOONGARCH64
#define SCMP_ARCH_LOONGARCH64 0xc0000102U
#endif
#ifndef SCMP_ARCH_M68K
#define SCMP_ARCH_M68K 0x4U
#endif
#ifndef SCMP_ARCH_SH
#define SCMP_ARCH_SH 0x4000002aU
#endif
#ifndef SCMP_ARCH_SHEB
#define SCMP_ARCH_SHEB 0x2aU
#endif
static const NamedNumber actions[] = {
    { "SCMP_ACT_KILL", SCMP_ACT_KILL_THREAD },
    { "SCMP_ACT_KILL_PROCESS", SCMP_ACT_KILL_PROCESS },
    { "SCMP_ACT_KILL_THREAD", SCMP_ACT_KILL_THREAD },
    { "SCMP_ACT_TRAP", SCMP_ACT_TRAP },
    { "SCMP_ACT_ERRNO", SCMP_ACT_ERRNO(0) },
    { "SCMP_ACT_TRACE", SCMP_ACT_TRACE(0) },
    { "SCMP_ACT_ALLOW", SCMP_ACT_ALLOW },
    { "SCMP_ACT_LOG", SCMP_ACT_LOG },
    { "SCMP_ACT_NOTIFY", SCMP_ACT_NOTIFY },
};

static const NamedNumber operators[] = {
    { "SCMP_CMP_NE", SCMP_CMP_NE },
    { "SCMP_CMP_LT", SCMP_CMP_LT },
    { "SCMP_CMP_LE", SCMP_CMP_LE },
    { "SCMP_CMP_EQ", SCMP_CMP_EQ },
    { "SCMP_CMP_GE", SCMP_CMP_GE },
    { "SCMP_CMP_GT", SCMP_CMP_GT },
    { "SCMP_CMP_MASKED_EQ", SCMP_CMP_MASKED_EQ },
};

static const NamedNumber architectures[] = {
    { "SCMP_ARCH_X86", SCMP_ARCH_X86 },
    { "SCMP_ARCH_X86_64", SCMP_ARCH_X86_64 },
    { "SCMP_ARCH_X32", SCMP_ARCH_X32 },
    { "SCMP_ARCH_ARM", SCMP_ARCH_ARM },
    { "SCMP_ARCH_AARCH64", SCMP_ARCH_AARCH64 },
    { "SCMP_ARCH_LOONGARCH64", SCMP_ARCH_LOONGARCH64 },
    { "SCMP_ARCH_M68K", SCMP_ARCH_M68K },
    { "SCMP_ARCH_MIPS", SCMP_ARCH_MIPS },
    { "SCMP_ARCH_MIPS64", SCMP_ARCH_MIPS64 },
    { "SCMP_ARCH_MIPS64N32", SCMP_ARCH_MIPS64N32 },
    { "SCMP_ARCH_MIPSEL", SCMP_ARCH_MIPSEL },
    { "SCMP_ARCH_MIPSEL64", SCMP_ARCH_MIPSEL64 },
    { "SCMP_ARCH_MIPSEL64N32", SCMP_ARCH_MIPSEL64N32 },
    { "SCMP_ARCH_PPC", SCMP_ARCH_PPC },
    { "SCMP_ARCH_PPC64", SCMP_ARCH_PPC64 },
    { "SCMP_ARCH_PPC64LE", SCMP_ARCH_PPC64LE },
    { "SCMP_ARCH_S390", SCMP_ARCH_S390 },
    { "SCMP_ARCH_S390X", SCMP_ARCH_S390X },
    { "SCMP_ARCH_SH", SCMP_ARCH_SH },
    { "SCMP_ARCH_SHEB", SCMP_ARCH_SHEB },
    { "SCMP_ARCH_PARISC", SCMP_ARCH_PARISC },
    { "SCMP_ARCH_PARISC64", SCMP_ARCH_PARISC64 },
    { "SCMP_ARCH_RISCV64", SCMP_ARCH_RISCV64 },
};

static const NamedNumber flags[] = {
    { "SECCOMP_FILTER_FLAG_TSYNC", SECCOMP_FILTER_FLAG_TSYNC },
    { "SECCOMP_FILTER_FLAG_LOG", SECCOMP_FILTER_FLAG_LOG },
    { "SECCOMP_FILTER_FLAG_SPEC_ALLOW", SECCOMP_FILTER_FLAG_SPEC_ALLOW },
    { "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV },
};

int seccomp_action_from_name(const char *name, uint32_t *ret)
{
    return named_number_find(actions, ARRAY_SIZE(actions), name, ret);
}

int seccomp_operator_from_name(const char *name, uint32_t *ret)
{
    return named_number_find(operators, ARRAY_SIZE(operators), name, ret);
}

int seccomp_architecture_from_name(const char *name, uint32_t *ret)
{
    return named_number_find(architectures, ARRAY_SIZE(architectures), name, ret);
}

int seccomp_flag_from_name(const char *name, uint32_t *ret)
{
    return named_number_find(flags, ARRAY_SIZE(flags), name, ret);
}

void seccomp_action_names(StringList *ret)
{
    named_numbers_list(actions, ARRAY_SIZE(actions), ret);
}

void seccomp_operator_names(StringList *ret)
{
    named_numbers_list(operators, ARRAY_SIZE(operators), ret);
}

void seccomp_architecture_names(StringList *ret)
{
    named_numbers_list(architectures, ARRAY_SIZE(architectures), ret);
}

void seccomp_flag_names(StringList *ret)
{
    named_numbers_list(flags, ARRAY_SIZE(flags), ret);
}
