/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Which devices a cgroup may open and make. Rules are applied in order over "deny all", and then
 * come the devices that every container has. v1 keeps a list of exceptions in the kernel; v2 has a
 * BPF program that is generated here.
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "sandbox/cgroup-private.h"

#define ANY (-1)
#define LINE_SIZE 64
#define DEVICES_SIZE_MAX (1U << 20)
#define ACCESS_ALL (BPF_DEVCG_ACC_MKNOD | BPF_DEVCG_ACC_READ | BPF_DEVCG_ACC_WRITE)

typedef struct Rule {
    bool allow;
    char type; /* 'a', 'b', 'c' */
    int64_t major, minor;
    unsigned access; /* BPF_DEVCG_ACC_* */
} Rule;

typedef struct RuleList {
    Rule *items;
    size_t count;
    size_t capacity;
} RuleList;

static void rule_list_done(RuleList *list)
{
    free(list->items);
}

static void rule_list_add(RuleList *list, Rule rule)
{
    list->items = memory_grow(list->items, &list->capacity, list->count + 1, sizeof(Rule));
    list->items[list->count++] = rule;
}

/* Making a node gives no access to it, and programs that unpack archives make them. */
static const Rule default_rules[] = {
    { true, 'c', ANY, ANY, BPF_DEVCG_ACC_MKNOD },
    { true, 'b', ANY, ANY, BPF_DEVCG_ACC_MKNOD },
    { true, 'c', 1, 3, ACCESS_ALL },     /* null */
    { true, 'c', 1, 5, ACCESS_ALL },     /* zero */
    { true, 'c', 1, 7, ACCESS_ALL },     /* full */
    { true, 'c', 1, 8, ACCESS_ALL },     /* random */
    { true, 'c', 1, 9, ACCESS_ALL },     /* urandom */
    { true, 'c', 5, 0, ACCESS_ALL },     /* tty */
    { true, 'c', 5, 2, ACCESS_ALL },     /* ptmx */
    { true, 'c', 136, ANY, ACCESS_ALL }, /* pts */
};

static unsigned parse_access(const char *text)
{
    unsigned access = 0;

    if (!text || !*text)
        return ACCESS_ALL;
    access |= strchr(text, 'r') ? BPF_DEVCG_ACC_READ : 0;
    access |= strchr(text, 'w') ? BPF_DEVCG_ACC_WRITE : 0;
    access |= strchr(text, 'm') ? BPF_DEVCG_ACC_MKNOD : 0;
    return access;
}

static Rule parse_rule(const LinuxDeviceRule *rule)
{
    return (Rule) {
        .allow = rule->allow,
        .type = rule->type ? rule->type[0] : 'a',
        .major = rule->major.is_set ? rule->major.value : ANY,
        .minor = rule->minor.is_set ? rule->minor.value : ANY,
        .access = parse_access(rule->access),
    };
}

static bool is_everything(const Rule *rule)
{
    return rule->type == 'a' && rule->major == ANY && rule->minor == ANY &&
           rule->access == ACCESS_ALL;
}

/*
 * v1: the kernel holds one default and a list of exceptions to it. Rules are folded into that form
 * first; then each exception is one write.
 */

typedef struct Exceptions {
    bool allow_all; /* the default; exceptions say the contrary */
    RuleList list;
} Exceptions;

static void exceptions_done(Exceptions *exceptions)
{
    rule_list_done(&exceptions->list);
}

static bool number_covers(int64_t a, int64_t b)
{
    return a == ANY || a == b;
}

static bool number_overlaps(int64_t a, int64_t b)
{
    return a == ANY || b == ANY || a == b;
}

/* Take a rule that agrees with the default back out of the exceptions. */
static int withdraw(Exceptions *exceptions, const Rule *rule)
{
    for (size_t i = 0; i < exceptions->list.count; i++) {
        Rule *other = &exceptions->list.items[i];

        if (rule->type != other->type || !(rule->access & other->access) ||
            !number_overlaps(rule->major, other->major) ||
            !number_overlaps(rule->minor, other->minor))
            continue;
        /* The kernel's list has no exceptions to exceptions. */
        if (!number_covers(rule->major, other->major) || !number_covers(rule->minor, other->minor))
            return -EOPNOTSUPP;
        other->access &= ~rule->access;
    }
    return 0;
}

