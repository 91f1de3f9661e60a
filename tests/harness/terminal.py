# SPDX-License-Identifier: Apache-2.0
"""A pseudo-terminal with a program in it and a person in front: reads, types, drags the corner."""

import fcntl
import os
import select
import struct
import subprocess
import termios
import time


class Terminal:
    """
    Runs a command whose standard input, output, error and controlling terminal are a new
    pseudo-terminal. Our end of the slave stays open, so that its modes can be looked at after the
    program has ended.
    """

    def __init__(self, command, environment, rows=24, columns=80, cwd=None):
        self.command = [os.fspath(word) for word in command]
        self.master, self.slave = os.openpty()
        self.resize(rows, columns)
        self.output = b""
        self.process = subprocess.Popen(
            self.command, env=environment, cwd=cwd, stdin=self.slave, stdout=self.slave,
            stderr=self.slave, start_new_session=True, preexec_fn=self._take_terminal)

    @staticmethod
    def _take_terminal():
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    def resize(self, rows, columns):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def modes(self):
        """What tcgetattr(3) says of the terminal."""
        return termios.tcgetattr(self.slave)

    def send(self, keys):
        """Type @keys (str or bytes); "\\x04" is control-D."""
        data = keys.encode() if isinstance(keys, str) else keys
        while data:
            data = data[os.write(self.master, data):]

    def expect(self, text, timeout=30):
        """
        Read until @text has been printed. Returns what came before it; the next expect() goes on
        behind it.
        """
        wanted = text.encode() if isinstance(text, str) else text
        deadline = time.monotonic() + timeout
        while wanted not in self.output:
            if not self._read(deadline - time.monotonic()):
                raise AssertionError(f"{self.command}: no {text!r} within {timeout} s in "
                                     f"{self.output.decode(errors='replace')!r}")
        before, _, self.output = self.output.partition(wanted)
        return before.decode(errors="surrogateescape")

    def wait(self, timeout=30):
        """
        Wait for the program's end, reading on, as a terminal does. Returns the exit status; the
        output that no expect() has consumed is in `output`.
        """
        deadline = time.monotonic() + timeout
        pidfd = os.pidfd_open(self.process.pid)
        try:
            while self.process.poll() is None:
                remaining = deadline - time.monotonic()
                if remaining <= 0:
                    raise AssertionError(f"{self.command}: still running after {timeout} s; "
                                         f"{self.output.decode(errors='replace')!r}")
                select.select([self.master, pidfd], [], [], remaining)
                self._read(0)
        finally:
            os.close(pidfd)
        while self._read(0):
            pass
        return self.process.returncode

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for descriptor in (self.master, self.slave):
            os.close(descriptor)

    def _read(self, timeout):
        """Read what is there within @timeout seconds. False when nothing came."""
        if timeout < 0 or not select.select([self.master], [], [], timeout)[0]:
            return False
        self.output += os.read(self.master, 65536)
        return True
