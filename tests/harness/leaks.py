# SPDX-License-Identifier: Apache-2.0
"""What must not be left behind: processes, mounts, cgroups, links, tables, directories.

A `Watch` compares the machine with what it was when the watch began, for one state. `Machine` does
so for the whole session, and holds all of the machine against the tests; where somebody else uses
cay on the same machine meanwhile, CAY_TEST_SHARED=1 makes it look only at what bears the session's
own path.

Zombies do not count: a container's pid 1 may leave the host's init orphans to reap in its own time.
"""

import contextlib
import errno
import os
import pathlib
import select
import shutil
import signal
import subprocess
import time

PROC = pathlib.Path("/proc")
DEFAULT_ROOTS = ("/var/lib/cay", "/run/cay")
SETTLE_LIMIT = 20

# In the environment of all that the tests start, so that whatever is left can be found. Its value
# is the state's directory with a slash at the end.
MARKER = "CAY_TEST_STATE"
MAX_READS = 1000


def processes_of(directory):
    """The pids, zombies apart, that were started on states at or below @directory."""
    wanted = f"{MARKER}={directory}/".encode()
    found = []
    for entry in PROC.iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        with contextlib.suppress(OSError):
            if any(variable.startswith(wanted) for variable in _environment(entry)):
                found.append(int(entry.name))
    return found


def ending_programs():
    """
    The pids of programs of ours that have given up their memory, and with it their environment, but
    may not have closed their files yet: locks among them. Whose they are cannot be told any more.
    """
    found = []
    for entry in PROC.iterdir():
        if not entry.name.isdigit():
            continue
        with contextlib.suppress(OSError):
            name, _, rest = (entry / "stat").read_text().partition("(")[2].rpartition(")")
            if name.startswith("cay") and rest.split()[0] != "Z" and not _has_memory(entry):
                found.append(int(entry.name))
    return found


def _has_memory(process):
    try:
        os.readlink(process / "exe")
    except FileNotFoundError:
        return False
    return True


def _environment(process):
    """
    A process that is just executing a program has an empty environment for a moment; kernel
    threads and the dead, who have none either, have no executable file.
    """
    for _ in range(MAX_READS):
        data = (process / "environ").read_bytes()
        if data:
            break
        os.readlink(process / "exe")
    return data.split(b"\0")


