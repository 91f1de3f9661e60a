# SPDX-License-Identifier: Apache-2.0
"""A proxy in front of a registry: it writes down what it is asked, and misbehaves as it is told.

    with fault_proxy.serve(registry) as proxy:
        proxy.on("/blobs/", fault_proxy.cut(1000), nth=1)
        cay.ok("pull", proxy.name("one"))
        assert proxy.asked("/blobs/")[1].range == "bytes=1000-"

An action is a function of the Exchange. A hold ends when its event is set, or with the proxy.
"""

import contextlib
import dataclasses
import http.client
import json
import re
import socket
import struct
import threading

from harness.registries import Registry

PIECE = 16 * 1024
LIMIT = 60
_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "expect",
               "proxy-connection", "te", "upgrade"}


@dataclasses.dataclass(eq=False)
class Request:
    """What was asked, and how much was answered: `status` and `sent` (bytes of body) grow."""

    method: str
    path: str
    headers: dict  # names in lower case
    body: bytes = b""
    status: int = 0
    sent: int = 0

    @property
    def range(self):
        return self.headers.get("range")

    @property
    def credentials(self):
        return self.headers.get("authorization")


class _Closed(Exception):
    """The connection is of no use any more."""


class Exchange:
    """One request on its way: an action relays it, changed or not, or answers itself."""

    def __init__(self, proxy, connection, request):
        self.proxy = proxy
        self.request = request
        self._connection = connection

    def send(self, status, headers, body=()):
        """The head and the pieces of a body; nothing is added or corrected."""
        self.request.status = status
        reason = http.client.responses.get(status, "")
        lines = [f"HTTP/1.1 {status} {reason}", *(f"{name}: {value}" for name, value in headers)]
        self.raw("\r\n".join(lines).encode() + b"\r\n\r\n")
        for piece in body:
            self.request.sent += len(piece)  # before who gets it can look here
            self.raw(piece)
            self.proxy.changed()

    def raw(self, data):
        try:
            self._connection.sendall(data)
        except OSError:
            raise _Closed from None

    def cut(self, reset=True):
        """End the connection, as a machine does that goes away."""
        if reset:
            now = struct.pack("ii", 1, 0)
            self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, now)
        raise _Closed

    def answer(self, status, body=b"", *headers):
        self.send(status, [("Content-Length", len(body)), *headers],
                  [body] if body and self.request.method != "HEAD" else [])

    def relay(self, change=lambda pieces: pieces, headers=None, without=()):
        """Ask the registry, @without some headers, and pass its answer on: its body as @change
        makes it, its @headers with others in their place (None: without)."""
        with self.proxy.ask(self.request, without) as response:
            replaced = {name.lower(): value for name, value in (headers or {}).items()}
            passed = [(name, value) for name, value in response.getheaders()
                      if name.lower() not in _HOP_BY_HOP - {"content-length"} | set(replaced)]
            passed += [(name, value) for name, value in replaced.items() if value is not None]
            pieces = iter(lambda: response.read(PIECE), b"")
            if self.request.method != "HEAD" and response.getheader("Content-Length") is None \
                    and response.status != 204:
                pieces = [b"".join(pieces)]
                passed.append(("Content-Length", len(pieces[0])))
            self.send(response.status, passed, change(pieces))


# Actions

def relay(**options):
    return lambda exchange: exchange.relay(**options)


def cut(after, reset=True):
    """The connection ends after so many bytes of the body; None: before there is any answer."""
    def action(exchange):
        def change(pieces):
            left = after
            for piece in pieces:
                yield piece[:left]
                left -= len(piece[:left])
                if not left:
                    exchange.cut(reset)
        if after is None:
            exchange.cut(reset)
        exchange.relay(change)
    return action


def corrupt(offset):
    """One bit of the body's byte @offset is the other one."""
    def change(pieces):
        seen = 0
        for piece in pieces:
            if seen <= offset < seen + len(piece):
                at = offset - seen
                piece = piece[:at] + bytes([piece[at] ^ 1]) + piece[at + 1:]
            seen += len(piece)
            yield piece
    return relay(change=change)


def hold(event, after=0, then=None):
    """The body goes on after its first @after bytes when @event is set; None: never. @then: the
    connection is cut instead of going on."""
    def action(exchange):
        def change(pieces):
            left = after
            for piece in pieces:
                yield piece[:left]
                rest, left = piece[left:], left - len(piece[:left])
                if rest:
                    exchange.proxy.wait_for_event(event)
                    if then == "cut":
                        exchange.cut()
                    yield rest
                    break
            yield from pieces
        exchange.relay(change)
    return action


def answer(status, body=b"", **headers):
    """Underscores in names of headers stand for hyphens."""
    named = [(name.replace("_", "-"), value) for name, value in headers.items()]
    return lambda exchange: exchange.answer(status, body, *named)


def error(status, code, message, **headers):
    """As registries tell of errors."""
    body = json.dumps({"errors": [{"code": code, "message": message}]}).encode()
    return answer(status, body, Content_Type="application/json", **headers)


def redirect(url, status=307):
    """To the same path at @url ("http://127.0.0.1:9"), or where the function @url says."""
    def action(exchange):
        target = url(exchange.request) if callable(url) else url + exchange.request.path
        exchange.answer(status, b"", ("Location", target))
    return action


