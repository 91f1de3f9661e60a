/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The kernel makes a user namespace only together with a process. That process waits until the maps
 * are written and the namespace has a handle, and is killed then; it also ends when we do. It
 * shares our memory, for a copy of that would take most of the time.
 */

#include "sandbox/id-mapping.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/socket.h"
#include "sandbox/process-files-private.h"
#include "sandbox/user-namespace-private.h"

/* It makes two system calls. Who instruments functions needs a little more. */
#define HOLDER_STACK_SIZE 16384

typedef struct Holder {
    pid_t pid; /* 0: none */
    int pidfd;
    int life_fd; /* our end of what it reads from */
    int sockets[2];
    char stack[HOLDER_STACK_SIZE] __attribute__((aligned(16)));
} Holder;

static void holder_done(Holder *holder)
{
    siginfo_t info;

    if (holder->pid > 0) {
        (void)pidfd_send_signal(holder->pidfd, SIGKILL, NULL, 0); /* it may have ended */
        while (waitid(P_PIDFD, (id_t)holder->pidfd, &info, WEXITED | __WALL) < 0 && errno == EINTR)
            ;
    }
    holder->pidfd = fd_close(holder->pidfd);
    holder->life_fd = fd_close(holder->life_fd);
}

/*
 * In the holder: end with our maker, whose end of the socket nobody else has. Its memory is its
 * maker's, so nothing here writes to it but this stack.
 */
__attribute__((no_sanitize("address", "undefined"))) static int hold(void *data)
{
    const int *sockets = data;
    char nothing;

    /* Nothing else of its maker's, a lock above all, is to outlive that; nor would it then wait for
     * itself. */
    if (sockets[1] > 0)
        syscall(SYS_close_range, 0, sockets[1] - 1, 0);
    syscall(SYS_close_range, sockets[1] + 1, UINT_MAX, 0);
    syscall(SYS_read, sockets[1], &nothing, 1);
    syscall(SYS_exit_group, 0);
    return 0;
}

/*
 * Without an exit signal it is nobody's child but for whoever asks with __WALL: a caller that waits
 * for its children never hears of it. Our handlers may not run in it, so signals stay blocked.
 */
static int holder_init(Holder *holder)
{
    sigset_t all, previous;
    int pid, r;

    holder->pid = 0;
    holder->pidfd = holder->life_fd = -EBADF;
    r = socket_pair(holder->sockets);
    if (r < 0)
        return r;
    sigfillset(&all);
    (void)sigprocmask(SIG_SETMASK, &all, &previous);
    pid = clone(hold, holder->stack + sizeof(holder->stack), CLONE_NEWUSER | CLONE_PIDFD | CLONE_VM,
                holder->sockets, &holder->pidfd);
    r = pid < 0 ? -errno : 0;
    (void)sigprocmask(SIG_SETMASK, &previous, NULL);
    holder->life_fd = holder->sockets[0];
    fd_close(holder->sockets[1]);
    if (r == 0)
        holder->pid = pid;
    return r;
}

int id_mapping_open(const LinuxIdMappings *uids, const LinuxIdMappings *gids, int *ret_fd,
                    Error *err)
{
    const LinuxConfig maps = { .uid_mappings = *uids, .gid_mappings = *gids };
    _cleanup_(holder_done) Holder holder;
    _cleanup_close_ int process_fd = -EBADF, fd = -EBADF;
    int r = holder_init(&holder);

    if (r < 0)
        return error_result(err, r, "make a user namespace for id mappings");
    r = user_namespace_write_maps(holder.pid, &maps, err);
    if (r < 0)
        return r;

    process_fd = process_files_open(holder.pid);
    fd = process_fd < 0 ? -EBADF : openat(process_fd, "ns/user", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_result(err, process_fd < 0 ? process_fd : -errno,
                            "open the user namespace of id mappings");
    *ret_fd = TAKE_FD(fd);
    return 0;
}

bool id_mapping_has(const LinuxIdMappings *mappings, uint64_t id)
{
    for (size_t i = 0; i < mappings->count; i++)
        if (id >= mappings->items[i].container_id &&
            id - mappings->items[i].container_id < mappings->items[i].size)
            return true;

    return false;
}
