# SPDX-License-Identifier: Apache-2.0
"""
DNS as tests see it: messages, a server that answers as it is told, and containers that are asked
for by cay-dns alone, without any engine around it.
"""

import collections
import contextlib
import dataclasses
import ipaddress
import json
import os
import random
import selectors
import socket
import struct
import subprocess
import threading

from harness import hosts, leaks

A, SOA, PTR, TXT, AAAA, OPT = 1, 6, 12, 16, 28, 41
OK, FORMAT, FAILURE, NO_NAME, NOT_IMPLEMENTED, REFUSED = range(6)
RESPONSE, TRUNCATED, RECURSION = 0x8000, 0x0200, 0x0100
SERVER = ("127.0.0.11", 53)


def encode_name(name):
    labels = [label.encode() for label in name.rstrip(".").split(".") if label]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def question(name, kind=A, id=None, flags=RECURSION, edns=None, edns_options=b"", count=1):
    """A query; @edns is the size of answers that is understood."""
    id = random.randrange(65536) if id is None else id
    message = struct.pack(">6H", id, flags, count, 0, 0, 0 if edns is None else 1)
    message += encode_name(name) + struct.pack(">2H", kind, 1)
    if edns is not None:
        message += b"\0" + struct.pack(">2HIH", OPT, edns, 0, len(edns_options)) + edns_options
    return message


def record(name, kind, content, lifetime=60):
    return encode_name(name) + struct.pack(">2HIH", kind, 1, lifetime, len(content)) + content


def address_record(name, address, lifetime=60):
    address = ipaddress.ip_address(address)
    return record(name, A if address.version == 4 else AAAA, address.packed, lifetime)


def no_such_name(zone="example", lifetime=60):
    """The SOA record that says for how long there is nothing."""
    return record(zone, SOA, encode_name(f"ns.{zone}") + encode_name(f"mail.{zone}") +
                  struct.pack(">5I", 1, 2, 3, 4, lifetime), lifetime)


def reply(query, *answers, code=OK, flags=0, authorities=(), id=None):
    """The answer to a question's message."""
    end = 12 + len(encode_name(Message(query).name)) + 4
    header = struct.pack(">6H", Message(query).id if id is None else id,
                         RESPONSE | RECURSION | flags | code, 1, len(answers), len(authorities), 0)
    return header + query[12:end] + b"".join(answers) + b"".join(authorities)


Record = collections.namedtuple("Record", "name kind lifetime data")


class Message:
    """A message that was received; whatever is wrong with it is an exception."""

    def __init__(self, data):
        self.data = data
        self.id, self.flags, questions, *counts = struct.unpack_from(">6H", data)
        self.code = self.flags & 15
        self.is_truncated = bool(self.flags & TRUNCATED)
        self.name, self.kind, offset = None, None, 12
        for _ in range(questions):
            self.name, offset = self._name(offset)
            self.kind, _class = struct.unpack_from(">2H", data, offset)
            offset += 4
        sections = []
        for count in counts:
            sections.append([])
            for _ in range(count):
                found, offset = self._record(offset)
                sections[-1].append(found)
        self.answers, self.authorities, self.additional = sections
        assert offset == len(data), "there is something behind the message"

    def _name(self, offset):
        labels, end = [], None
        while self.data[offset]:
            if self.data[offset] >= 0xc0:
                end = end or offset + 2
                offset = struct.unpack_from(">H", self.data, offset)[0] & 0x3fff
                continue
            labels.append(self.data[offset + 1:offset + 1 + self.data[offset]].decode("latin-1"))
            offset += 1 + self.data[offset]
        return ".".join(labels), end or offset + 1

    def _record(self, offset):
        name, offset = self._name(offset)
        kind, _class, lifetime, size = struct.unpack_from(">2HIH", self.data, offset)
        content = self.data[offset + 10:offset + 10 + size]
        assert len(content) == size
        if kind in (A, AAAA):
            content = str(ipaddress.ip_address(content))
        elif kind == PTR:
            content = self._name(offset + 10)[0]
        return Record(name, kind, lifetime, content), offset + 10 + size

    @property
    def values(self):
        return [answer.data for answer in self.answers]


def receive_stream(connected):
    """A message from a connection over TCP; None: it was closed."""
    data = b""
    while len(data) < 2 or len(data) < 2 + int.from_bytes(data[:2], "big"):
        part = connected.recv(65537)
        if not part:
            return None
        data += part
    return data[2:]


def send_stream(connected, message):
    connected.sendall(struct.pack(">H", len(message)) + message)