static int fold_rule(Exceptions *exceptions, Rule rule)
{
    static const char types[] = { 'b', 'c' };

    if (is_everything(&rule)) {
        exceptions->allow_all = rule.allow;
        exceptions->list.count = 0;
        return 0;
    }
    /* To the kernel, 'a' means everything, whatever numbers and access go with it. */
    for (size_t i = 0; i < sizeof(types); i++) {
        Rule single = rule;
        int r;

        if (rule.type != 'a' && rule.type != types[i])
            continue;
        single.type = types[i];
        if (single.allow == exceptions->allow_all) {
            r = withdraw(exceptions, &single);
            if (r < 0)
                return r;
        } else {
            rule_list_add(&exceptions->list, single);
        }
    }
    return 0;
}

static int fold_rules(const RuleList *rules, Exceptions *ret, Rule *ret_refused)
{
    for (size_t i = 0; i < rules->count; i++) {
        int r = fold_rule(ret, rules->items[i]);

        if (r < 0) {
            *ret_refused = rules->items[i];
            return r;
        }
    }
    return 0;
}

static void format_number(int64_t number, char text[static 16])
{
    if (number == ANY)
        (void)snprintf(text, 16, "*");
    else
        (void)snprintf(text, 16, "%u", (unsigned)number);
}

/* "c 1:3 rwm" */
static void format_rule(const Rule *rule, char text[static LINE_SIZE])
{
    char major[16], minor[16];

    format_number(rule->major, major);
    format_number(rule->minor, minor);
    (void)snprintf(text, LINE_SIZE, "%c %s:%s %s%s%s", rule->type, major, minor,
                   rule->access & BPF_DEVCG_ACC_READ ? "r" : "",
                   rule->access & BPF_DEVCG_ACC_WRITE ? "w" : "",
                   rule->access & BPF_DEVCG_ACC_MKNOD ? "m" : "");
}

static int write_exceptions(const CgroupHierarchy *hierarchy, const Exceptions *exceptions,
                            Error *err)
{
    const char *file = exceptions->allow_all ? "devices.deny" : "devices.allow";
    _cleanup_close_ int fd = openat(hierarchy->fd, file, O_WRONLY | O_CLOEXEC);
    int r;

    if (fd < 0)
        return error_errno(err, "open %s", file);
    r = file_poke_at(hierarchy->fd, exceptions->allow_all ? "devices.allow" : "devices.deny", "a");
    if (r < 0)
        return error_result(err, r, "reset the devices of the cgroup");
    for (size_t i = 0; i < exceptions->list.count; i++) {
        char line[LINE_SIZE];

        if (exceptions->list.items[i].access == 0)
            continue;
        format_rule(&exceptions->list.items[i], line);
        if (write(fd, line, strlen(line)) < 0)
            return error_errno(err, "limit 'devices': write '%s' to %s", line, file);
    }
    return 0;
}

static int apply_v1(const CgroupHierarchy *hierarchy, const RuleList *rules, Error *err)
{
    _cleanup_(exceptions_done) Exceptions exceptions = {};
    Rule refused;

    if (fold_rules(rules, &exceptions, &refused) < 0) {
        char line[LINE_SIZE];

        format_rule(&refused, line);
        return error_set(err, ERROR_UNSUPPORTED,
                         "limit 'devices': cgroup v1 cannot make '%s' an exception from a wider "
                         "rule: list what is allowed instead",
                         line);
    }
    return write_exceptions(hierarchy, &exceptions, err);
}

/*
 * v2: one BPF program. From the last rule to the first: what a rule allows is taken off what is
 * asked for, and once nothing is left, the answer is yes; if it denies any of that, it is no.
 */

