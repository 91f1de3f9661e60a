# SPDX-License-Identifier: Apache-2.0
"""Registries on the loopback interface: Debian's docker-registry, on a port of its own.

    with registries.run(tmp_path) as registry:
        registry.push("library/one", "latest", registry_images.small())
        cay.ok("pull", f"{registry.host}/library/one")

`Registry` speaks to any registry without cay: what it says is the truth that tests compare with.
"""

import base64
import contextlib
import http.client
import json
import re
import ssl
import subprocess
import threading

from harness.image_archives import INDEX, MANIFEST, sha256
from harness.registry_images import DOCKER_LIST, DOCKER_MANIFEST

PROGRAM = "/usr/bin/docker-registry"
ACCEPT = ", ".join((MANIFEST, INDEX, DOCKER_MANIFEST, DOCKER_LIST))
REALM = "the tests"


class Missing(LookupError):
    """There is no such manifest, blob or repository."""


class Registry:
    """One registry at @host ("127.0.0.1:PORT"). @authority: it speaks TLS, certified by that."""

    def __init__(self, host, authority=None, credentials=None):
        self.host = host
        self.port = int(host.rpartition(":")[2])
        self.url = f"{'https' if authority else 'http'}://{host}"
        self.authority = authority
        self.credentials = credentials
        self.token = None  # callable: the bearer token for (repository, actions)

    def request(self, method, path, body=None, repository=None, **headers):
        """(status, headers, body). Underscores in names of headers stand for hyphens."""
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.token and repository:
            headers["Authorization"] = "Bearer " + self.token(repository, "pull,push,delete")
        elif self.credentials:
            pair = ":".join(self.credentials).encode()
            headers["Authorization"] = "Basic " + base64.b64encode(pair).decode()
        connection = self.connect()
        try:
            connection.request(method, path.removeprefix(self.url), body, headers)
            response = connection.getresponse()
            return response.status, response.headers, response.read()
        finally:
            connection.close()

    def connect(self):
        """A new connection, of http.client."""
        if not self.authority:
            return http.client.HTTPConnection(self.host, timeout=60)
        context = ssl.create_default_context(cafile=self.authority.certificate)
        return http.client.HTTPSConnection(self.host, timeout=60, context=context)

    def _ok(self, method, path, *arguments, **options):
        status, headers, body = self.request(method, path, *arguments, **options)
        if status == 404:
            raise Missing(path)
        assert status < 300, f"{method} {path}: {status} {body!r}"
        return headers, body

    def has_blob(self, repository, digest):
        status, _, _ = self.request("HEAD", f"/v2/{repository}/blobs/{digest}",
                                    repository=repository)
        return status == 200

    def put_blob(self, repository, data):
        digest = sha256(data)
        if self.has_blob(repository, digest):
            return digest
        headers, _ = self._ok("POST", f"/v2/{repository}/blobs/uploads/", repository=repository)
        place = headers["Location"]
        place += ("&" if "?" in place else "?") + f"digest={digest}"
        self._ok("PUT", place, data, repository=repository,
                 Content_Type="application/octet-stream")
        return digest

    def get_blob(self, repository, digest):
        return self._ok("GET", f"/v2/{repository}/blobs/{digest}", repository=repository)[1]

    def delete_blob(self, repository, digest):
        self._ok("DELETE", f"/v2/{repository}/blobs/{digest}", repository=repository)

    def put_manifest(self, repository, reference, data, media_type=MANIFEST):
        self._ok("PUT", f"/v2/{repository}/manifests/{reference}", data, repository=repository,
                 Content_Type=media_type)
        return sha256(data)

    def get_manifest(self, repository, reference):
        """(bytes, media type)."""
        headers, data = self._ok("GET", f"/v2/{repository}/manifests/{reference}",
                                 repository=repository, Accept=ACCEPT)
        return data, headers["Content-Type"]

    def digest(self, repository, reference):
        return sha256(self.get_manifest(repository, reference)[0])

    def delete_manifest(self, repository, digest):
        self._ok("DELETE", f"/v2/{repository}/manifests/{digest}", repository=repository)

    def tags(self, repository):
        _, data = self._ok("GET", f"/v2/{repository}/tags/list", repository=repository)
        return sorted(json.loads(data)["tags"] or [])

    def push(self, repository, tag, document, parts=True):
        """A document of registry_images under @tag (None: only its digest). Without @parts, only
        the manifest itself. Returns the digest."""
        if parts:
            for blob in document.blobs:
                self.put_blob(repository, blob.data)
            for child in document.children:
                self.push(repository, None, child)
        return self.put_manifest(repository, tag or document.digest, document.data,
                                 document.media_type)

    def name(self, repository, tag=None, digest=None):
        """As an argument of cay."""
        return (f"{self.host}/{repository}" + (f":{tag}" if tag else "")
                + (f"@{digest}" if digest else ""))


def _settings(storage, certificate, auth, middleware):
    """The program's configuration, in the JSON that is YAML, too."""
    settings = {
        "version": 0.1,
        "log": {"level": "info", "accesslog": {"disabled": True}},
        "storage": {"filesystem": {"rootdirectory": str(storage)}, "delete": {"enabled": True},
                    "maintenance": {"uploadpurging": {"enabled": False}}},
        "validation": {"manifests": {"urls": {"allow": ["^http"]}}},  # of foreign layers
        "http": {"addr": "127.0.0.1:0", "secret": "of the tests", "relativeurls": True},
        **({"middleware": middleware} if middleware else {}),
    }
    if certificate:
        settings["http"]["tls"] = {"certificate": str(certificate.certificate),
                                   "key": str(certificate.key)}
    if auth:
        settings["auth"] = auth
    return json.dumps(settings)


def htpasswd(directory, **users):
    """Basic authentication by passwords, as the htpasswd command writes them."""
    lines = [subprocess.run(["htpasswd", "-Bbn", "-C", "4", user, password], capture_output=True,
                            check=True).stdout.strip() for user, password in users.items()]
    path = directory / "htpasswd"
    path.write_bytes(b"\n".join(lines) + b"\n")
    return {"htpasswd": {"realm": REALM, "path": str(path)}}


def _port_of(process):
    """Where it listens, which its log says; the rest of that goes nowhere."""
    said = []
    for line in process.stderr:
        said.append(line)
        match = re.search(r"listening on [^ ]*:(\d+)", line)
        if match:
            threading.Thread(target=process.stderr.read, daemon=True).start()
            return int(match.group(1))
    raise AssertionError("docker-registry does not start:\n" + "".join(said[-20:]))


@contextlib.contextmanager
def run(directory, authority=None, auth=None, credentials=None, name="127.0.0.1",
        middleware=None):
    """docker-registry with its storage below @directory, for the length of the block. With an
    @authority it speaks TLS as @name."""
    directory.mkdir(parents=True, exist_ok=True)
    certificate = authority.issue(f"registry-{directory.name}", {name, "127.0.0.1"}) \
        if authority else None
    (directory / "settings").write_text(
        _settings(directory / "storage", certificate, auth, middleware))
    command = ["setpriv", "--pdeathsig", "KILL", PROGRAM, "serve", str(directory / "settings")]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, text=True) as process:
        try:
            yield Registry(f"{name}:{_port_of(process)}", authority, credentials)
        finally:
            process.kill()