class Upstream:
    """
    A server at @address of @place. What it says is up to `answer`, a function of the Message, of
    "udp" or "tcp" and of the server, that returns messages or None; what it was asked is in `asked`
    as (transport, name, kind). It has one thread, which ends with it.
    """

    def __init__(self, place, address, answer=None, port=53, with_tcp=True):
        self.address = address
        self.answer = answer or (lambda message, transport: [reply(message.data)])
        self.asked, self.ports, self.ids = [], [], []
        self.udp = place.listen(address, port, socket.SOCK_DGRAM)
        self.tcp = place.listen(address, port) if with_tcp else None
        self._selector = selectors.DefaultSelector()
        self._ours, self._theirs = socket.socketpair()
        self._changed = threading.Condition()
        for listening, handler in (self.udp, self._on_udp), (self.tcp, self._on_tcp):
            if listening:
                self._selector.register(listening, selectors.EVENT_READ, handler)
        self._selector.register(self._theirs, selectors.EVENT_READ, None)
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def close(self):
        self._ours.close()
        self._thread.join()
        for key in list(self._selector.get_map().values()):
            key.fileobj.close()
        self._selector.close()

    def wait_for(self, count):
        """Until it was asked so often."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.asked) >= count, 20), self.asked

    def _run(self):
        while True:
            for key, _ in self._selector.select():
                if key.data is None:
                    return
                key.data(key.fileobj)

    def _answers(self, data, transport):
        message = Message(data)
        with self._changed:
            self.asked.append((transport, message.name, message.kind))
            self.ids.append(message.id)
            self._changed.notify_all()
        return self.answer(message, transport) or []

    def _on_udp(self, udp):
        data, sender = udp.recvfrom(65536)
        self.ports.append(sender[1])
        for answer in self._answers(data, "udp"):
            with contextlib.suppress(OSError):  # who has asked may be gone
                udp.sendto(answer, sender)

    def _on_tcp(self, tcp):
        connected, _ = tcp.accept()
        self._selector.register(connected, selectors.EVENT_READ, self._on_connection)

    def _on_connection(self, connected):
        with contextlib.suppress(OSError):
            data = receive_stream(connected)
            if data is not None:
                for answer in self._answers(data, "tcp"):
                    send_stream(connected, answer)
                return
        self._selector.unregister(connected)
        connected.close()


@dataclasses.dataclass
class Refusal(Exception):
    """What the client reports: `kind` for programs, `text` for people."""

    kind: str
    text: str


class Names:
    """cay-dns on a host, by its client (dns-tool), with a runtime directory of its own."""

    def __init__(self, build, host, directory, libexec=None):
        self.build, self.host, self.directory = build, host, directory
        self.libexec = libexec or build  # where the program is
        self.containers = []

    def tool(self, *arguments, input=""):
        process = self.start_tool(*arguments)
        output, errors = process.communicate(input, timeout=60)
        if process.returncode != 0:
            raise Refusal(*errors.strip().split(": ", 1))
        return output

    def start_tool(self, *arguments, tracer=()):
        """@tracer: a command before the tool's."""
        environment = dict(os.environ, CAY_LIBEXEC=str(self.libexec))
        if tracer:  # LeakSanitizer would be one, too
            environment["ASAN_OPTIONS"] = "detect_leaks=0"
        return self.host.spawn(*tracer, self.build / "tests/names/dns-tool", self.directory,
                               *arguments, stdin=subprocess.PIPE, env=environment)

    def list(self):
        return set(self.tool("list").split())

    def add(self, *names, **options):
        """A container that is known by then."""
        container = self.make(*names, **options)
        container.register()
        return container

    def make(self, *names, **options):
        """A container that is not registered."""
        container = Container(self, names, **options)
        self.containers.append(container)
        return container

    def program(self):
        """The pid of the program."""
        (pid,) = self.programs()
        return pid

    def programs(self):
        return [pid for pid in self.host.processes() if _name_of(pid) == "cay-dns"]

    def close(self):
        for container in self.containers:
            container.end()
        left = leaks.wait_for_end(self.programs, leaks.SETTLE_LIMIT)
        for pid in left:
            os.kill(pid, 9)
        assert not left, "cay-dns outlives its last container"


def _name_of(pid):
    with contextlib.suppress(OSError):
        return (leaks.PROC / str(pid) / "comm").read_text(encoding="utf-8").strip()
    return None


class Asker:
    """Whoever is at a place."""

    def __init__(self, place):
        self.place = place

    def ask(self, name, kind=A, server=SERVER[0], **options):
        """The answer to a question over UDP."""
        return self.exchange(question(name, kind, **options), server)

    def exchange(self, message, server=SERVER[0]):
        with self.place.connect(server, 53, socket.SOCK_DGRAM) as client:
            client.send(message)
            return Message(client.recv(65536))

    def ask_tcp(self, name, kind=A, server=SERVER[0], **options):
        with self.place.connect(server, 53) as client:
            send_stream(client, question(name, kind, **options))
            return Message(receive_stream(client))

    def values(self, name, kind=A):
        """What there is of a name, sorted; its code where it has none."""
        answer = self.ask(name, kind)
        return sorted(answer.values) if answer.code == OK else answer.code


class Container(Asker):
    """A network namespace and a process in it. Its id is made of its number."""

    def __init__(self, names, its_names, addresses=("10.0.0.1",), network="net", networks=None,
                 **members):
        number = len(names.containers)
        self.names = names
        self.id = f"{number:064x}"
        self.members = {"id": self.id, **members, "networks": networks or [
            {"network": network, "addresses": list(addresses), "names": list(its_names)}]}
        super().__init__(hosts.Host())
        self.process = self.place.spawn("cat", stdin=subprocess.PIPE)

    def register(self):
        self.names.tool("register", self.process.pid, input=json.dumps(self.members))

    def update(self, **members):
        self.members |= members
        self.names.tool("update", input=json.dumps(self.members))

    def kill(self):
        """End its process. Its place stays."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()

    def end(self):
        self.kill()
        self.place.close()
