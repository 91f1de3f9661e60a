# SPDX-License-Identifier: Apache-2.0
"""`cay-oci` on a root of its own, driven as an engine does.

    oci.create("c1", bundle, "sleep", "100")
    oci.ok("start", "c1")
    assert oci.state("c1")["status"] == "running"

What a container inherits as standard output and error are files, so that nothing waits for it.
"""

import array
import json
import os
import pathlib
import select
import signal
import socket
import subprocess
import threading

from harness import leaks
from harness.program import Result


class OciState:
    """What faults.py wants to know of whom it disturbs."""

    def __init__(self, base):
        self.base = base

    def processes(self):
        return leaks.processes_of(self.base)


class Oci:
    def __init__(self, build, directory):
        self.build = pathlib.Path(build)
        self.directory = directory
        self.root = directory / "root"
        self.processes_state = OciState(directory)
        self.calls = 0
        directory.mkdir(parents=True)

    def path(self, program="cay-oci"):
        return self.build / program

    def on(self, build):
        """The same root, driven by another build's program."""
        other = Oci.__new__(Oci)
        other.__dict__.update(self.__dict__, build=pathlib.Path(build))
        return other

    def environment(self):
        reports = self.directory / "report"
        return dict(os.environ, **{leaks.MARKER: f"{self.directory}/"},
                    ASAN_OPTIONS=f"log_path={reports}",
                    UBSAN_OPTIONS=f"halt_on_error=1:print_stacktrace=1:log_path={reports}")

    def command(self, *arguments, options=()):
        return [str(self.path()), "--root", str(self.root), *options, *map(str, arguments)]

    def spawn(self, *arguments, options=(), prefix=(), **popen):
        """Start it, with standard output and error in new files: `process.stdout_path`."""
        self.calls += 1
        stdout = self.directory / f"stdout-{self.calls}"
        stderr = self.directory / f"stderr-{self.calls}"
        command = [*prefix, *self.command(*arguments, options=options)]
        with open(stdout, "wb") as out, open(stderr, "wb") as errors:
            process = subprocess.Popen(command, **{"env": self.environment(), "stdout": out,
                                                   "stderr": errors, **popen})
        process.stdout_path, process.stderr_path = stdout, stderr
        return process

    def __call__(self, *arguments, input=None, timeout=60, **options):
        """Run to the end. The containers that it has started may go on."""
        if input is None:
            options.setdefault("stdin", subprocess.DEVNULL)
        else:
            options["stdin"] = subprocess.PIPE
        process = self.spawn(*arguments, **options)
        process.communicate(input.encode() if input is not None else None, timeout=timeout)
        return Result(process.args, process.returncode,
                      process.stdout_path.read_bytes().decode(errors="replace"),
                      process.stderr_path.read_bytes().decode(errors="replace"))

    def ok(self, *arguments, **options):
        result = self(*arguments, **options)
        assert result.returncode == 0, str(result)
        return result.stdout

    def fails(self, *arguments, status=1, **options):
        """What it says on standard error, without the program's name and the line's end."""
        result = self(*arguments, **options)
        assert result.returncode == status, str(result)
        assert result.stderr.startswith("cay-oci: "), str(result)
        assert result.stderr.count("\n") == 1, str(result)
        return result.stderr.removeprefix("cay-oci: ").rstrip("\n")

    def create(self, name, bundle, *program, options=(), **popen):
        """Create a container of @program. Returns the file that it writes its output to."""
        bundle.write_config(program)
        result = self("create", "--bundle", bundle.directory, *options, name, **popen)
        assert result.returncode == 0, str(result)
        return self.directory / f"stdout-{self.calls}"

    def start(self, name, bundle, *program, **options):
        output = self.create(name, bundle, *program, **options)
        self.ok("start", name)
        return output

    def run(self, name, bundle, *program, options=(), **popen):
        bundle.write_config(program)
        return self("run", "--bundle", bundle.directory, *options, name, **popen)

    def state(self, name):
        return json.loads(self.ok("state", name))

    def status(self, name):
        return self.state(name)["status"]

    def ids(self):
        return self.ok("list", "--quiet").split() if self.root.exists() else []

    def wait(self, name):
        """Until the container's first process has ended."""
        pid = self.state(name)["pid"]
        if pid:
            wait_for_end(pid)

    def end(self):
        """Delete all containers. Returns what is left of them, one line each."""
        for pid in self.processes_state.processes():
            if leaks.program_name(pid) in ("cay-oci", "strace"):
                os.kill(pid, signal.SIGKILL)
        found = []
        for directory in sorted(self.root.iterdir()) if self.root.exists() else []:
            if not directory.name.startswith("."):
                result = self("delete", "--force", directory.name)
                found += [] if result.returncode == 0 else [str(result)]
        found += [f"process {leaks.describe(pid)}" for pid in
                  leaks.wait_for_end(self.processes_state.processes, leaks.SETTLE_LIMIT)]
        if self.root.exists():
            found += [f"in the root: {entry}" for entry in self.root.iterdir()
                      if not entry.name.startswith(".")]
        found += [report.read_text(errors="replace")
                  for report in sorted(self.directory.glob("report.*"))]
        return found


class FaultTarget:
    """An Oci as faults.py wants it: a program with a state, run with a prefix."""

    def __init__(self, oci):
        self.oci = oci
        self.state = oci.processes_state

    def __call__(self, *arguments, **options):
        return self.oci(*arguments, **options)


def wait_for_end(pid):
    try:
        pidfd = leaks.open_process(pid)
    except ProcessLookupError:
        return
    try:
        assert select.select([pidfd], [], [], 60)[0], f"{leaks.describe(pid)} does not end"
    finally:
        os.close(pidfd)


class DescriptorServer:
    """An engine that waits at a unix socket for one descriptor."""

    def __init__(self, path):
        self.path = str(path)
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(self.path)
        self.listener.listen(1)
        self.descriptor = None
        self.message = None
        self.thread = threading.Thread(target=self._serve)
        self.thread.start()

    def _serve(self):
        connection, _ = self.listener.accept()
        with connection:
            data, ancillary, _, _ = connection.recvmsg(4096, socket.CMSG_SPACE(4))
            self.message = data.decode()
            for _, kind, content in ancillary:
                if kind == socket.SCM_RIGHTS:
                    self.descriptor = array.array("i", content)[0]

    def receive(self):
        self.thread.join(60)
        return self.descriptor

    def close(self):
        if self.thread.is_alive():
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as end:
                end.connect(self.path)
            self.thread.join()
        if self.descriptor is not None:
            os.close(self.descriptor)
        self.listener.close()


def read_terminal(descriptor):
    """What the terminal says until its last user has gone."""
    data = b""
    while select.select([descriptor], [], [], 60)[0]:
        try:
            data += os.read(descriptor, 4096)
        except OSError:
            break
    return data.decode()
