# SPDX-License-Identifier: Apache-2.0
"""Images as archives: docker-archive, old and new, and OCI layouts, honest or with one lie in them.

A layer is the bytes of a tar. Everything is deterministic: the same call gives the same bytes.
"""

import hashlib
import io
import json
import tarfile

OCI = "application/vnd.oci.image."
DOCKER = "application/vnd.docker."
MANIFEST = OCI + "manifest.v1+json"
INDEX = OCI + "index.v1+json"
CREATED = "2026-01-02T03:04:05Z"


def sha256(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def tar(files, links=None):
    """A tar of {name: bytes} (None: a directory) and symbolic {name: target}."""
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            if content is None:
                entry.type, entry.mode = tarfile.DIRTYPE, 0o755
                archive.addfile(entry)
            else:
                entry.size = len(content)
                archive.addfile(entry, io.BytesIO(content))
        for name, target in (links or {}).items():
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = tarfile.SYMTYPE, target
            archive.addfile(entry)
    return output.getvalue()


def config(layers, architecture="amd64", os="linux", **changes):
    """An image's configuration, as bytes."""
    document = {
        "architecture": architecture, "os": os, "created": CREATED,
        "config": {"Cmd": ["/hello"], "Env": ["A=1"]},
        "rootfs": {"type": "layers", "diff_ids": [sha256(layer) for layer in layers]},
        "history": [{"created": CREATED, "created_by": f"layer {number}"}
                    for number, _ in enumerate(layers)],
    }
    document.update(changes)
    return json.dumps(document).encode()


def docker_files(images):
    """Members of a docker-archive of [(config, layers, names)], in the style of Docker 1.10."""
    files, manifest = {}, []
    for text, layers, names in images:
        digest = sha256(text).removeprefix("sha256:")
        files[f"{digest}.json"] = text
        paths = []
        for layer in layers:
            path = f"{sha256(layer).removeprefix('sha256:')}/layer.tar"
            files[path] = layer
            paths.append(path)
        manifest.append({"Config": f"{digest}.json", "RepoTags": names, "Layers": paths})
    files["manifest.json"] = json.dumps(manifest).encode()
    return files


def docker_archive(*images):
    return tar(docker_files(images))


def blob_path(data):
    return "blobs/sha256/" + sha256(data).removeprefix("sha256:")


def descriptor(data, media_type, **more):
    return {"mediaType": media_type, "digest": sha256(data), "size": len(data), **more}


class Layout:
    """An OCI layout that grows: add images, then `tar()`."""

    def __init__(self):
        self.blobs = {}
        self.entries = []

    def blob(self, data, media_type, **more):
        self.blobs[blob_path(data)] = data
        return descriptor(data, media_type, **more)

    def manifest(self, text, layers, layer_types=None, family=OCI, **changes):
        """The descriptor of a manifest; layers are stored as they are given."""
        types = layer_types or [OCI + "layer.v1.tar"] * len(layers)
        document = {
            "schemaVersion": 2, "mediaType": MANIFEST,
            "config": self.blob(text, OCI + "config.v1+json"),
            "layers": [self.blob(layer, kind) for layer, kind in zip(layers, types, strict=True)],
        }
        if family == DOCKER:
            document["mediaType"] = DOCKER + "distribution.manifest.v2+json"
            document["config"]["mediaType"] = DOCKER + "container.image.v1+json"
        document.update(changes)
        return self.blob(json.dumps(document).encode(), document.get("mediaType", MANIFEST))

    def index(self, *descriptors, **changes):
        document = {"schemaVersion": 2, "mediaType": INDEX, "manifests": list(descriptors)}
        document.update(changes)
        return self.blob(json.dumps(document).encode(), INDEX)

    def add(self, entry, name=None, key="org.opencontainers.image.ref.name"):
        self.entries.append({**entry, "annotations": {key: name}} if name else entry)
        return self

    def files(self):
        return {"oci-layout": b'{"imageLayoutVersion":"1.0.0"}',
                "index.json": json.dumps({"schemaVersion": 2,
                                          "manifests": self.entries}).encode(),
                **self.blobs}

    def tar(self):
        return tar(self.files())