def raw(data):
    """@data instead of any answer; then the connection ends."""
    def action(exchange):
        exchange.raw(data)
        exchange.cut(reset=False)
    return action


def extended(more):
    """The body goes on where it should end, and the header says so, too."""
    def action(exchange):
        def change(pieces):
            yield from pieces
            yield more
        with exchange.proxy.ask(exchange.request) as response:
            size = int(response.getheader("Content-Length")) + len(more)
        exchange.relay(change, {"Content-Length": size})
    return action


no_ranges = relay(without=("range",), headers={"Accept-Ranges": None})


@dataclasses.dataclass
class _Rule:
    pattern: re.Pattern
    method: str
    action: object
    nth: object
    seen: int = 0

    def applies(self, request):
        if request.method != self.method or not self.pattern.search(request.path):
            return False
        self.seen += 1
        return self.nth is None or self.seen in self.nth


class FaultProxy(Registry):
    """Also a Registry: what a test asks itself is not written down."""

    def __init__(self, upstream, context, authority, listener):
        address, port = listener.getsockname()
        super().__init__(f"{address}:{port}", authority)
        self._listener = listener
        self.upstream = upstream
        self.requests = []
        self._context = context
        self._rules = []
        self._changed = threading.Condition()
        self._connections = set()
        self._events = set()
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def request(self, *arguments, **options):
        return self.upstream.request(*arguments, **options)

    def on(self, pattern, action, nth=None, method="GET"):
        """Do @action for the requests whose path has @pattern; @nth: only the first (1), or those
        in a range, of them: all that match count. The oldest rule for a request has its way."""
        nth = [nth] if isinstance(nth, int) else nth
        self._rules.append(_Rule(re.compile(pattern), method, action, nth))
        return self

    def forget(self):
        """Behave from now on, with an empty record."""
        self._rules.clear()
        self.requests.clear()

    def asked(self, pattern, method="GET"):
        return [request for request in list(self.requests)
                if request.method == method and re.search(pattern, request.path)]

    def wait_for(self, condition):
        """Until @condition() holds: of what was asked and sent."""
        with self._changed:
            assert self._changed.wait_for(condition, LIMIT), "the proxy has waited in vain"

    def wait_for_request(self, pattern, count=1, method="GET"):
        self.wait_for(lambda: len(self.asked(pattern, method)) >= count)

    def changed(self):
        with self._changed:
            self._changed.notify_all()

    def wait_for_event(self, event):
        event = event or threading.Event()
        self._events.add(event)
        assert event.wait(LIMIT), "a hold has waited in vain"

    @contextlib.contextmanager
    def ask(self, request, without=()):
        """The registry's answer to @request."""
        connection = self.upstream.connect()
        try:
            connection.putrequest(request.method, request.path, skip_host=True,
                                  skip_accept_encoding=True)
            for name, value in request.headers.items():
                if name not in _HOP_BY_HOP and name not in without:
                    connection.putheader(name, value)
            if request.body or request.method in ("PUT", "POST", "PATCH"):
                connection.putheader("Content-Length", str(len(request.body)))
            connection.endheaders(request.body or None)
            yield connection.getresponse()
        finally:
            connection.close()

    def close(self):
        """End every connection and whatever is held."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()
        for event in list(self._events):
            event.set()
        for connection in list(self._connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        self._connections.add(connection)
        with contextlib.suppress(OSError, _Closed), connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._context:
                self._connections.discard(connection)
                connection = self._context.wrap_socket(connection, server_side=True)
                self._connections.add(connection)
            try:
                with connection, connection.makefile("rb") as reader:
                    while request := self._read(reader, connection):
                        self._handle(connection, request)
            finally:
                self._connections.discard(connection)

    def _handle(self, connection, request):
        with self._changed:
            self.requests.append(request)
            found = [rule for rule in self._rules if rule.applies(request)]
            self._changed.notify_all()
        exchange = Exchange(self, connection, request)
        (found[0].action if found else relay())(exchange)

    @staticmethod
    def _read(reader, connection):
        if reader.peek(1)[:1] == b"\x16":  # the handshake of TLS, answered as others do
            connection.sendall(b"HTTP/1.0 400 Bad Request\r\n\r\n")
            return None
        line = reader.readline().decode("latin-1").split()
        if len(line) != 3:
            return None
        parsed = http.client.parse_headers(reader)
        headers = {name.lower(): ", ".join(parsed.get_all(name)) for name in parsed}
        request = Request(line[0], line[1], headers)
        if headers.get("expect"):
            connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        if headers.get("transfer-encoding") == "chunked":
            while size := int(reader.readline().split(b";")[0], 16):
                request.body += reader.read(size)
                reader.readline()
            reader.readline()
        else:
            request.body = reader.read(int(headers.get("content-length") or 0))
        return request


@contextlib.contextmanager
def serve(upstream, context=None, authority=None, listener=None):
    """A proxy for the Registry @upstream; with TLS if there is a @context, and the @authority. It
    is on the loopback interface unless there is a @listener."""
    listener = listener or socket.create_server(("127.0.0.1", 0), backlog=128)
    proxy = FaultProxy(upstream, context, authority, listener)
    try:
        yield proxy
    finally:
        proxy.close()
