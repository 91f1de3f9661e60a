# SPDX-License-Identifier: Apache-2.0
"""
Containers and hosts that talk to each other, by tests/network/network-peer.c: servers tell their
client what they saw of it, and `reach` tries many ways at once.

    peers.start("web", "--network", "red", "-p", "8080:80", ports=["tcp:80"])
    wrong = reach([Way(world.outside, world.address("one"), 8080, seen=world.address("outside"))])
"""

import dataclasses
import io
import selectors
import socket
import tarfile
import time

from harness import hosts, images

IMAGE = "peer:test"
PATH = "/bin/network-peer"
_PATIENCE = 10  # seconds; for what must come about
_GRACE = 0.3  # for what must not, once everything else has come about

TCP, UDP = socket.SOCK_STREAM, socket.SOCK_DGRAM


def program(build):
    return build / "tests/network/network-peer"


def make_image(cay, build=None):
    """The small image with the program in it; tests/network has it beside that one. @build: which
    has the program, if it is not cay's."""
    output = io.BytesIO(images.busybox_tar())
    with open(program(build or cay.build), "rb") as file:
        content = file.read()
    entry = tarfile.TarInfo(PATH.lstrip("/"))
    entry.mode, entry.size = 0o755, len(content)
    with tarfile.open(fileobj=output, mode="a", format=tarfile.PAX_FORMAT) as archive:
        archive.addfile(entry, io.BytesIO(content))
    cay("import", "-", IMAGE, input=output.getvalue(), check=True)


def wait_until_ready(process):
    line = process.stdout.readline()
    if line not in (b"ready\n", "ready\n"):
        raise AssertionError(f"{process.args}: {line!r} {process.stderr.read()!r}")


class Peer:
    """A running container; `place` is its network."""

    def __init__(self, cay, name):
        self.cay, self.name = cay, name
        self.pid = int(cay.ok("inspect", "--format", "{{.State.Pid}}", name))
        self.place = hosts.of_process(self.pid)

    def address(self, family=4, interface="eth0"):
        """Its only one of @family at that interface, without a length."""
        (found,) = [address.partition("/")[0] for address in self.place.addresses(interface)
                    if (":" in address) == (family == 6)]
        return found


class Peers:
    """The containers of one state, each a `run` that is attached to."""

    def __init__(self, cay):
        self.cay, self.running = cay, {}
        self._helpers = []

    def begin(self, name, *options, ports=(), image=IMAGE):
        return self.cay.spawn("run", "--name", name, "--hostname", name, *options, image, PATH,
                              *ports)

    def start(self, name, *options, ports=(), image=IMAGE):
        """When this returns its servers answer."""
        return self.start_all({name: (options, ports)}, image)[name]

    def start_all(self, wanted, image=IMAGE):
        """{name: (options, ports)}, all at once. Returns {name: Peer}."""
        processes = [self.begin(name, *options, ports=ports, image=image)
                     for name, (options, ports) in wanted.items()]
        for process in processes:
            wait_until_ready(process)
        for name in wanted:
            self.running[name] = Peer(self.cay, name)
        return self.running

    def serve_on(self, place, *ports):
        """The same program, on a host."""
        process = place.spawn(program(self.cay.build), *ports)
        self._helpers.append(process)
        wait_until_ready(process)

    def forget(self, name):
        """Of one that ends: keep nothing of its network."""
        self.running.pop(name).place.close()

    def close(self):
        for name in list(self.running):
            self.forget(name)
        for process in self._helpers:
            process.kill()
            process.communicate()


@dataclasses.dataclass
class Way:
    """From a place to an address. @seen is what the server must see of the client, "*" where that
    is open, and None where nothing may come about; @answers who must answer, if it matters."""

    place: hosts.Place
    address: str
    port: int
    seen: str = None
    answers: str = None
    kind: int = TCP
    label: str = ""

    def __str__(self):
        kind = {TCP: "tcp", UDP: "udp"}[self.kind]
        return f"{self.label or 'a way'} to [{self.address}]:{self.port}/{kind}"

    def judge(self, answer):
        """What is wrong, or None. @answer is a server's line, an error, or None: no answer."""
        if self.seen is None:
            return f"{self}: must not pass: {answer}" if isinstance(answer, str) else None
        if not isinstance(answer, str):
            return f"{self}: must pass: {answer or 'no answer'}"
        name, client, _ = answer.split()
        if self.seen not in ("*", client):
            return f"{self}: came from {client}, not {self.seen}"
        return None if self.answers in (None, name) else f"{self}: '{name}' answered"


class _Try:
    """One way that is being tried."""

    def __init__(self, way):
        self.way, self.answer, self.received = way, None, b""
        self.socket = None
        try:
            self.socket = way.place.start_connecting(way.address, way.port, way.kind)
            if way.kind == UDP:
                self.socket.send(b"?")
        except OSError as error:
            self.answer = error

    def read(self):
        """True when it is known what comes of it."""
        try:
            data = self.socket.recv(4096)
        except OSError as error:
            self.answer = error
            return True
        self.received += data
        if self.received.endswith(b"\n"):
            self.answer = self.received.decode()
        elif not data:
            self.answer = ConnectionError("closed without a word")
        return self.answer is not None

    def close(self):
        if self.socket:
            self.socket.close()


def _wait(selector, is_enough, limit):
    deadline = time.monotonic() + limit
    while not is_enough() and selector.get_map() and (left := deadline - time.monotonic()) > 0:
        for key, _ in selector.select(left):
            if key.data.read():
                selector.unregister(key.fileobj)


def reach(ways, grace=_GRACE):
    """Try all @ways at once. Returns what is wrong, one line each."""
    tries = [_Try(way) for way in ways]
    with selectors.DefaultSelector() as selector:
        for each in tries:
            if each.answer is None:
                selector.register(each.socket, selectors.EVENT_READ, each)
        wanted = [each for each in tries if each.way.seen is not None]
        _wait(selector, lambda: all(each.answer is not None for each in wanted), _PATIENCE)
        _wait(selector, lambda: False, grace)
    for each in tries:
        each.close()
    return [wrong for each in tries if (wrong := each.way.judge(each.answer))]


def _receive_all(connection, size):
    data = bytearray()
    while len(data) < size:
        part = connection.recv(65536)
        assert part, f"the end after {len(data)} of {size} bytes"
        data += part
    return bytes(data)


def converse(connection, size=200_000):
    """Send @size bytes through a connection that is greeted(), and get them back."""
    payload = bytes(range(256)) * (size // 256)
    for start in range(0, len(payload), 16384):
        part = payload[start:start + 16384]
        connection.sendall(part)
        assert _receive_all(connection, len(part)) == part


def greeted(connection):
    """@connection, when the server's first line has been read."""
    while connection.recv(1) != b"\n":
        pass
    return connection