def describe(pid):
    with contextlib.suppress(OSError):
        command = (PROC / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode(
            errors="replace").strip()
        return f"{pid} ({command})"
    return str(pid)


def program_name(pid):
    with contextlib.suppress(OSError):
        return (PROC / str(pid) / "comm").read_text().strip()
    return ""


def kill(pid):
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def open_process(pid):
    """A pidfd, or ProcessLookupError also where old kernels say EINVAL: the process is no more, but
    its number is still that of a session."""
    try:
        return os.pidfd_open(pid)
    except OSError as error:
        if error.errno == errno.EINVAL:
            raise ProcessLookupError(pid) from None
        raise


def wait_for_end(find, timeout):
    """Wait until @find() yields no pid any more, woken by each end. Returns those that stay."""
    deadline = time.monotonic() + timeout
    while pids := find():
        remaining = deadline - time.monotonic()
        if remaining <= 0:
            break
        with contextlib.suppress(ProcessLookupError):
            pidfd = open_process(pids[0])
            try:
                select.select([pidfd], [], [], remaining)
            finally:
                os.close(pidfd)
    return pids


def wait_for_handles(pidfds, timeout=SETTLE_LIMIT):
    """Wait until the processes of all of @pidfds, which are closed, have ended."""
    deadline = time.monotonic() + timeout
    for pidfd in pidfds:
        ready, _, _ = select.select([pidfd], [], [], max(0, deadline - time.monotonic()))
        os.close(pidfd)
        assert ready, "a process has not ended in time"


def mounts(mountinfo=PROC / "self/mountinfo"):
    """The mounts of our own namespace, or another one, as "MOUNTPOINT TYPE SOURCE"."""
    found = set()
    for line in mountinfo.read_text(errors="surrogateescape").splitlines():
        before, _, after = line.partition(" - ")
        found.add(" ".join([before.split()[4], *after.split()[:2]]))
    return found


def hierarchies():
    """The mount points of the cgroup hierarchies, each once however often it is mounted."""
    found = {}
    for line in (PROC / "self/mountinfo").read_text(errors="surrogateescape").splitlines():
        before, _, after = line.partition(" - ")
        device, root, point = before.split()[2:5]
        if after.split()[0] in ("cgroup", "cgroup2"):
            found.setdefault((device, root), pathlib.Path(point))
    return list(found.values())


def cgroups(tops="cay*"):
    """The cgroups at and below those named @tops, in every hierarchy, as file system paths."""
    found = set()
    for hierarchy in hierarchies():
        for top in hierarchy.glob(tops):
            found.update(directory for directory, _, _ in os.walk(top))
    return found


def cgroup_members(cgroup):
    with contextlib.suppress(OSError):
        return [int(pid) for pid in (pathlib.Path(cgroup) / "cgroup.procs").read_text().split()]
    return []


def network_links():
    return {entry.name for entry in pathlib.Path("/sys/class/net").iterdir()}


def firewall_tables():
    if not shutil.which("nft"):
        return set()
    result = subprocess.run(["nft", "list", "tables"], capture_output=True, text=True, check=False)
    return set(result.stdout.splitlines())


def tree(root):
    """Names and change times of all below @root."""
    found = set()
    for directory, _, files in os.walk(root):
        for path in (directory, *(os.path.join(directory, name) for name in files)):
            with contextlib.suppress(OSError):
                found.add((path, os.lstat(path).st_ctime_ns))
    return found


def default_roots():
    """What is below the default data roots, but for the lock of whoever adds a network to this
    machine, with whatever data root."""
    lock = f"{DEFAULT_ROOTS[1]}/network.lock"
    return {(path, changed) for path, changed in set().union(*map(tree, DEFAULT_ROOTS))
            if path not in (lock, os.path.dirname(lock))}


def remove_test_cgroup():
    """
    The parent of the tests' cgroups goes with the last of them; but for one whose supervisor was
    killed a test removes the cgroup alone. What is not empty stays, and is found.
    """
    for hierarchy in hierarchies():
        with contextlib.suppress(OSError):
            (hierarchy / "caytest").rmdir()


class Watch:
    """What one state leaves behind, seen from its beginning."""

    def __init__(self, state, prefix="cay-"):
        self.state = state
        self.prefix = prefix
        self.cgroups = self._tops()

    def _tops(self):
        """The containers' cgroups; none of what they hold can exist without them. Those of cay-oci
        have no state of cay's, and fixtures of their own."""
        return {str(top) for hierarchy in hierarchies()
                for top in hierarchy.glob(f"{self.prefix}*")
                if not top.name.startswith("cay-oci-")}

    def left_cgroups(self):
        """
        New cgroups that no other state can explain. Other tests may run at the same time: theirs
        are named after a container whose directory exists at least as long as its cgroup, so that
        looking for the directory first and for the cgroup again afterwards is no race.
        """
        left = []
        for cgroup in sorted(self._tops() - self.cgroups):
            container = pathlib.Path(cgroup).name.removeprefix(self.prefix)
            if not os.environ.get("CAY_TEST_SHARED") or self._is_of(self.state, container):
                if self._is_of_another_state(container) or self._is_run_elsewhere(container):
                    continue
                if os.path.isdir(cgroup) and not _belongs_to_another_tree(cgroup, self.state):
                    left.append(cgroup)
        return left

    @staticmethod
    def _is_of(state, container):
        return any((root / "containers" / container).exists()
                   for root in (state.directory, state.runtime))

    def _is_of_another_state(self, container):
        """Of this session, or of another one that runs on the machine."""
        sessions = self.state.base.parent.parent.parent
        for directory in sessions.glob(f"*/*/*/state/containers/{container}"):
            if directory.parent.parent != self.state.directory:
                return True
        return False

    def _is_run_elsewhere(self, container):
        """
        By a supervisor whose state cannot be seen from here, as it is on a disk in a mount
        namespace of its own. Supervisors, too, exist at least as long as their cgroups.
        """
        own = f"{MARKER}={self.state.base}/".encode()
        for entry in PROC.iterdir():
            if not entry.name.isdigit():
                continue
            with contextlib.suppress(OSError):
                if container.encode() in (entry / "cmdline").read_bytes():
                    marks = [variable for variable in _environment(entry)
                             if variable.startswith(MARKER.encode())]
                    if marks and not marks[0].startswith(own):
                        return True
        return False

    def problems(self, timeout=SETTLE_LIMIT):
        """One line for each thing that is left; processes have @timeout seconds to end."""
        found = [f"process {describe(pid)}" for pid in self.state.settle(timeout)]
        base = str(self.state.base.resolve())
        found += [f"mount {mount}" for mount in sorted(mounts(self.state.place.mountinfo))
                  if base in mount]
        found += [f"cgroup {name}" for name in sorted(set(map(os.path.basename,
                                                              self.left_cgroups())))]
        runtime = self.state.runtime / "containers"
        if runtime.exists():
            found += [f"runtime directory {entry}" for entry in sorted(runtime.iterdir())]
        return found + [f"container {container}" for container in self.state.containers()]


def _belongs_to_another_tree(cgroup, state):
    """Whether a process in @cgroup descends from a cay that was started on another state."""
    for pid in cgroup_members(cgroup):
        while pid > 1:
            with contextlib.suppress(OSError):
                environment = (PROC / str(pid) / "environ").read_bytes().split(b"\0")
                states = [name for name in environment if name.startswith(b"CAY_STATE=")]
                if states and states != [f"CAY_STATE={state.directory}".encode()]:
                    return True
            try:
                status = (PROC / str(pid) / "stat").read_text()
            except OSError:
                break
            pid = int(status.rpartition(")")[2].split()[1])
    return False


class Machine:
    """The machine before and after a whole session."""

    VIEWS = {
        "mount": mounts,
        "cgroup": cgroups,
        "network link": network_links,
        "firewall table": firewall_tables,
        "change below a default data root": default_roots,
    }

    def __init__(self, session):
        self.session = str(session)
        self.before = {name: view() for name, view in self.VIEWS.items()}

    def problems(self):
        found = [f"process {describe(pid)}" for pid in self._left_processes()]
        for name, view in self.VIEWS.items():
            for thing in sorted(view() - self.before[name]):
                if not os.environ.get("CAY_TEST_SHARED") or self.session in str(thing):
                    found.append(f"{name} {thing}")
        return found

    def _left_processes(self):
        return wait_for_end(lambda: processes_of(self.session), SETTLE_LIMIT)
