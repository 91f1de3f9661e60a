# SPDX-License-Identifier: Apache-2.0
"""The built programs, run as a user would, each test with data roots of its own.

A `State` is a pair of data roots and everything that was started on them; `Cay` runs commands on
one. Neither touches /var/lib/cay or /run/cay.
"""

import dataclasses
import os
import pathlib
import shutil
import subprocess

from harness import leaks


@dataclasses.dataclass
class Result:
    """How a command ended. The outputs are text, or bytes where `text=False` was asked for."""

    command: list
    returncode: int
    stdout: str
    stderr: str

    def __str__(self):
        return (f"$ {' '.join(map(str, self.command))}\n"
                f"exit status {self.returncode}\n"
                f"stdout: {self.stdout!r}\nstderr: {self.stderr!r}")


class Here:
    """Where the tests themselves are. Another place is a host, see harness/hosts.py."""

    mountinfo = leaks.PROC / "self/mountinfo"

    @staticmethod
    def inside(function, *arguments, **options):
        return function(*arguments, **options)


class State:
    """Data roots below one directory, and the end of all that runs on them, which is in `place`."""

    def __init__(self, directory, exists=False):
        self.base = pathlib.Path(directory)
        self.place = Here()
        self.directory = self.base / "state"
        self.runtime = self.base / "run"
        self.reports = self.base / "sanitizer"
        self.configuration = self.base / "cay.yaml"
        self.watch = leaks.Watch(self)
        if not exists:
            for made in (self.directory, self.runtime, self.reports):
                made.mkdir(mode=0o700, parents=True)
            # Nothing of the machine's network is touched, unless a test is about networks.
            self.configuration.write_text("default-network: none\n", encoding="ascii")

    def __fspath__(self):
        return str(self.directory)

    def environment(self, extra=None):
        """A complete environment; @extra adds to it, and removes what it maps to None."""
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.base),
            "LANG": "C.UTF-8",
            "TERM": "xterm",
            "CAY_STATE": str(self.directory),
            "CAY_RUNTIME": str(self.runtime),
            "CAY_CONFIG": str(self.configuration),
            "ASAN_OPTIONS": f"log_path={self.reports}/report",
            "UBSAN_OPTIONS": f"halt_on_error=1:print_stacktrace=1:log_path={self.reports}/report",
            leaks.MARKER: f"{self.base}/",
        }
        environment.update(extra or {})
        return {name: value for name, value in environment.items() if value is not None}

    def containers(self):
        """The ids of the containers whose directories exist."""
        directory = self.directory / "containers"
        return sorted(entry.name for entry in directory.iterdir()) if directory.exists() else []

    def processes(self):
        """The pids that were started on this state and have not ended; no container's."""
        return leaks.processes_of(self.base)

    def settle(self, timeout=leaks.SETTLE_LIMIT):
        """Wait until nothing runs on this state any more. Returns the pids that still do."""
        left = leaks.wait_for_end(self.processes, timeout)
        leaks.wait_for_end(leaks.ending_programs, timeout)
        return left

    def kill(self):
        """SIGKILL to all that runs on this state; a shim's death takes its container along."""
        for pid in self.processes():
            leaks.kill(pid)
        self.settle()

    def sanitizer_reports(self):
        return [report.read_text(errors="replace") for report in sorted(self.reports.iterdir())]

    def copy_from(self, template, share=False):
        """Become a copy of another state; with @share, layers and blobs are hard links."""
        for entry in template.directory.iterdir():
            linked = ["-l"] if share and entry.is_dir() else []
            subprocess.run(["cp", "-a", *linked, str(entry), str(self.directory)], check=True)

    def remove(self):
        shutil.rmtree(self.base)


class Cay:
    """Runs a built program on a state: `cay("run", "--rm", image, "true")`."""

    def __init__(self, build, state):
        self.build = pathlib.Path(build)
        self.state = state
        self.spawned = []

    def path(self, program="cay"):
        return self.build / program

    def on(self, build):
        """The same state, driven by another build's programs."""
        other = Cay(build, self.state)
        other.spawned = self.spawned
        return other

    def __call__(self, *arguments, input=None, check=False, env=None, timeout=60, text=True,
                 cwd=None, prefix=(), program="cay", pass_fds=()):
        """
        Run to the end. Standard input is @input (str or bytes), else empty. @prefix goes in front
        of the program (a tracer, setpriv); with @check, any exit status but 0 fails the test.
        """
        command = [*prefix, str(self.path(program)), *map(os.fspath, map(_as_path, arguments))]
        if isinstance(input, str):
            input = input.encode()
        process = self._start(command, env, cwd, pass_fds)
        try:
            stdout, stderr = process.communicate(input if input is not None else b"", timeout)
        except subprocess.TimeoutExpired:
            self.state.kill()
            stdout, stderr = process.communicate()
            result = self._result(command, process, stdout, stderr, text)
            raise AssertionError(f"still running after {timeout} s\n{result}") from None
        result = self._result(command, process, stdout, stderr, text)
        assert not check or result.returncode == 0, str(result)
        return result

    def ok(self, *arguments, **options):
        """Run, insist on success, and return what was printed, without the last line's end."""
        output = self(*arguments, check=True, **options).stdout
        return output.rstrip("\n") if isinstance(output, str) else output

    def spawn(self, *arguments, env=None, cwd=None, prefix=(), program="cay",
              stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, pass_fds=()):
        """Start, and return the subprocess.Popen (binary pipes), which ends with the test."""
        command = [*prefix, str(self.path(program)), *map(os.fspath, map(_as_path, arguments))]
        process = self._start(command, env, cwd, pass_fds, stdin=stdin, stdout=stdout,
                              stderr=stderr)
        self.spawned.append(process)
        return process

    def end(self):
        """End what spawn() started and what it left behind, whoever still holds the pipes."""
        if self.spawned:
            self.state.kill()
        for process in self.spawned:
            if process.stdin and process.stdin.closed:
                process.stdin = None
            process.communicate()
        self.spawned.clear()

    def _start(self, command, env, cwd, pass_fds, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
               stderr=subprocess.PIPE):
        return self.state.place.inside(
            subprocess.Popen, command, env=self.state.environment(env), cwd=cwd, stdin=stdin,
            stdout=stdout, stderr=stderr, pass_fds=pass_fds)

    @staticmethod
    def _result(command, process, stdout, stderr, text):
        if text:
            stdout = stdout.decode(errors="surrogateescape")
            stderr = stderr.decode(errors="surrogateescape")
        return Result(command, process.returncode, stdout, stderr)


def _as_path(argument):
    return argument if isinstance(argument, (str, bytes, os.PathLike)) else str(argument)
