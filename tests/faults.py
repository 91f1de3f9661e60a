# SPDX-License-Identifier: Apache-2.0
"""Faults from outside: a program is killed at, or fails in, each of its system calls in turn.

    for fault in faults.kills(cay, "run", "--rm", image, "true"):
        fault.run()
        assert cay("ps", "--all", "--quiet").stdout == ""

The product knows nothing of this: strace counts the calls of one process (its threads and children
apart) and injects. A traced run without a fault finds the calls; only those that change something
outside the process, or hand control to another one, are of interest, since being killed between
two of them is the same as being killed at the second. SIGKILL comes before the call has any effect.

Use the release build (`cay.on(release)`): sanitizers take their time, and LeakSanitizer cannot
work under a tracer.
"""

import dataclasses
import errno as errno_codes
import os
import re
import shlex
import stat

from harness import leaks

# By what they change. An open counts only if it creates or truncates, and a write only if it is
# not to a terminal or standard error; see _matters().
FILES = ("open openat openat2 creat mkdir mkdirat rename renameat renameat2 unlink unlinkat rmdir "
         "link linkat symlink symlinkat mknod mknodat chmod fchmod fchmodat chown fchown fchownat "
         "lchown setxattr fsetxattr lsetxattr removexattr utimensat truncate ftruncate fallocate "
         "write writev pwrite64 pwritev copy_file_range sendfile splice fsync fdatasync").split()
LOCKS = "flock fcntl".split()
MOUNTS = ("mount umount2 fsopen fsconfig fsmount fspick open_tree move_mount mount_setattr "
          "pivot_root chroot").split()
PROCESSES = ("clone clone3 fork vfork setns unshare kill tgkill pidfd_send_signal wait4 waitid "
             "exit_group").split()
SOCKETS = "socketpair bind listen connect accept4 sendmsg sendto recvmsg shutdown".split()
ALL = FILES + LOCKS + MOUNTS + PROCESSES + SOCKETS

_CALL = re.compile(r"^(?:\d+ +)?(\w+)\((.*)$")
_TIMEOUT = 60


@dataclasses.dataclass(frozen=True)
class Fault:
    """The @number-th @call of @program meets @action ("signal=SIGKILL", "error=ENOSPC")."""

    cay: object
    arguments: tuple
    options: dict
    program: str
    call: str
    number: int
    action: str
    only: str = ""

    def __str__(self):
        return f"{self.program}: {self.action} at {self.call} number {self.number}"

    def run(self):
        """
        Run the command into the fault, and wait until the tracer has ended too: it holds copies
        of the program's descriptors, locks among them. Returns the Result.
        """
        injection = f"inject={self.call}:{self.action}:when={self.number}"
        result = _traced(self.cay, self.program, self.arguments, self.options,
                         ["-o", "/dev/null", "-e", f"trace={self.call}", "-e", injection],
                         self.only)
        _wait_for_tracers(self.cay.state)
        return result


def kills(cay, *arguments, program="cay", calls=ALL, only="", **options):
    """A Fault for each call that matters: SIGKILL in front of it. @only: of several helpers of the
    same name it is the one whose arguments contain this."""
    yield from _faults(cay, arguments, options, program, calls, "signal=SIGKILL", only)


def failures(cay, *arguments, errno, program="cay", calls=FILES, only="", **options):
    """A Fault for each call that matters: it fails with @errno ("ENOSPC") and has no effect."""
    assert hasattr(errno_codes, errno)
    calls = [call for call in calls if call not in ("exit_group", "wait4", "waitid")]
    yield from _faults(cay, arguments, options, program, calls, f"error={errno}", only)


def _faults(cay, arguments, options, program, calls, action, only):
    found = _record(cay, arguments, options, program, calls, only)
    assert found, f"{program} makes none of these calls: {calls}"
    for call, number in found:
        yield Fault(cay, arguments, options, program, call, number, action, only)


def _record(cay, arguments, options, program, calls, only):
    """Trace one undisturbed run: [(call, number)] of what matters, in order."""
    log = cay.state.base / "calls"
    names = ",".join(f"?{call}" for call in calls)
    result = _traced(cay, program, arguments, options, ["-o", str(log), "-e", f"trace={names}"],
                     only)
    _wait_for_tracers(cay.state)
    assert result.returncode == 0, f"without a fault:\n{result}"
    counts, found = {}, []
    for line in log.read_text(errors="replace").splitlines():
        match = _CALL.match(line)
        if match:
            call, rest = match.groups()
            counts[call] = counts.get(call, 0) + 1
            if _matters(call, rest):
                found.append((call, counts[call]))
    log.unlink()
    return found


def _matters(call, rest):
    if call in ("open", "openat", "openat2"):
        return "O_CREAT" in rest or "O_TRUNC" in rest or "O_TMPFILE" in rest
    if call in ("write", "writev"):
        return not rest.startswith("2,")
    if call == "fcntl":
        return "F_SETLK" in rest or "F_OFD_SETLK" in rest
    return True


def _traced(cay, program, arguments, options, strace, only):
    """Run `cay`, with @program (cay itself, or a helper that it starts) under strace."""
    # -D: the tracer is the grandchild, so that the program stays the child of who started it.
    tracer = ["strace", "-D", "-qqq", "-s", "0", "-e", "signal=none", *strace]
    if program == "cay":
        return cay(*arguments, prefix=tracer, **_with_limit(options))
    directory = wrap(cay, program, tracer, only)
    environment = dict(options.get("env") or {}, CAY_LIBEXEC=str(directory))
    return cay(*arguments, **_with_limit(dict(options, env=environment)))


def wrap(cay, program, prefix, only=""):
    """A directory of the helper programs, for CAY_LIBEXEC, where @program runs behind @prefix if
    its arguments contain @only."""
    directory = cay.state.base / "libexec"
    directory.mkdir(exist_ok=True)
    for entry in cay.build.iterdir():
        if entry.name.startswith("cay-") and entry.is_file() and os.access(entry, os.X_OK):
            target = directory / entry.name
            target.unlink(missing_ok=True)
            if entry.name != program:
                target.symlink_to(entry)
    wrapper = directory / program
    wrapper.write_text(f'#!/bin/sh\ncase "$*" in\n*{shlex.quote(only)}*) '
                       f'exec {shlex.join(prefix)} {cay.path(program)} "$@";;\n'
                       f'*) exec {cay.path(program)} "$@";;\nesac\n')
    wrapper.chmod(wrapper.stat().st_mode | stat.S_IXUSR)
    return directory


def _with_limit(options):
    return {"timeout": _TIMEOUT, **options}


def _wait_for_tracers(state):
    """Until no strace of this state's is left; what was traced may well live on."""
    def tracers():
        return [pid for pid in state.processes() if leaks.program_name(pid) == "strace"]

    assert not leaks.wait_for_end(tracers, leaks.SETTLE_LIMIT), "strace does not end"
