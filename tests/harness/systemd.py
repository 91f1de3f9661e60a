# SPDX-License-Identifier: Apache-2.0
"""A stand-in for systemd and its bus: as much of D-Bus as the systemd cgroup driver speaks.

FakeSystemd listens on a Unix socket and answers from a thread. A unit is a cgroup in the v2
hierarchy and in v1's name=systemd, as on a hybrid host; `calls` has what was asked for, decoded,
and `failures` makes a method fail: {"StartTransientUnit": "org.freedesktop.systemd1.UnitExists"}.
"""

import contextlib
import os
import pathlib
import re
import socket
import struct
import threading

MANAGER = "org.freedesktop.systemd1.Manager"
ALIGNMENT = {"y": 1, "b": 4, "u": 4, "i": 4, "t": 8, "x": 8, "s": 4, "o": 4, "g": 1, "a": 4,
             "v": 1, "(": 8}
NUMBERS = {"y": "B", "b": "I", "u": "I", "i": "i", "t": "Q", "x": "q"}
CALL, RETURN, ERROR, SIGNAL = 1, 2, 3, 4
FIELDS = {1: "path", 2: "interface", 3: "member", 4: "error", 5: "reply", 6: "destination",
          7: "sender", 8: "signature"}


def split(signature):
    """The complete types of a signature: "sa(sv)u" -> ["s", "a(sv)", "u"]."""
    types = []
    while signature:
        end = 0
        while signature[end] == "a":
            end += 1
        depth = 0
        while True:
            depth += {"(": 1, ")": -1}.get(signature[end], 0)
            end += 1
            if depth == 0:
                break
        types.append(signature[:end])
        signature = signature[end:]
    return types


class Reader:
    def __init__(self, data):
        self.data = data
        self.at = 0

    def take(self, size):
        assert self.at + size <= len(self.data), "a value that is not there"
        self.at += size
        return self.data[self.at - size:self.at]

    def read(self, kind):
        self.take(-self.at % ALIGNMENT[kind[0]])
        if kind in NUMBERS:
            code = NUMBERS[kind]
            return struct.unpack("=" + code, self.take(struct.calcsize("=" + code)))[0]
        if kind in "so":
            text = self.take(self.read("u")).decode()
            assert self.take(1) == b"\0"
            return text
        if kind == "g":
            text = self.take(self.read("y")).decode()
            assert self.take(1) == b"\0"
            return text
        if kind == "v":
            return self.read(self.read("g"))
        if kind[0] == "(":
            return tuple(self.read(part) for part in split(kind[1:-1]))
        size = self.read("u")
        self.take(-self.at % ALIGNMENT[kind[1]])
        end = self.at + size
        items = []
        while self.at < end:
            items.append(self.read(kind[1:]))
        assert self.at == end, "an array of another size"
        return items


class Writer:
    def __init__(self):
        self.data = b""

    def write(self, kind, value):
        self.data += bytes(-len(self.data) % ALIGNMENT[kind[0]])
        if kind in NUMBERS:
            self.data += struct.pack("=" + NUMBERS[kind], value)
        elif kind in "so":
            self.write("u", len(value.encode()))
            self.data += value.encode() + b"\0"
        elif kind == "g":
            self.data += bytes([len(value)]) + value.encode() + b"\0"
        elif kind == "v":
            self.write("g", value[0])
            self.write(*value)
        elif kind[0] == "(":
            for part, item in zip(split(kind[1:-1]), value):
                self.write(part, item)
        else:
            raise AssertionError(kind)


def encode(message_type, serial, fields, signature="", values=()):
    body = Writer()
    for kind, value in zip(split(signature), values):
        body.write(kind, value)
    listed = Writer()
    if signature:
        fields = {**fields, 8: ("g", signature)}
    for code, field in fields.items():
        listed.write("(yv)", (code, field))
    head = struct.pack("=4B3I", ord("l" if struct.pack("=H", 1)[0] else "B"), message_type, 0, 1,
                       len(body.data), serial, len(listed.data))
    return head + listed.data + bytes(-len(listed.data) % 8) + body.data