/* Registers of the program. R1 comes with the context, R0 goes out with the answer. */
enum { ACCESS = BPF_REG_2, TYPE = BPF_REG_3, MAJOR = BPF_REG_4, MINOR = BPF_REG_5 };

#define RULE_INSTRUCTIONS_MAX 7
#define PROGRAM_OVERHEAD 8

typedef struct Program {
    struct bpf_insn *items; /* room for all rules */
    size_t count;
} Program;

static void program_done(Program *program)
{
    free(program->items);
}

static void emit(Program *program, struct bpf_insn instruction)
{
    program->items[program->count++] = instruction;
}

static struct bpf_insn load_word(unsigned target, size_t offset)
{
    return (struct bpf_insn) { .code = BPF_LDX | BPF_MEM | BPF_W,
                               .dst_reg = target & 0xf,
                               .src_reg = BPF_REG_1,
                               .off = (int16_t)offset };
}

static struct bpf_insn operate(unsigned operation, unsigned target, int64_t value)
{
    return (struct bpf_insn) { .code = (uint8_t)(BPF_ALU | BPF_K | operation),
                               .dst_reg = target & 0xf,
                               .imm = (int32_t)(uint32_t)value };
}

static struct bpf_insn jump(unsigned condition, unsigned target, int64_t value, int distance)
{
    return (struct bpf_insn) { .code = (uint8_t)(BPF_JMP32 | BPF_K | condition),
                               .dst_reg = target & 0xf,
                               .imm = (int32_t)(uint32_t)value,
                               .off = (int16_t)distance };
}

static void emit_answer(Program *program, bool allow)
{
    emit(program, operate(BPF_MOV, BPF_REG_0, allow));
    emit(program, (struct bpf_insn) { .code = BPF_JMP | BPF_EXIT });
}

static void emit_rule(Program *program, const Rule *rule)
{
    size_t start = program->count;

    /* Each comparison that fails goes to the next rule: patched below, once its place is known. */
    if (rule->type != 'a')
        emit(program,
             jump(BPF_JNE, TYPE, rule->type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR, 0));
    if (rule->major != ANY)
        emit(program, jump(BPF_JNE, MAJOR, rule->major, 0));
    if (rule->minor != ANY)
        emit(program, jump(BPF_JNE, MINOR, rule->minor, 0));
    if (rule->allow) {
        emit(program, operate(BPF_AND, ACCESS, ~(int64_t)rule->access));
        emit(program, jump(BPF_JNE, ACCESS, 0, 0));
    } else {
        emit(program, jump(BPF_JSET, ACCESS, rule->access, 1));
        emit(program, (struct bpf_insn) { .code = BPF_JMP | BPF_JA });
    }
    for (size_t i = start; i < program->count; i++) {
        struct bpf_insn *instruction = &program->items[i];
        bool is_jump = BPF_CLASS(instruction->code) != BPF_ALU;

        if (is_jump && instruction->off == 0)
            instruction->off = (int16_t)(program->count + 2 - i - 1);
    }
    emit_answer(program, rule->allow);
}

static void generate(const RuleList *rules, Program *program)
{
    program->items =
        NEW_ARRAY(struct bpf_insn, rules->count * RULE_INSTRUCTIONS_MAX + PROGRAM_OVERHEAD);
    emit(program, load_word(ACCESS, offsetof(struct bpf_cgroup_dev_ctx, access_type)));
    emit(program, load_word(MAJOR, offsetof(struct bpf_cgroup_dev_ctx, major)));
    emit(program, load_word(MINOR, offsetof(struct bpf_cgroup_dev_ctx, minor)));
    /* The type is in the low half, the access in the high one. */
    emit(program, (struct bpf_insn) {
                      .code = BPF_ALU | BPF_MOV | BPF_X, .dst_reg = TYPE, .src_reg = ACCESS });
    emit(program, operate(BPF_AND, TYPE, 0xffff));
    emit(program, operate(BPF_RSH, ACCESS, 16));
    for (size_t i = rules->count; i > 0; i--)
        emit_rule(program, &rules->items[i - 1]);
    emit_answer(program, false);
}

