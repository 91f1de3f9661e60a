# SPDX-License-Identifier: Apache-2.0
"""An OCI bundle with a busybox root, run by `sandbox-run`: the sandbox without an engine.

A test changes `bundle.config` (a plain dict) and the files below `bundle.rootfs`, then calls
`bundle.run(...)` or, to look at a container from outside, `bundle.create(...)`.
"""

import contextlib
import copy
import json
import os
import pathlib
import select
import shutil
import signal
import socket
import subprocess
import textwrap

from harness import leaks

BUSYBOX = "/bin/busybox"
CAPABILITIES = ["CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL",
                "CAP_SETGID", "CAP_SETUID", "CAP_SETPCAP", "CAP_NET_BIND_SERVICE", "CAP_NET_RAW",
                "CAP_SYS_CHROOT", "CAP_MKNOD", "CAP_AUDIT_WRITE", "CAP_SETFCAP"]
CONFIG = {
    "ociVersion": "1.3.0",
    "root": {"path": "rootfs"},
    "hostname": "box",
    "process": {
        "args": ["true"],
        "cwd": "/",
        "user": {"uid": 0, "gid": 0},
        "capabilities": {"bounding": CAPABILITIES, "effective": CAPABILITIES,
                         "permitted": CAPABILITIES},
    },
    "mounts": [
        {"destination": "/proc", "type": "proc", "source": "proc",
         "options": ["nosuid", "noexec", "nodev"]},
        {"destination": "/dev", "type": "tmpfs", "source": "tmpfs",
         "options": ["nosuid", "strictatime", "mode=755", "size=65536k"]},
        {"destination": "/dev/pts", "type": "devpts", "source": "devpts",
         "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]},
        {"destination": "/sys", "type": "sysfs", "source": "sysfs",
         "options": ["nosuid", "noexec", "nodev", "ro"]},
        {"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup",
         "options": ["nosuid", "noexec", "nodev", "relatime", "ro"]},
        {"destination": "/dev/mqueue", "type": "mqueue", "source": "mqueue",
         "options": ["nosuid", "noexec", "nodev"]},
        {"destination": "/dev/shm", "type": "tmpfs", "source": "shm",
         "options": ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"]},
    ],
    "linux": {
        "namespaces": [{"type": kind}
                       for kind in ("mount", "pid", "network", "ipc", "uts", "cgroup")],
        "resources": {"devices": [{"allow": False, "access": "rwm"}]},
        "maskedPaths": ["/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/timer_list",
                        "/proc/missing", "/sys/firmware"],
        "readonlyPaths": ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys",
                          "/proc/sysrq-trigger", "/proc/missing"],
    },
}


class Result:
    def __init__(self, status, stdout, stderr):
        self.status = status
        self.stdout = stdout
        self.stderr = stderr

    def __repr__(self):
        return f"status {self.status}\nstdout: {self.stdout}\nstderr: {self.stderr}"


class Created:
    """A container between creation and start, or running: `pid` is its first process."""

    def __init__(self, process, channel, cgroup):
        self.cgroup = cgroup
        self.process = process
        self.channel = channel
        line = channel.makefile("rb", buffering=0).readline()
        if not line:
            output, errors = process.communicate()
            raise AssertionError(f"it was not created: {errors.decode()}{output.decode()}")
        self.pid = int(line)

    def path(self, name):
        return pathlib.Path("/proc") / str(self.pid) / name

    def start(self):
        self.channel.send(b"s")

    def wait(self, data=None):
        """Let it run to its end, with @data as all of its input."""
        output, errors = self.process.communicate(data.encode() if data else None, timeout=60)
        return Result(self.process.returncode, output.decode(), errors.decode())

    def finish(self):
        self.start()
        return self.wait()

    def kill(self, number=signal.SIGKILL):
        """The supervisor is killed; wait for the container's first process to follow, and remove
        the cgroup, which is what nobody was left to do."""
        with contextlib.suppress(ProcessLookupError):
            pidfd = leaks.open_process(self.pid)
            self.process.send_signal(number)
            assert select.select([pidfd], [], [], 30)[0], "the container outlives its supervisor"
            os.close(pidfd)
        self.process.communicate()
        for directory in self.cgroups():
            with contextlib.suppress(FileNotFoundError):  # one hierarchy, mounted in two places
                os.rmdir(directory)

    def cgroups(self):
        return [directory for directory in leaks.cgroups() if directory.endswith(self.cgroup)]


class Bundle:
    def __init__(self, directory, runner, name):
        self.directory = directory
        self.runner = runner
        self.prefix = []  # of the runner's command line
        self.rootfs = directory / "rootfs"
        self.config = copy.deepcopy(CONFIG)
        self.linux["cgroupsPath"] = f"/caytest/{name}"
        self.marker = f"{leaks.MARKER}={directory}/"
        self.process["env"] = ["PATH=/sbin:/bin", self.marker]
        self.running = []
        self._make_root()

    def _make_root(self):
        for name in ("bin", "sbin", "dev", "proc", "sys", "tmp", "etc", "root", "usr"):
            (self.rootfs / name).mkdir(parents=True)
        shutil.copy(BUSYBOX, self.rootfs / "bin/busybox")
        applets = subprocess.run([BUSYBOX, "--list"], capture_output=True, text=True, check=True)
        for applet in applets.stdout.split():
            if applet != "busybox":
                (self.rootfs / "bin" / applet).symlink_to("busybox")

    @property
    def process(self):
        return self.config["process"]

    @property
    def linux(self):
        return self.config["linux"]

    def mount(self, destination, source=None, options=(), kind="bind"):
        self.config["mounts"].append({"destination": destination, "type": kind,
                                      "source": str(source or kind), "options": list(options)})

    def find_mount(self, destination):
        return next(mount for mount in self.config["mounts"]
                    if mount["destination"] == destination)

    def remove_namespace(self, kind):
        self.linux["namespaces"] = [namespace for namespace in self.linux["namespaces"]
                                    if namespace["type"] != kind]

    def add_user_namespace(self, host_id=100000):
        self.linux["namespaces"].append({"type": "user"})
        mapping = [{"containerID": 0, "hostID": host_id, "size": 65536}]
        self.linux["uidMappings"] = self.linux["gidMappings"] = mapping
        for directory, names, files in os.walk(self.rootfs):
            for name in (".", *names, *files):
                os.chown(os.path.join(directory, name), host_id, host_id, follow_symlinks=False)

    def write(self, path, text, mode=0o755):
        file = self.rootfs / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(mode)
        return file

    def write_config(self, arguments):
        if arguments:
            self.process["args"] = list(arguments)
        (self.directory / "config.json").write_text(json.dumps(self.config))

    def options(self):
        """Those that follow from the configuration: hooks are told a name."""
        return ["--id=sandbox-run"] if "hooks" in self.config else []

    def command(self, *options):
        return [*self.prefix, str(self.runner), *self.options(), *options, str(self.directory)]

    def environment(self):
        return dict(os.environ, **{leaks.MARKER: f"{self.directory}/"},
                    ASAN_OPTIONS="detect_leaks=0")

    def run(self, *arguments, options=(), data="", pass_fds=(), **popen):
        """Run the program @arguments to its end, with @data as all of its input, or with stdin."""
        self.write_config(arguments)
        if "stdin" not in popen:
            popen["input"] = data.encode()
        done = subprocess.run(self.command(*options), capture_output=True, timeout=60,
                              env=self.environment(), pass_fds=pass_fds, check=False, **popen)
        return Result(done.returncode, done.stdout.decode(errors="replace"),
                      done.stderr.decode(errors="replace"))

    def shell(self, script, **options):
        """The output of @script, which must succeed."""
        result = self.run("sh", "-ec", script, **options)
        assert result.status == 0, result
        return result.stdout

    @staticmethod
    def program(script):
        """A Python program, for bundles with the host's tools."""
        return ("import ctypes, errno, os, struct, sys\n"
                "libc = ctypes.CDLL(None, use_errno=True)\n" + textwrap.dedent(script))

    def python(self, script, **options):
        """The output of @script, in a bundle with the host's tools; it must succeed."""
        result = self.run("/usr/bin/python3", "-c", self.program(script), **options)
        assert result.status == 0, result
        return result.stdout

    def create(self, *arguments, options=(), **popen):
        """Everything but the last step: see Created."""
        self.write_config(arguments)
        ours, theirs = socket.socketpair()
        process = subprocess.Popen(
            self.command(f"--started={theirs.fileno()}", *options), env=self.environment(),
            pass_fds=[theirs.fileno()], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, **popen)
        theirs.close()
        created = Created(process, ours, self.linux["cgroupsPath"])
        self.running.append(created)
        return created

    def end(self):
        for created in self.running:
            if created.process.poll() is None:
                created.kill()
            for stream in (created.process.stdin, created.process.stdout, created.process.stderr):
                stream.close()
            created.channel.close()

    def problems(self):
        """What is left of this bundle's containers, one line each."""
        found = [f"process {leaks.describe(pid)}" for pid in
                 leaks.wait_for_end(lambda: leaks.processes_of(self.directory), 20)]
        found += [f"mount {mount}" for mount in leaks.mounts() if str(self.directory) in mount]
        found += [f"cgroup {cgroup}" for cgroup in leaks.cgroups()
                  if cgroup.endswith(self.linux.get("cgroupsPath", "\0"))]
        return found