class FakeSystemd:
    def __init__(self, directory, slice_path, hierarchies):
        self.path = str(directory / "bus")
        self.address = f"unix:path={self.path}"
        self.slice_path = slice_path  # where all slices are: of the test's own
        self.hierarchies = [pathlib.Path(path) for path in hierarchies]
        self.calls = []
        self.failures = {}
        self.job_result = "done"
        self.units = {}
        self.job_first = False  # the job's end comes before the answer that names the job
        self.silent = False
        self.garbage = b""  # sent in place of the first answer
        self.problems = []
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen()
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join()
        for unit in list(self.units):
            self.stop(unit)
        for hierarchy in self.hierarchies:
            with contextlib.suppress(FileNotFoundError):
                (hierarchy / self.slice_path.lstrip("/")).rmdir()
        assert not self.problems, self.problems

    def called(self, member):
        return [values for name, values in self.calls if name == member]

    def properties(self, member, position):
        """Those of the only call of @member, a list of values by name."""
        [values] = self.called(member)
        found = {}
        for name, value in values[position]:
            found.setdefault(name, []).append(value)
        return found

    def _serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with connection:
                try:
                    Connection(self, connection).serve()
                except (ConnectionError, EOFError):
                    pass
                except Exception as problem:  # told where the test looks, not on a thread
                    self.problems.append(repr(problem))

    def start(self, name, pids):
        path = f"{self.slice_path}/{name}"
        for hierarchy in self.hierarchies:
            directory = hierarchy / path.lstrip("/")
            directory.mkdir(parents=True)
            for pid in pids:
                (directory / "cgroup.procs").write_text(str(pid))
        self.units[name] = path

    def stop(self, name):
        path = self.units.pop(name)
        for hierarchy in self.hierarchies:
            with contextlib.suppress(FileNotFoundError):
                (hierarchy / path.lstrip("/")).rmdir()


class Connection:
    def __init__(self, systemd, connection):
        self.systemd = systemd
        self.stream = connection.makefile("rwb", buffering=0)
        self.serial = 100
        self.rules = []

    def serve(self):
        self._authenticate()
        while True:
            self._answer(*self._receive())

    def _line(self):
        line = self.stream.readline()
        if not line.endswith(b"\r\n"):
            raise EOFError
        return line[:-2]

    def _authenticate(self):
        assert self._read(1) == b"\0", "no NUL before the authentication"
        assert self._line() == b"AUTH EXTERNAL"
        self.stream.write(b"DATA\r\n")
        assert self._line() == b"DATA"
        self.stream.write(b"OK 0123456789abcdef0123456789abcdef\r\n")
        assert self._line() == b"BEGIN"

    def _read(self, size):
        data = b""
        while len(data) < size:
            more = self.stream.read(size - len(data))
            if not more:
                raise EOFError
            data += more
        return data

    def _receive(self):
        head = self._read(16)
        body_size, serial, fields_size = struct.unpack("=3I", head[4:])
        rest = self._read(fields_size + -fields_size % 8 + body_size)
        reader = Reader(head + rest[:fields_size])
        reader.at = 16
        fields = {}
        while reader.at < len(reader.data):
            code, value = reader.read("(yv)")
            fields[FIELDS[code]] = value
        body = Reader(rest[len(rest) - body_size:])
        values = [body.read(kind) for kind in split(fields.get("signature", ""))]
        assert body.at == body_size, "more in the body than the signature says"
        return serial, fields, values

    def _send(self, *arguments):
        self.serial += 1
        self.stream.write(encode(arguments[0], self.serial, *arguments[1:]))

    def _answer(self, serial, fields, values):
        member = fields["member"]
        self.systemd.calls.append((member, values))
        if self.systemd.garbage:
            self.stream.write(self.systemd.garbage)
            return
        if self.systemd.silent and member != "Hello":
            raise EOFError
        failure = self.systemd.failures.get(member)
        if failure:
            self._send(ERROR, {4: ("s", failure), 5: ("u", serial)}, "s", [f"{member} failed"])
            return
        handler = getattr(self, "_on_" + re.sub(r"(?<!^)(?=[A-Z])", "_", member).lower())
        handler({5: ("u", serial)}, values)

    def _on_hello(self, reply, _values):
        self._send(RETURN, reply, "s", [":1.1"])

    def _on_add_match(self, reply, values):
        self.rules += values
        self._send(RETURN, reply)

    def _on_subscribe(self, reply, _values):
        self._send(RETURN, reply)

    def _job(self, reply, unit):
        assert any(f"arg2='{unit}'" in rule for rule in self.rules), "nobody waits for the job"
        job = "/org/freedesktop/systemd1/job/7"
        end = ({1: ("o", "/org/freedesktop/systemd1"), 2: ("s", MANAGER), 3: ("s", "JobRemoved")},
               "uoss", [7, job, unit, self.systemd.job_result])
        if self.systemd.job_first:
            self._send(SIGNAL, *end)
        self._send(RETURN, reply, "o", [job])
        if not self.systemd.job_first:
            self._send(SIGNAL, *end)

    def _on_start_transient_unit(self, reply, values):
        name, _mode, properties, _others = values
        pids = dict(properties).get("PIDs", [])
        self.systemd.start(name, pids)
        self._job(reply, name)

    def _on_get_unit(self, reply, values):
        assert values[0] in self.systemd.units
        self._send(RETURN, reply, "o", ["/org/freedesktop/systemd1/unit/some"])

    def _on_get(self, reply, values):
        assert values == ["org.freedesktop.systemd1.Scope", "ControlGroup"]
        [path] = self.systemd.units.values()
        self._send(RETURN, reply, "v", [("s", path)])

    def _on_set_unit_properties(self, reply, values):
        assert values[0] in self.systemd.units
        self._send(RETURN, reply)

    def _on_stop_unit(self, reply, values):
        self.systemd.stop(values[0])
        self._job(reply, values[0])
