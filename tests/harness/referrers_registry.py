# SPDX-License-Identifier: Apache-2.0
"""A registry of OCI distribution 1.1 in memory: referrers and pages of tags, which Debian's
docker-registry does not have, chunked uploads and mounts.

    with referrers_registry.serve() as registry:
        registry.push("one", None, registry_images.artifact(subject=one))
"""

import contextlib
import itertools
import json
import re
import urllib.parse

from harness import http_servers
from harness.image_archives import INDEX, sha256
from harness.registries import Registry


class Repository:
    def __init__(self):
        self.blobs = {}       # digest -> bytes
        self.manifests = {}   # digest -> (bytes, media type)
        self.tags = {}        # tag -> digest


class MemoryRegistry(Registry):
    """A Registry with what it has within reach."""

    def __init__(self, host, authority):
        super().__init__(host, authority)
        self.repositories = {}
        self.uploads = {}
        self.numbers = itertools.count()
        self.page = 100       # entries of one page of tags
        self.requests = []    # (method, path)
        self.searches = {}    # term -> list of results, as Docker's v1 search has them

    def repository(self, name):
        return self.repositories.setdefault(name, Repository())


class _Handler(http_servers.Handler):
    def _route(self):
        registry = self.server.registry
        self.url = urllib.parse.urlsplit(self.path)
        self.asked = dict(urllib.parse.parse_qsl(self.url.query))
        self.data = self.body()
        registry.requests.append((self.command, self.path))
        for pattern, name in _ROUTES:
            match = re.fullmatch(pattern, self.url.path)
            if match:
                getattr(self, name)(registry, *match.groups())
                return
        self._refuse(404, "UNSUPPORTED")

    do_GET = do_HEAD = do_PUT = do_POST = do_PATCH = do_DELETE = _route

    def _refuse(self, status, code, **headers):
        self._json({"errors": [{"code": code, "message": code.lower().replace("_", " ")}]},
                   status=status, **headers)

    def _json(self, document, status=200, **headers):
        self.answer(status, json.dumps(document).encode(),
                    **{"Content_Type": "application/json", **headers})

    def base(self, _registry):
        self._json({})

    def search(self, registry):
        found = registry.searches.get(self.asked.get("q"), [])
        self._json({"num_results": len(found), "query": self.asked.get("q"), "results": found})

    def catalog(self, registry):
        self._page(registry, "/v2/_catalog", "repositories", sorted(registry.repositories))

    def tags(self, registry, name):
        if name not in registry.repositories:
            self._refuse(404, "NAME_UNKNOWN")
            return
        self._page(registry, f"/v2/{name}/tags/list", "tags",
                   sorted(registry.repositories[name].tags), name=name)

    def _page(self, registry, path, member, entries, **more):
        size = min(int(self.asked.get("n", registry.page)), registry.page)
        left = [entry for entry in entries if entry > self.asked.get("last", "")]
        link = None
        if len(left) > size:
            link = f'<{path}?n={size}&last={left[size - 1]}>; rel="next"'
        self._json({**more, member: left[:size]}, Link=link)

    def manifest(self, registry, name, reference):
        repository = registry.repository(name)
        if self.command == "PUT":
            self._put_manifest(name, repository, reference)
            return
        digest = repository.tags.get(reference, reference)
        if digest not in repository.manifests:
            self._refuse(404, "MANIFEST_UNKNOWN")
        elif self.command == "DELETE":
            del repository.manifests[digest]
            self.answer(202)
        else:
            data, media_type = repository.manifests[digest]
            self.answer(200, data, Content_Type=media_type, Docker_Content_Digest=digest)

    def _put_manifest(self, name, repository, reference):
        digest = sha256(self.data)
        document = json.loads(self.data)
        parts = [*document.get("layers", []), *filter(None, [document.get("config")])]
        if any(part["digest"] not in repository.blobs for part in parts):
            self._refuse(404, "MANIFEST_BLOB_UNKNOWN")
            return
        repository.manifests[digest] = self.data, self.headers["Content-Type"]
        if not reference.startswith("sha256:"):
            repository.tags[reference] = digest
        subject = document.get("subject", {}).get("digest")
        self.answer(201, Location=f"/v2/{name}/manifests/{digest}", OCI_Subject=subject,
                    Docker_Content_Digest=digest)

    def blob(self, registry, name, digest):
        repository = registry.repository(name)
        data = repository.blobs.get(digest)
        if data is None:
            self._refuse(404, "BLOB_UNKNOWN")
        elif self.command == "DELETE":
            del repository.blobs[digest]
            self.answer(202)
        else:
            self._ranged(data)

    def _ranged(self, data):
        match = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or "")
        if not match:
            self.answer(200, data, Content_Type="application/octet-stream")
            return
        first = int(match.group(1))
        last = min(int(match.group(2) or len(data)), len(data) - 1)
        if first > last:
            self.answer(416, Content_Range=f"bytes */{len(data)}")
            return
        self.answer(206, data[first:last + 1], Content_Range=f"bytes {first}-{last}/{len(data)}",
                    Content_Type="application/octet-stream")

    def start_upload(self, registry, name):
        repository = registry.repository(name)
        source = registry.repositories.get(self.asked.get("from"))
        mount = self.asked.get("mount")
        if source and mount in source.blobs:
            repository.blobs[mount] = source.blobs[mount]
            self.answer(201, Location=f"/v2/{name}/blobs/{mount}")
            return
        upload = str(next(registry.numbers))
        registry.uploads[upload] = b""
        self._uploading(202, name, upload, registry)

    def _uploading(self, status, name, upload, registry):
        self.answer(status, Location=f"/v2/{name}/blobs/uploads/{upload}",
                    Range=f"0-{max(0, len(registry.uploads[upload]) - 1)}")

    def upload(self, registry, name, upload):
        if upload not in registry.uploads:
            self._refuse(404, "BLOB_UPLOAD_UNKNOWN")
            return
        if self.command == "DELETE":
            del registry.uploads[upload]
            self.answer(204)
            return
        start = re.match(r"(\d+)-", self.headers.get("Content-Range") or "")
        if start and int(start.group(1)) != len(registry.uploads[upload]):
            self._uploading(416, name, upload, registry)
            return
        registry.uploads[upload] += self.data
        if self.command == "PUT":
            self._end_upload(registry, name, registry.uploads.pop(upload))
        else:
            self._uploading(204 if self.command == "GET" else 202, name, upload, registry)

    def _end_upload(self, registry, name, data):
        digest = self.asked["digest"]
        if sha256(data) != digest:
            self._refuse(400, "DIGEST_INVALID")
            return
        registry.repository(name).blobs[digest] = data
        self.answer(201, Location=f"/v2/{name}/blobs/{digest}", Docker_Content_Digest=digest)

    def referrers(self, registry, name, digest):
        found = []
        for data, media_type in registry.repository(name).manifests.values():
            document = json.loads(data)
            if document.get("subject", {}).get("digest") == digest:
                kind = document.get("artifactType") or document["config"]["mediaType"]
                found.append({"mediaType": media_type, "digest": sha256(data), "size": len(data),
                              "artifactType": kind,
                              "annotations": document.get("annotations", {})})
        wanted, applied = self.asked.get("artifactType"), None
        if wanted:
            found = [entry for entry in found if entry["artifactType"] == wanted]
            applied = "artifactType"
        self._json({"schemaVersion": 2, "mediaType": INDEX, "manifests": found},
                   Content_Type=INDEX, OCI_Filters_Applied=applied)


_ROUTES = [
    (r"/v2/", "base"),
    (r"/v1/search", "search"),
    (r"/v2/_catalog", "catalog"),
    (r"/v2/(.+)/tags/list", "tags"),
    (r"/v2/(.+)/manifests/([^/]+)", "manifest"),
    (r"/v2/(.+)/blobs/uploads/", "start_upload"),
    (r"/v2/(.+)/blobs/uploads/([^/]+)", "upload"),
    (r"/v2/(.+)/blobs/([^/]+)", "blob"),
    (r"/v2/(.+)/referrers/([^/]+)", "referrers"),
]


@contextlib.contextmanager
def serve(context=None, authority=None):
    """An empty registry for the length of the block."""
    with http_servers.serve(_Handler, context) as server:
        server.registry = MemoryRegistry(server.host, authority)
        yield server.registry