static int bpf(int command, union bpf_attr *attributes)
{
    return (int)syscall(SYS_bpf, command, attributes, sizeof(*attributes));
}

static int load_program(const Program *program)
{
    union bpf_attr attributes;

    memset(&attributes, 0, sizeof(attributes)); /* the kernel wants what is unused to be zero */
    attributes.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
    attributes.insns = (uintptr_t)program->items;
    attributes.insn_cnt = (uint32_t)program->count;
    attributes.license = (uintptr_t) "Apache-2.0";
    return bpf(BPF_PROG_LOAD, &attributes) /* close-on-exec */;
}

#define ATTACHED_MAX 64 /* the kernel's own limit for one cgroup */

/* The programs of this kind that are attached already. */
static int query_programs(int cgroup_fd, uint32_t ret_ids[static ATTACHED_MAX], uint32_t *ret_count)
{
    union bpf_attr attributes;

    memset(&attributes, 0, sizeof(attributes));
    attributes.query.target_fd = (uint32_t)cgroup_fd;
    attributes.query.attach_type = BPF_CGROUP_DEVICE;
    attributes.query.prog_ids = (uintptr_t)ret_ids;
    attributes.query.prog_cnt = ATTACHED_MAX;
    if (bpf(BPF_PROG_QUERY, &attributes) < 0)
        return -errno;
    *ret_count = attributes.query.prog_cnt;
    return 0;
}

static int detach_program(int cgroup_fd, uint32_t id)
{
    _cleanup_close_ int fd = -EBADF;
    union bpf_attr attributes;

    memset(&attributes, 0, sizeof(attributes));
    attributes.prog_id = id;
    fd = bpf(BPF_PROG_GET_FD_BY_ID, &attributes);
    if (fd < 0)
        return errno == ENOENT ? 0 : -errno;
    memset(&attributes, 0, sizeof(attributes));
    attributes.target_fd = (uint32_t)cgroup_fd;
    attributes.attach_bpf_fd = (uint32_t)fd;
    attributes.attach_type = BPF_CGROUP_DEVICE;
    return bpf(BPF_PROG_DETACH, &attributes) < 0 ? -errno : 0;
}

static int attach_program(int cgroup_fd, int program_fd)
{
    union bpf_attr attributes;

    memset(&attributes, 0, sizeof(attributes));
    attributes.target_fd = (uint32_t)cgroup_fd;
    attributes.attach_bpf_fd = (uint32_t)program_fd;
    attributes.attach_type = BPF_CGROUP_DEVICE;
    attributes.attach_flags = BPF_F_ALLOW_MULTI; /* programs of parents and children count too */
    return bpf(BPF_PROG_ATTACH, &attributes) < 0 ? -errno : 0;
}

static int apply_v2(const CgroupHierarchy *hierarchy, const RuleList *rules, Error *err)
{
    _cleanup_(program_done) Program program = {};
    _cleanup_close_ int fd = -EBADF;
    uint32_t old[ATTACHED_MAX], n_old = 0;
    int r;

    generate(rules, &program);
    fd = load_program(&program);
    if (fd < 0 && (errno == EINVAL || errno == ENOSYS))
        return error_set(err, ERROR_UNSUPPORTED,
                         "limit 'devices': this kernel has no BPF programs for cgroup devices");
    if (fd < 0)
        return error_errno(err, "limit 'devices': load the BPF program");
    r = query_programs(hierarchy->fd, old, &n_old);
    if (r < 0)
        return error_result(err, r, "limit 'devices': look for BPF programs");
    r = attach_program(hierarchy->fd, fd);
    if (r < 0)
        return error_result(err, r, "limit 'devices': attach the BPF program");
    /* While both are attached, both must agree: a change never opens more than old or new. */
    for (uint32_t i = 0; i < n_old; i++) {
        r = detach_program(hierarchy->fd, old[i]);
        if (r < 0)
            return error_result(err, r, "limit 'devices': detach the old BPF program");
    }
    return 0;
}

