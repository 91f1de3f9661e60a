/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The floor: what one container costs when nothing is done but asking the kernel for it. It is the
 * measure for `cay run --rm --network none IMAGE PROGRAM`, not a way to run anything.
 *
 *     floor [--state DIR] [--seccomp FILE] LAYER_DIR... -- PROGRAM [ARGUMENT...]
 *
 * The topmost layer comes first. DIR (default /var/tmp) takes the container's directory. FILE is an
 * array of struct sock_filter, as `cay` keeps them compiled.
 *
 * It makes: the container's directory with upper, work, hosts, hostname and resolv.conf; an overlay
 * of the layers; a cgroup in every hierarchy, with a pids limit and Docker's device rules (version
 * 1 only: on version 2 those are a BPF program); pid, mount, ipc, uts, net and cgroup namespaces
 * with the loopback link up and a host name; proc, sysfs, tmpfs on /dev with its nodes and links,
 * devpts, mqueue, shm, the cgroup hierarchies, the three files; Docker's masked and read-only
 * paths; the seccomp filter. Then it executes the program, waits, and deletes cgroups and
 * directory.
 *
 * It does not: parse or write JSON, keep state, look up an image or a user, resolve any path
 * safely, drop capabilities, report progress, supervise, or survive being killed. All input is
 * trusted. The child borrows its parent's memory (CLONE_VM | CLONE_VFORK), and everything is asked
 * for once, in the cheapest known way.
 */

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define CGROUP_ROOT "/sys/fs/cgroup"
#define DEFAULT_STATE "/var/tmp"
#define CHILD_STACK_SIZE (64 * 1024)
#define MAX_FILTERS 4096
#define EXIT_SETUP 125

typedef struct Hierarchy {
    const char *name;  /* below CGROUP_ROOT */
    const char *type;  /* for mount(2) in the container */
    const char *data;  /* the same */
    const char *tasks; /* what a process writes itself into; NULL: joined by clone3(2) */
    int fd;            /* the container's cgroup, -1 where the host has no such hierarchy */
    int tasks_fd;
} Hierarchy;

/*
 * Version 1 is joined through "tasks" by the child itself. Every other way moves a whole process,
 * for which the kernel waits 10 ms until no process forks, unless that was done just before.
 */
static Hierarchy hierarchies[] = {
    { "cpu", "cgroup", "cpu", "tasks", -1, -1 },
    { "cpuacct", "cgroup", "cpuacct", "tasks", -1, -1 },
    { "cpuset", "cgroup", "cpuset", "tasks", -1, -1 },
    { "memory", "cgroup", "memory", "tasks", -1, -1 },
    { "devices", "cgroup", "devices", "tasks", -1, -1 },
    { "freezer", "cgroup", "freezer", "tasks", -1, -1 },
    { "blkio", "cgroup", "blkio", "tasks", -1, -1 },
    { "pids", "cgroup", "pids", "tasks", -1, -1 },
    { "systemd", "cgroup", "none,name=systemd", "tasks", -1, -1 },
    { "unified", "cgroup2", NULL, NULL, -1, -1 },
    { ".", "cgroup2", NULL, NULL, -1, -1 }, /* a host with version 2 alone */
};

/* Written to every hierarchy that has the file. */
static const struct {
    const char *file;
    const char *value;
} limits[] = {
    { "pids.max", "4096" },           { "devices.deny", "a" },
    { "devices.allow", "c *:* m" },   { "devices.allow", "b *:* m" },
    { "devices.allow", "c 1:3 rwm" }, { "devices.allow", "c 1:5 rwm" },
    { "devices.allow", "c 1:7 rwm" }, { "devices.allow", "c 1:8 rwm" },
    { "devices.allow", "c 1:9 rwm" }, { "devices.allow", "c 5:0 rwm" },
    { "devices.allow", "c 5:2 rwm" }, { "devices.allow", "c 136:* rwm" },
};

