# SPDX-License-Identifier: Apache-2.0
"""Servers of HTTP/1.1 on a free port of the loopback interface, that end with their block."""

import contextlib
import http.server
import threading


class Server(http.server.ThreadingHTTPServer):
    """One thread per connection; all of them end with the server."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers whole documents, keeps connections, and says nothing on standard error."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def body(self):
        """The request's, whichever way its end is told."""
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            return b"".join(iter(self._chunk, b""))
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _chunk(self):
        size = int(self.rfile.readline().split(b";")[0], 16)
        data = self.rfile.read(size)
        self.rfile.readline()
        return data

    def answer(self, status, body=b"", **headers):
        """Underscores in names of headers stand for hyphens. A HEAD gets all but the body."""
        self.send_response(status)
        for name, value in headers.items():
            if value is not None:
                self.send_header(name.replace("_", "-"), str(value))
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def address_string(self):
        return "cay"

    def log_message(self, *_):  # pylint: disable=arguments-differ
        pass


@contextlib.contextmanager
def serve(handler, context=None, address="127.0.0.1"):
    """A Server of @handler, with TLS if there is a @context; `server.host` is how to call it."""
    with Server((address, 0), handler) as server:
        server.host = f"{address}:{server.server_address[1]}"
        server.url = f"{'https' if context else 'http'}://{server.host}"
        if context:
            # The handshake is the connection's thread's: who never speaks keeps nobody waiting.
            server.socket = context.wrap_socket(server.socket, server_side=True,
                                                do_handshake_on_connect=False)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