static void list_rules(const LinuxDeviceRules *rules, RuleList *ret)
{
    for (size_t i = 0; rules && i < rules->count; i++)
        rule_list_add(ret, parse_rule(&rules->items[i]));
    for (size_t i = 0; i < ARRAY_SIZE(default_rules); i++)
        rule_list_add(ret, default_rules[i]);
}

/* systemd's name for all devices of a major number: "char-pts". NULL where the kernel has none. */
static char *device_group(const char *devices, char type, int64_t major)
{
    const char *line = strstr(devices, type == 'b' ? "Block devices:" : "Character devices:");

    while (line && (line = strchr(line, '\n')) && line[1] != '\n' && line[1] != '\0') {
        char *name;

        line++;
        if (strtoll(line, &name, 10) == major && *name == ' ')
            return memory_printf("%s-%.*s", type == 'b' ? "block" : "char",
                                 (int)strcspn(name + 1, "\n"), name + 1);
    }
    return NULL;
}

/* False where systemd has no words for it. */
static bool list_device(const Rule *rule, const char *devices, StringList *ret)
{
    const char *kind = rule->type == 'b' ? "block" : "char";
    char *group;

    if (rule->major == ANY && rule->minor != ANY)
        return false;
    if (rule->major == ANY) {
        string_list_printf(ret, "%s-*", kind);
    } else if (rule->minor == ANY) {
        group = device_group(devices, rule->type, rule->major);
        if (!group)
            return false;
        string_list_take(ret, group);
    } else {
        string_list_printf(ret, "/dev/%s/%lld:%lld", kind, (long long)rule->major,
                           (long long)rule->minor);
    }
    return true;
}

bool cgroup_devices_list(const LinuxDeviceRules *rules, StringList *ret_devices,
                         StringList *ret_access)
{
    _cleanup_close_ int fd = open("/proc/devices", O_RDONLY | O_CLOEXEC);
    _cleanup_(exceptions_done) Exceptions exceptions = {};
    _cleanup_(rule_list_done) RuleList list = {};
    _cleanup_free_ char *devices = NULL;
    Rule refused;

    list_rules(rules, &list);
    if (fold_rules(&list, &exceptions, &refused) < 0 || exceptions.allow_all || fd < 0 ||
        fd_read_all(fd, DEVICES_SIZE_MAX, &devices, NULL) < 0)
        return false;
    for (size_t i = 0; i < exceptions.list.count; i++) {
        const Rule *rule = &exceptions.list.items[i];

        if (rule->access == 0)
            continue;
        if (!list_device(rule, devices, ret_devices))
            return false;
        string_list_printf(ret_access, "%s%s%s", rule->access & BPF_DEVCG_ACC_READ ? "r" : "",
                           rule->access & BPF_DEVCG_ACC_WRITE ? "w" : "",
                           rule->access & BPF_DEVCG_ACC_MKNOD ? "m" : "");
    }
    return true;
}

int cgroup_devices_apply(Cgroup *cgroup, const LinuxDeviceRules *rules, Error *err)
{
    const CgroupHierarchy *v1 = cgroup_find_controller(cgroup, CGROUP_DEVICES);
    const CgroupHierarchy *v2 = cgroup_unified(cgroup);
    _cleanup_(rule_list_done) RuleList list = {};
    _cleanup_error_ Error problem = {};
    int r;

    list_rules(rules, &list);
    if (v1)
        r = apply_v1(v1, &list, &problem);
    else if (v2)
        r = apply_v2(v2, &list, &problem);
    else
        r = error_set(&problem, ERROR_UNSUPPORTED,
                      "limit 'devices': this host has no cgroup controller 'devices'");
    /*
     * Who has no privileges can limit nothing here, and a container in a user namespace cannot make
     * nodes, nor open those of the host that its user may not.
     */
    if (r == 0 || ((cgroup_is_denial(r) || (!v1 && !v2)) && cgroup_is_unprivileged()))
        return 0;
    error_move(err, &problem);
    return r;
}