/* A new cpuset of version 1 is empty: no process may enter until it has its parent's. */
static const char *const inherited_files[] = { "cpuset.cpus", "cpuset.mems" };

static const struct {
    const char *type;
    const char *target;
    unsigned long flags;
    const char *data;
} mounts[] = {
    { "proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL },
    { "tmpfs", "dev", MS_NOSUID | MS_STRICTATIME, "mode=755,size=65536k" },
    { "devpts", "dev/pts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0620,gid=5" },
    { "mqueue", "dev/mqueue", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL },
    { "tmpfs", "dev/shm", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=1777,size=65536k" },
    { "sysfs", "sys", MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY, NULL },
    { "tmpfs", "sys/fs/cgroup", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=755" },
};

static const struct {
    const char *path;
    unsigned major_number;
    unsigned minor_number;
} devices[] = {
    { "dev/null", 1, 3 },   { "dev/zero", 1, 5 },    { "dev/full", 1, 7 },
    { "dev/random", 1, 8 }, { "dev/urandom", 1, 9 }, { "dev/tty", 5, 0 },
};

static const struct {
    const char *path;
    const char *target;
} links[] = {
    { "dev/fd", "/proc/self/fd" },       { "dev/stdin", "/proc/self/fd/0" },
    { "dev/stdout", "/proc/self/fd/1" }, { "dev/stderr", "/proc/self/fd/2" },
    { "dev/core", "/proc/kcore" },       { "dev/ptmx", "pts/ptmx" },
};

static const char *const masked_paths[] = {
    "proc/asound",      "proc/acpi",          "proc/interrupts", "proc/kcore",
    "proc/keys",        "proc/latency_stats", "proc/timer_list", "proc/timer_stats",
    "proc/sched_debug", "proc/scsi",          "sys/firmware",    "sys/devices/virtual/powercap",
};

static const char *const read_only_paths[] = { "proc/bus", "proc/fs", "proc/irq", "proc/sys",
                                               "proc/sysrq-trigger" };

/* Written to the container's directory, bound over the file in /etc. */
static const struct {
    const char *name;
    const char *target;
    const char *text;
} files[] = {
    { "hostname", "etc/hostname", "floor\n" },
    { "hosts", "etc/hosts", "127.0.0.1 localhost\n127.0.1.1 floor\n" },
    { "resolv.conf", "etc/resolv.conf", "nameserver 127.0.0.1\n" },
};

typedef struct Floor {
    char name[32];       /* of the cgroups and of the directory */
    char directory[256]; /* absolute */
    int directory_fd;
    int root_fd; /* the overlay */
    char **layers;
    char **program;
    struct sock_fprog filter;
    const char *failed; /* the step, shared by both processes; NULL: none */
    int errnum;
} Floor;

static int fail(Floor *floor, const char *step)
{
    floor->failed = step;
    floor->errnum = errno;
    return -1;
}

static int write_file(int dir_fd, const char *name, int flags, const char *text, size_t size)
{
    int fd = openat(dir_fd, name, O_WRONLY | O_CLOEXEC | flags, 0644);
    if (fd < 0)
        return -1;

    ssize_t written = write(fd, text, size);
    (void)close(fd);
    return written == (ssize_t)size ? 0 : -1;
}

static int make_directory(Floor *floor, const char *state)
{
    (void)snprintf(floor->name, sizeof(floor->name), "floor-%d", (int)getpid());
    (void)snprintf(floor->directory, sizeof(floor->directory), "%s/%s", state, floor->name);
    if (mkdir(floor->directory, 0700) < 0)
        return fail(floor, "make the container's directory");
    floor->directory_fd = open(floor->directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (floor->directory_fd < 0)
        return fail(floor, "open the container's directory");

    if (mkdirat(floor->directory_fd, "upper", 0755) < 0 ||
        mkdirat(floor->directory_fd, "work", 0700) < 0)
        return fail(floor, "make upper and work");
    for (size_t i = 0; i < COUNT(files); i++) {
        if (write_file(floor->directory_fd, files[i].name, O_CREAT, files[i].text,
                       strlen(files[i].text)) < 0)
            return fail(floor, files[i].name);
    }
    return 0;
}

static int configure_overlay(Floor *floor, int fs_fd)
{
    char path[300];

    for (char **layer = floor->layers; *layer; layer++) {
        if (fsconfig(fs_fd, FSCONFIG_SET_STRING, "lowerdir+", *layer, 0) < 0)
            return -1;
    }
    (void)snprintf(path, sizeof(path), "%s/upper", floor->directory);
    if (fsconfig(fs_fd, FSCONFIG_SET_STRING, "upperdir", path, 0) < 0)
        return -1;
    (void)snprintf(path, sizeof(path), "%s/work", floor->directory);
    if (fsconfig(fs_fd, FSCONFIG_SET_STRING, "workdir", path, 0) < 0 ||
        fsconfig(fs_fd, FSCONFIG_SET_FLAG, "volatile", NULL, 0) < 0)
        return -1;
    return fsconfig(fs_fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
}

static int make_overlay(Floor *floor)
{
    int fs_fd = fsopen("overlay", FSOPEN_CLOEXEC);
    if (fs_fd < 0)
        return fail(floor, "open an overlay");
    if (configure_overlay(floor, fs_fd) < 0)
        return fail(floor, "mount the overlay (needs Linux 6.5)");

    floor->root_fd = fsmount(fs_fd, FSMOUNT_CLOEXEC, 0);
    (void)close(fs_fd);
    return floor->root_fd < 0 ? fail(floor, "mount the overlay") : 0;
}

static int inherit_file(int fd, const char *name)
{
    char parent[64], text[256];

    (void)snprintf(parent, sizeof(parent), "../%s", name);
    int parent_fd = openat(fd, parent, O_RDONLY | O_CLOEXEC);
    if (parent_fd < 0)
        return errno == ENOENT ? 0 : -1;
    ssize_t size = read(parent_fd, text, sizeof(text));
    (void)close(parent_fd);
    return size < 0 ? -1 : write_file(fd, name, 0, text, (size_t)size);
}

static int make_cgroup(const Floor *floor, Hierarchy *hierarchy)
{
    char path[128];

    (void)snprintf(path, sizeof(path), CGROUP_ROOT "/%s/%s", hierarchy->name, floor->name);
    if (mkdir(path, 0755) < 0)
        return errno == ENOENT || errno == EEXIST ? 0 : -1; /* no such one, or an alias */
    hierarchy->fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (hierarchy->fd < 0)
        return -1;
    if (!hierarchy->tasks)
        return 0;
    hierarchy->tasks_fd = openat(hierarchy->fd, hierarchy->tasks, O_WRONLY | O_CLOEXEC);
    return hierarchy->tasks_fd < 0 ? -1 : 0;
}

/* Is the hierarchy @name one that this host mounts? Else its name would be made in a tmpfs. */
static bool hierarchy_exists(const char *name)
{
    char path[64];

    (void)snprintf(path, sizeof(path), CGROUP_ROOT "/%s/cgroup.procs", name);
    return access(path, F_OK) == 0;
}

static int make_cgroups(Floor *floor)
{
    for (size_t i = 0; i < COUNT(hierarchies); i++) {
        Hierarchy *hierarchy = &hierarchies[i];

        if (!hierarchy_exists(hierarchy->name))
            continue;
        if (make_cgroup(floor, hierarchy) < 0)
            return fail(floor, "make a cgroup");
        for (size_t j = 0; strcmp(hierarchy->name, "cpuset") == 0 && j < COUNT(inherited_files);
             j++) {
            if (inherit_file(hierarchy->fd, inherited_files[j]) < 0)
                return fail(floor, "fill the cpuset");
        }
        for (size_t j = 0; j < COUNT(limits); j++) {
            /* the name of a limit begins with its hierarchy's: no call for the others */
            if (strncmp(limits[j].file, hierarchy->name, strlen(hierarchy->name)) == 0 &&
                write_file(hierarchy->fd, limits[j].file, 0, limits[j].value,
                           strlen(limits[j].value)) < 0)
                return fail(floor, "limit the cgroup");
        }
    }
    return 0;
}

static int bind_read_only(const char *path)
{
    if (mount(path, path, NULL, MS_BIND, NULL) < 0)
        return errno == ENOENT ? 0 : -1;
    return mount(NULL, path, NULL,
                 MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
}

static int mask(const char *path)
{
    if (mount("dev/null", path, NULL, MS_BIND, NULL) == 0 || errno == ENOENT)
        return 0;
    return errno == ENOTDIR ? mount("tmpfs", path, "tmpfs", MS_RDONLY, "nr_blocks=1,nr_inodes=1")
                            : -1;
}

static int mount_cgroups(Floor *floor)
{
    char target[64];

    for (size_t i = 0; i < COUNT(hierarchies); i++) {
        const Hierarchy *hierarchy = &hierarchies[i];

        if (hierarchy->fd < 0)
            continue;
        (void)snprintf(target, sizeof(target), "sys/fs/cgroup/%s", hierarchy->name);
        if (mkdir(target, 0755) < 0 && errno != EEXIST)
            return fail(floor, target);
        if (mount("cgroup", target, hierarchy->type, MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY,
                  hierarchy->data) < 0)
            return fail(floor, "mount a cgroup hierarchy");
    }
    return 0;
}

static int bind_files(Floor *floor)
{
    char source[300];

    if (mkdir("etc", 0755) < 0 && errno != EEXIST)
        return fail(floor, "etc");
    for (size_t i = 0; i < COUNT(files); i++) {
        (void)snprintf(source, sizeof(source), "%s/%s", floor->directory, files[i].name);
        if (mknod(files[i].target, S_IFREG | 0644, 0) < 0 && errno != EEXIST)
            return fail(floor, files[i].target);
        if (mount(source, files[i].target, NULL, MS_BIND, NULL) < 0)
            return fail(floor, files[i].target);
    }
    return 0;
}

/* All paths are relative to the new root, which is the working directory. */
static int fill_root(Floor *floor)
{
    (void)umask(0);
    for (size_t i = 0; i < COUNT(mounts); i++) {
        if (mkdir(mounts[i].target, 0755) < 0 && errno != EEXIST)
            return fail(floor, mounts[i].target);
        if (mount(mounts[i].type, mounts[i].target, mounts[i].type, mounts[i].flags,
                  mounts[i].data) < 0)
            return fail(floor, mounts[i].target);
    }
    if (mount_cgroups(floor) < 0)
        return -1;
    for (size_t i = 0; i < COUNT(devices); i++) {
        if (mknod(devices[i].path, S_IFCHR | 0666,
                  makedev(devices[i].major_number, devices[i].minor_number)) < 0)
            return fail(floor, devices[i].path);
    }
    for (size_t i = 0; i < COUNT(links); i++) {
        if (symlink(links[i].target, links[i].path) < 0)
            return fail(floor, links[i].path);
    }
    if (bind_files(floor) < 0)
        return -1;
    for (size_t i = 0; i < COUNT(masked_paths); i++) {
        if (mask(masked_paths[i]) < 0)
            return fail(floor, masked_paths[i]);
    }
    for (size_t i = 0; i < COUNT(read_only_paths); i++) {
        if (bind_read_only(read_only_paths[i]) < 0)
            return fail(floor, read_only_paths[i]);
    }
    return 0;
}

static int raise_loopback(void)
{
    struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP };

    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    int r = ioctl(fd, SIOCSIFFLAGS, &request);
    (void)close(fd);
    return r;
}

static int enter_root(Floor *floor)
{
    char place[300];

    /* any directory but the one whose files are bound later, which must stay in sight */
    (void)snprintf(place, sizeof(place), "%s/upper", floor->directory);
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        return fail(floor, "make mounts private");
    if (move_mount(floor->root_fd, "", AT_FDCWD, place, MOVE_MOUNT_F_EMPTY_PATH) < 0 ||
        chdir(place) < 0)
        return fail(floor, "place the root");
    return 0;
}

static int leave_host(Floor *floor)
{
    if (syscall(SYS_pivot_root, ".", ".") < 0 || umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
        return fail(floor, "leave the host's root");
    return 0;
}

static int join_cgroups(Floor *floor)
{
    for (size_t i = 0; i < COUNT(hierarchies); i++) {
        if (hierarchies[i].tasks_fd >= 0 && write(hierarchies[i].tasks_fd, "0", 1) < 0)
            return fail(floor, "join a cgroup");
    }
    /* only now, so that the namespace's root is the container's cgroup */
    if (unshare(CLONE_NEWCGROUP) < 0)
        return fail(floor, "make a cgroup namespace");
    return 0;
}

static void execute(Floor *floor)
{
    static const char *const directories[] = { "/bin", "/usr/bin" };
    char *const environment[] = { (char *)"PATH=/usr/bin:/bin", NULL };
    char path[256];

    if (strchr(floor->program[0], '/'))
        (void)execve(floor->program[0], floor->program, environment);
    for (size_t i = 0; i < COUNT(directories); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", directories[i], floor->program[0]);
        (void)execve(path, floor->program, environment);
    }
    (void)fail(floor, "execute the program");
}

static void child_run(Floor *floor)
{
    if (join_cgroups(floor) < 0 || enter_root(floor) < 0 || fill_root(floor) < 0 ||
        leave_host(floor) < 0)
        _exit(EXIT_SETUP);
    if (sethostname("floor", sizeof("floor") - 1) < 0 || raise_loopback() < 0) {
        (void)fail(floor, "set up the network namespace");
        _exit(EXIT_SETUP);
    }
    if (floor->filter.len > 0 &&
        syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &floor->filter) < 0) {
        (void)fail(floor, "install the seccomp filter");
        _exit(EXIT_SETUP);
    }
    execute(floor);
    _exit(EXIT_SETUP);
}

/*
 * clone3(2) whose child calls @function on a stack of its own, as it must when it borrows our
 * memory; glibc has no wrapper. The child never returns.
 */
static long clone3_call(struct clone_args *arguments, void (*function)(Floor *), Floor *floor)
{
#if defined(__x86_64__)
    long r;

    __asm__ volatile("syscall\n\t"
                     "test %%rax, %%rax\n\t"
                     "jnz 1f\n\t"
                     "xor %%ebp, %%ebp\n\t"
                     "mov %[floor], %%rdi\n\t"
                     "call *%[function]\n\t"
                     "1:"
                     : "=a"(r)
                     : "a"(SYS_clone3), "D"(arguments),
                       "S"(sizeof(*arguments)), [function] "r"(function), [floor] "r"(floor)
                     : "rcx", "r11", "memory");
    return r;
#elif defined(__aarch64__)
    register long x0 __asm__("x0") = (long)arguments;
    register long x1 __asm__("x1") = sizeof(*arguments);
    register long x8 __asm__("x8") = SYS_clone3;

    __asm__ volatile("svc #0\n\t"
                     "cbnz x0, 1f\n\t"
                     "mov x29, #0\n\t"
                     "mov x0, %[floor]\n\t"
                     "blr %[function]\n\t"
                     "1:"
                     : "+r"(x0)
                     : "r"(x1), "r"(x8), [function] "r"(function), [floor] "r"(floor)
                     : "memory");
    return x0;
#else
#error "clone3_call() is written for x86_64 and aarch64"
#endif
}

static int run_child(Floor *floor, int *ret_status)
{
    static char stack[CHILD_STACK_SIZE] __attribute__((aligned(16)));
    struct clone_args arguments = {
        .flags = CLONE_VM | CLONE_VFORK | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS |
                 CLONE_NEWNET,
        .exit_signal = SIGCHLD,
        .stack = (uintptr_t)stack,
        .stack_size = sizeof(stack),
    };

    for (size_t i = 0; i < COUNT(hierarchies); i++) {
        if (hierarchies[i].fd >= 0 && !hierarchies[i].tasks) {
            arguments.flags |= CLONE_INTO_CGROUP;
            arguments.cgroup = (uint64_t)hierarchies[i].fd;
        }
    }

    long pid = clone3_call(&arguments, child_run, floor);
    if (pid < 0) {
        errno = (int)-pid;
        return fail(floor, "make the namespaces");
    }
    if (waitpid((pid_t)pid, ret_status, 0) < 0)
        return fail(floor, "wait for the program");
    return 0;
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *position)
{
    (void)status;
    (void)position;
    return type == FTW_DP || type == FTW_DNR ? rmdir(path) : unlink(path);
}

static void clean_up(Floor *floor)
{
    char path[128];

    for (size_t i = 0; i < COUNT(hierarchies); i++) {
        if (hierarchies[i].fd < 0)
            continue;
        (void)snprintf(path, sizeof(path), CGROUP_ROOT "/%s/%s", hierarchies[i].name, floor->name);
        if (rmdir(path) < 0)
            perror(path);
    }
    if (floor->root_fd >= 0)
        (void)close(floor->root_fd);
    if (floor->directory_fd >= 0 && nftw(floor->directory, remove_entry, 16, FTW_DEPTH | FTW_PHYS))
        perror(floor->directory);
}

static int read_filter(Floor *floor, const char *path)
{
    static struct sock_filter filters[MAX_FILTERS];
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return fail(floor, path);
    ssize_t size = read(fd, filters, sizeof(filters));
    (void)close(fd);
    if (size <= 0 || size % (ssize_t)sizeof(filters[0]) != 0)
        return fail(floor, path);
    floor->filter.filter = filters;
    floor->filter.len = (unsigned short)((size_t)size / sizeof(filters[0]));
    return 0;
}

static int usage(void)
{
    (void)fputs(
        "usage: floor [--state DIR] [--seccomp FILE] LAYER_DIR... -- PROGRAM [ARGUMENT...]\n",
        stderr);
    return EXIT_SETUP;
}

int main(int argc, char **argv)
{
    Floor floor = { .directory_fd = -1, .root_fd = -1 };
    const char *state = DEFAULT_STATE, *filter = NULL;
    int i = 1, status = 0, r = 0;

    for (; i + 1 < argc && strncmp(argv[i], "--", 2) == 0; i += 2) {
        if (strcmp(argv[i], "--state") == 0)
            state = argv[i + 1];
        else if (strcmp(argv[i], "--seccomp") == 0)
            filter = argv[i + 1];
        else
            return usage();
    }
    floor.layers = &argv[i];
    while (i < argc && strcmp(argv[i], "--") != 0)
        i++;
    if (i + 1 >= argc || &argv[i] == floor.layers)
        return usage();
    argv[i] = NULL; /* ends the layers */
    floor.program = &argv[i + 1];

    if (filter)
        r = read_filter(&floor, filter);
    if (r == 0 && make_directory(&floor, state) == 0 && make_overlay(&floor) == 0 &&
        make_cgroups(&floor) == 0)
        (void)run_child(&floor, &status);
    clean_up(&floor);

    if (floor.failed) {
        (void)fprintf(stderr, "floor: %s: %s\n", floor.failed, strerror(floor.errnum));
        return EXIT_SETUP;
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
