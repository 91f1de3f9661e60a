# SPDX-License-Identifier: Apache-2.0
"""Images as registries have them: layers packed in every way, manifests of both families, indexes.

    one = registry_images.image([image_archives.tar({"a": b"a"})], packing="zstd")
    registry.push("one", "latest", one)

Everything is deterministic: the same call gives the same bytes and digests.
"""

import dataclasses
import gzip
import json
import subprocess

from harness import image_archives
from harness.image_archives import DOCKER, INDEX, MANIFEST, OCI, descriptor, sha256

DOCKER_MANIFEST = DOCKER + "distribution.manifest.v2+json"
DOCKER_LIST = DOCKER + "distribution.manifest.list.v2+json"

OCI_FAMILY, DOCKER_FAMILY = "oci", "docker"
LAYER_TYPES = {
    (OCI_FAMILY, "none"): OCI + "layer.v1.tar",
    (OCI_FAMILY, "gzip"): OCI + "layer.v1.tar+gzip",
    (OCI_FAMILY, "zstd"): OCI + "layer.v1.tar+zstd",
    (DOCKER_FAMILY, "none"): DOCKER + "image.rootfs.diff.tar",
    (DOCKER_FAMILY, "gzip"): DOCKER + "image.rootfs.diff.tar.gzip",
    (DOCKER_FAMILY, "zstd"): DOCKER + "image.rootfs.diff.tar.zstd",
}
CONFIG_TYPES = {OCI_FAMILY: OCI + "config.v1+json",
                DOCKER_FAMILY: DOCKER + "container.image.v1+json"}


def pack(data, packing):
    if packing == "gzip":
        return gzip.compress(data, 6, mtime=0)
    if packing == "zstd":
        return subprocess.run(["zstd", "-q", "-c"], input=data, capture_output=True,
                              check=True).stdout
    assert packing == "none"
    return data


@dataclasses.dataclass(frozen=True)
class Blob:
    data: bytes
    media_type: str

    @property
    def digest(self):
        return sha256(self.data)

    @property
    def descriptor(self):
        return descriptor(self.data, self.media_type)


@dataclasses.dataclass(frozen=True)
class Document(Blob):
    """A manifest or an index, with all that it leads to: it can be pushed as a whole."""

    blobs: tuple = ()
    children: tuple = ()

    @property
    def json(self):
        return json.loads(self.data)

    @property
    def id(self):
        """What an engine calls the image: the digest of its configuration."""
        return self.json["config"]["digest"]

    @property
    def layers(self):
        return self.blobs[1:]

    def changed(self, **changes):
        """With other members: None removes one."""
        document = {**self.json, **changes}
        document = {name: value for name, value in document.items() if value is not None}
        return dataclasses.replace(self, data=json.dumps(document).encode(),
                                   media_type=document.get("mediaType", self.media_type))


def image(layers, packing="gzip", family=OCI_FAMILY, changes=None, **config):
    """An image of uncompressed layers. @packing: one for all, or one for each. @changes are the
    manifest's, @config the configuration's (image_archives.config)."""
    packings = [packing] * len(layers) if isinstance(packing, str) else packing
    settings = Blob(image_archives.config(layers, **config), CONFIG_TYPES[family])
    packed = [Blob(pack(layer, kind), LAYER_TYPES[family, kind])
              for layer, kind in zip(layers, packings, strict=True)]
    media_type = MANIFEST if family == OCI_FAMILY else DOCKER_MANIFEST
    document = {"schemaVersion": 2, "mediaType": media_type, "config": settings.descriptor,
                "layers": [blob.descriptor for blob in packed]}
    made = Document(json.dumps(document).encode(), media_type, (settings, *packed))
    return made.changed(**changes) if changes else made


def small(content=b"content", **options):
    """An image of one layer with one file, `f`."""
    return image([image_archives.tar({"f": content})], **options)


def many_layers(count, **options):
    """@count layers, each with a file of its own and one that all of them have."""
    return image([image_archives.tar({f"f{number}": b"%d" % number, "all": b"%d" % number})
                  for number in range(count)], **options)


def platform(architecture="amd64", os="linux", variant=None):
    found = {"architecture": architecture, "os": os, "variant": variant}
    return {name: value for name, value in found.items() if value}


def index(*children, family=OCI_FAMILY, changes=None):
    """An index (manifest list) of (document, platform or None), or documents."""
    pairs = [child if isinstance(child, tuple) else (child, None) for child in children]
    entries = [{**child.descriptor, **({"platform": where} if where else {})}
               for child, where in pairs]
    media_type = INDEX if family == OCI_FAMILY else DOCKER_LIST
    document = {"schemaVersion": 2, "mediaType": media_type, "manifests": entries}
    made = Document(json.dumps(document).encode(), media_type, (),
                    tuple(child for child, _ in pairs))
    return made.changed(**changes) if changes else made


def artifact(subject=None, artifact_type="application/vnd.example.signature", data=b"{}"):
    """What is no image, and may be about one."""
    empty = Blob(b"{}", OCI.removesuffix("image.") + "empty.v1+json")
    content = Blob(data, artifact_type)
    document = {"schemaVersion": 2, "mediaType": MANIFEST, "artifactType": artifact_type,
                "config": empty.descriptor, "layers": [content.descriptor]}
    if subject:
        document["subject"] = subject.descriptor
    return Document(json.dumps(document).encode(), MANIFEST, (empty, content))
