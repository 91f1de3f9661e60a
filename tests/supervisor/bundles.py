# SPDX-License-Identifier: Apache-2.0
"""OCI bundles of a busybox, and `shim-run` on them."""

import contextlib
import dataclasses
import fcntl
import json
import os
import pathlib
import re
import select
import shutil
import subprocess
import time

from harness import leaks

BUSYBOX = "/bin/busybox"
APPLETS = "cat dd head sh sha256sum sleep stty true wc yes".split()
HIERARCHIES = pathlib.Path("/sys/fs/cgroup")
LIMIT = 60
KILOBYTES_AT_REST = 512

NAMESPACES = ("pid", "mount", "ipc", "uts", "network", "cgroup")
MOUNTS = [
    {"destination": "/proc", "type": "proc", "source": "proc"},
    {"destination": "/dev", "type": "tmpfs", "source": "tmpfs",
     "options": ["nosuid", "mode=755", "size=64k"]},
    {"destination": "/dev/pts", "type": "devpts", "source": "devpts",
     "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"]},
]


def make_rootfs(directory):
    (directory / "bin").mkdir(parents=True)
    for name in ("dev", "proc", "sys", "tmp"):
        (directory / name).mkdir()
    shutil.copy(BUSYBOX, directory / "bin/busybox")
    for applet in APPLETS:
        (directory / "bin" / applet).symlink_to("busybox")
    (directory / "bin/unusable").write_text("no program\n")
    return directory


@dataclasses.dataclass
class Outcome:
    """How a `shim-run` ended: what it printed, and its own last words taken apart."""

    returncode: int
    stdout: bytes
    stderr: str

    @property
    def words(self):
        """{"code": "0", "oom": "0", ...}, or {"error": ..., "kind": ...}"""
        last = self.stderr.rstrip("\n").split("\n")[-1]
        return dict(re.findall(r"(\w+)=(.*?)(?= \w+=|$)", last))


class Run:
    """A `shim-run` that goes on; its standard error is read line by line."""

    def __init__(self, command, environment, **descriptors):
        descriptors = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, **descriptors}
        self.process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE,
                                        **descriptors)
        self.first = ""

    def line(self):
        """The next line of standard error, and nothing beyond it, which is for end()."""
        line = b""
        while not line.endswith(b"\n") and (byte := os.read(self.process.stderr.fileno(), 1)):
            line += byte
        return line.decode()

    def pids(self):
        """(shim, container), once they exist."""
        if not self.first:
            self.first = self.line()
        match = re.match(r"shim=(\d+) container=(\d+)$", self.first)
        assert match, self.first + self.process.stderr.read().decode()
        return int(match[1]), int(match[2])

    def greeting(self):
        """What a command says once the shim has greeted it."""
        return self.line().rstrip("\n")

    def end(self, data=None):
        stdout, stderr = self.process.communicate(data, LIMIT)
        return Outcome(self.process.returncode, stdout, self.first + stderr.decode())


def script(text):
    return ("sh", "-c", text)


def wait_for_end(pid):
    """Until the process is no more, or a zombie of somebody's."""
    with contextlib.suppress(ProcessLookupError):
        pidfd = leaks.open_process(pid)
        try:
            assert select.select([pidfd], [], [], LIMIT)[0], f"{pid} does not end"
        finally:
            os.close(pidfd)


def converse(run, line):
    """A client of a `cat` says a line and hears it: it is attached, and the container runs."""
    run.process.stdin.write(line)
    run.process.stdin.flush()
    assert run.process.stdout.readline() == line


def is_alive(pid):
    with contextlib.suppress(ProcessLookupError):
        pidfd = leaks.open_process(pid)
        try:
            return not select.select([pidfd], [], [], 0)[0]
        finally:
            os.close(pidfd)
    return False


def has_memory_controller():
    """In v1 a hierarchy of its own, else listed by the root of v2."""
    unified = HIERARCHIES / "cgroup.controllers"
    return (HIERARCHIES / "memory").is_dir() or "memory" in (
        unified.read_text().split() if unified.exists() else [])


def private_kilobytes(pid):
    rollup = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    return sum(int(size) for size in re.findall(r"^Private_\w+: +(\d+) kB", rollup, re.M))


def await_rest(shim):
    """Nothing else says that it has noticed what happened last and come to rest."""
    deadline = time.monotonic() + LIMIT
    while private_kilobytes(shim) > KILOBYTES_AT_REST and time.monotonic() < deadline:
        os.sched_yield()


# system calls after which nothing else is left than before them
QUIET = {"mmap", "munmap", "mprotect", "brk", "madvise", "getrandom", "rseq", "prlimit64",
         "set_tid_address", "set_robust_list", "arch_prctl", "access", "pread64", "exit_group"}


