# SPDX-License-Identifier: Apache-2.0
"""A plug-in for volumes, as small as one can be: directories below one of the test's.

    with volume_plugin.serve(tmp_path) as plugin:
        cay.ok("volume", "create", "--driver", plugin.name, "data")
        assert plugin.calls == ["Plugin.Activate", ...]
"""

import contextlib
import http.server
import itertools
import json
import os
import pathlib
import shutil
import socketserver
import threading

SOCKETS = pathlib.Path("/run/docker/plugins")
_numbers = itertools.count()


class Plugin:
    """What it has, what it was asked, and what it is to answer instead."""

    def __init__(self, directory, name):
        self.name = name
        self.directory = pathlib.Path(directory)
        self.volumes = {}
        self.mounts = {}   # volume -> ids that have it mounted
        self.requests = []
        self.errors = {}   # method -> the text of its error
        self.raw = {}      # method -> the bytes of the whole response
        self.implements = ["VolumeDriver"]

    @property
    def calls(self):
        return [method.removeprefix("VolumeDriver.") for method, _ in self.requests]

    def path(self, name):
        return self.directory / name

    def answer(self, method, request):
        self.requests.append((method, request))
        if method in self.errors:
            return {"Err": self.errors[method]}
        if method == "Plugin.Activate":
            return {"Implements": self.implements}
        methods = {"Create": self.create, "Remove": self.remove, "Mount": self.mount,
                   "Unmount": self.unmount, "Get": self.get, "Path": self.path_of,
                   "Capabilities": self.capabilities}
        return methods[method.removeprefix("VolumeDriver.")](request)

    def create(self, request):
        self.path(request["Name"]).mkdir()
        self.volumes[request["Name"]] = request["Opts"]
        return {"Err": ""}

    def remove(self, request):
        if self.volumes.pop(request["Name"], None) is None:
            return {"Err": "there is none"}
        shutil.rmtree(self.path(request["Name"]))
        return {}

    def mount(self, request):
        self.mounts.setdefault(request["Name"], []).append(request["ID"])
        return {"Mountpoint": str(self.path(request["Name"]))}

    def unmount(self, request):
        self.mounts[request["Name"]].remove(request["ID"])
        return {}

    def get(self, request):
        if request["Name"] not in self.volumes:
            return {"Err": "there is none"}
        return {"Volume": {"Name": request["Name"], "Status": {"colour": "red"},
                           "Mountpoint": str(self.path(request["Name"]))}}

    def capabilities(self, _):
        return {"Capabilities": {"Scope": "global"}}

    def path_of(self, request):
        return {"Mountpoint": str(self.path(request["Name"]))}


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    plugin = None

    def do_POST(self):  # pylint: disable=invalid-name
        method = self.path[1:]
        body = self.rfile.read(int(self.headers["Content-Length"]))
        plugin = self.server.plugin
        answer = json.dumps(plugin.answer(method, json.loads(body) if body else None)).encode()
        if method in plugin.raw:
            self.wfile.write(plugin.raw[method])
            self.close_connection = True
            return
        self.send_response(500 if b'"Err": "' in answer and b'"Err": ""' not in answer else 200)
        self.send_header("Content-Type", "application/vnd.docker.plugins.v1.2+json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for part in (answer[:3], answer[3:]):
            if part:
                self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
        self.wfile.write(b"0\r\n\r\n")

    def address_string(self):
        return "cay"

    def log_message(self, *_):  # pylint: disable=arguments-differ
        pass


class _Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


def unique_name():
    return f"caytest-{os.getpid()}-{next(_numbers)}"


@contextlib.contextmanager
def serve(directory, name=None, socket=None):
    """A plug-in that answers at @socket: where plug-ins are looked for, unless that is given."""
    plugin = Plugin(directory, name or unique_name())
    made = [] if socket else _make_directories(SOCKETS)
    path = pathlib.Path(socket or SOCKETS / f"{plugin.name}.sock")
    with _Server(str(path), _Handler) as server:
        server.plugin = plugin
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield plugin
        finally:
            server.shutdown()
            thread.join()
            path.unlink()
            _remove_directories(made)


def _make_directories(directory):
    """Returns those that were not there, innermost first."""
    made = [path for path in (directory, *directory.parents) if not path.exists()]
    directory.mkdir(parents=True, exist_ok=True)
    return made


def _remove_directories(directories):
    for directory in directories:
        with contextlib.suppress(OSError):  # another test's plug-in may be in it by now
            directory.rmdir()


@contextlib.contextmanager
def describe(directory, file_name, text):
    """A file that tells where a plug-in is."""
    directory = pathlib.Path(directory)
    made = _make_directories(directory)
    path = directory / file_name
    path.write_text(text)
    try:
        yield
    finally:
        path.unlink()
        _remove_directories(made)