def calls_of(log):
    """[(call, number)] in the order of a trace: each is where a shim can be killed."""
    counts, found = {}, []
    for line in log.read_text(errors="replace").splitlines():
        if match := re.match(r"(\w+)\(", line):
            call = match[1]
            counts[call] = counts.get(call, 0) + 1
            if call not in QUIET:
                found.append((call, counts[call]))
    return found


class Bundle:
    """One container's directories; what runs in it ends with the test's state."""

    def __init__(self, state, name, rootfs, programs):
        self.state = state
        self.name = name
        self.rootfs = rootfs
        self.programs = programs
        self.shim = programs / "cay-shim"
        self.cgroup = f"caytest-{os.getpid()}/{name}"
        self.path = state.base / name
        self.path.mkdir()
        self.settings = {"stopTimeout": 10}

    def configure(self, *arguments, terminal=False, without=(), mounts=MOUNTS, resources=None,
                  **process):
        config = {
            "ociVersion": "1.0.2",
            "root": {"path": str(self.rootfs)},
            "process": {
                "terminal": terminal, "cwd": "/", "args": list(arguments),
                "env": ["PATH=/bin", "TERM=xterm"], "user": {"uid": 0, "gid": 0}, **process,
            },
            "mounts": mounts,
            "linux": {
                "cgroupsPath": f"/{self.cgroup}",
                "namespaces": [{"type": kind} for kind in NAMESPACES if kind not in without],
                "resources": resources or {},
            },
        }
        (self.path / "config.json").write_text(json.dumps(config))
        return self

    def command(self, *options):
        """-k: the input is kept when a client's ends. All else is shim-run's."""
        if "-a" not in options:
            (self.path / "events").mkdir(exist_ok=True)
            options = ["-e", str(self.path / "events"), *options]
            self.write_settings(openStdin="-i" in options, stdinOnce="-k" not in options)
        options = [option for option in options if option != "-k"]
        return [str(self.programs / "tests/supervisor/shim-run"), *options, str(self.shim),
                str(self.path)]

    def write_settings(self, **settings):
        """What its shim reads beside config.json, all of these together."""
        self.settings |= settings
        (self.path / "shim.json").write_text(json.dumps(self.settings))

    def start(self, *options, **descriptors):
        return Run(self.command(*options), self.state.environment(), **descriptors)

    def run(self, *options, data=b"", **descriptors):
        run = self.start(*options, **descriptors)
        return run.end(data if run.process.stdin else None)

    def wrap(self, prefix, shim):
        """Run @shim behind the command @prefix from now on."""
        wrapper = self.path / "wrapped-shim"
        wrapper.write_text(f'#!/bin/sh\nexec {prefix} {shim} "$@"\n')
        wrapper.chmod(0o755)
        self.shim = wrapper

    def wait_for_lock(self):
        """Until the shim has ended, and a tracer that holds copies of its descriptors."""
        with open(self.path / "lock", encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)

    def status(self):
        return json.loads((self.path / "lock").read_text())

    def events(self):
        """[(action, attributes)] since the first start."""
        log = self.path / "events/current"
        records = log.read_text().split("\x1e")[1:] if log.exists() else []
        events = [json.loads(record) for record in records]
        return [(event["action"], event.get("attributes", {})) for event in events]

    def actions(self):
        return [action for action, _ in self.events()]

    def exit_record(self):
        path = self.path / "exit.json"
        return json.loads(path.read_text()) if path.exists() else None

    def cgroups(self):
        """Where the container's cgroup exists."""
        return [*HIERARCHIES.glob(self.cgroup), *HIERARCHIES.glob(f"*/{self.cgroup}")]

    def close(self):
        """End what still runs, and do what cay does where a shim was killed: clear its cgroup."""
        if (self.path / "shim.sock").exists():
            self.run("-a", "-c", "stop:9:0")
        if (self.path / "lock").exists():
            with open(self.path / "lock", "w", encoding="ascii") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
        for cgroup in self.cgroups():
            assert not leaks.wait_for_end(lambda: leaks.cgroup_members(cgroup), LIMIT)
            cgroup.rmdir()
        # Killed between making a parent and marking it as its own, a shim's successor leaves it.
        parent = pathlib.PurePath(self.cgroup).parent
        for path in (*HIERARCHIES.glob(str(parent)), *HIERARCHIES.glob(f"*/{parent}")):
            path.rmdir()

    def left(self):
        """What a container that has ended must not leave."""
        return [str(path) for path in (self.path / "shim.sock", *self.cgroups()) if path.exists()]
