# SPDX-License-Identifier: Apache-2.0
"""The images that bench/pull moves: each as a registry has it and as `docker save` writes it."""

import hashlib
import io
import json
import os
import platform
import subprocess
import tarfile

MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
SMALL = b"small\n" * 50
FILES_PER_DIRECTORY = 500
FILES_PER_LAYER = 20
FIRST_LAYER_SHARE = 0.13 # of real data, as a base image's


def _digest_of(path):
    with open(path, "rb") as file:
        return "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()


def _real_files(root, limit):
    """(path, size) of regular files and symlinks below @root, until they have @limit bytes."""
    total = 0
    for directory, names, files in os.walk(root):
        names.sort()
        for name in sorted(files):
            path = os.path.join(directory, name)
            size = 0 if os.path.islink(path) else os.path.getsize(path)
            if total + size > limit:
                return
            total += size
            yield path, size


class Layer:
    """A tar archive at @path, and packed beside it."""

    def __init__(self, path):
        self.path, self.packed = path, path + ".gz"
        with open(self.packed, "wb") as file:
            subprocess.run(["gzip", "-6nc", path], stdout=file, check=True)
        self.diff_id, self.digest = _digest_of(path), _digest_of(self.packed)

    def descriptor(self):
        return {"mediaType": LAYER, "digest": self.digest, "size": os.path.getsize(self.packed)}


class Image:
    """Layers below @directory, which become an image of the name @name."""

    def __init__(self, directory, name):
        self.directory, self.name = os.path.join(directory, name), name
        self.layers = []
        os.makedirs(self.directory)

    def add_layer(self, write):
        path = os.path.join(self.directory, f"layer-{len(self.layers)}.tar")
        write(path)
        self.layers.append(Layer(path))

    def config(self):
        machine = platform.machine()
        return json.dumps({
            "architecture": MACHINES.get(machine, machine), "os": "linux", "config": {},
            "rootfs": {"type": "layers", "diff_ids": [layer.diff_id for layer in self.layers]},
        }).encode()

    def push(self, registry):
        """Returns the reference."""
        repository, config = f"bench/{self.name}", self.config()
        for layer in self.layers:
            with open(layer.packed, "rb") as file:
                registry.put_blob(repository, file.read())
        descriptor = {"mediaType": CONFIG, "digest": registry.put_blob(repository, config),
                      "size": len(config)}
        registry.put_manifest(repository, "latest", json.dumps({
            "schemaVersion": 2, "mediaType": MANIFEST, "config": descriptor,
            "layers": [layer.descriptor() for layer in self.layers]}).encode())
        return registry.name(repository, "latest")

    def save(self, path, reference):
        """What `docker save` would write."""
        config = self.config()
        config_name = hashlib.sha256(config).hexdigest() + ".json"
        names = [f"{number}/layer.tar" for number in range(len(self.layers))]
        manifest = json.dumps([{"Config": config_name, "RepoTags": [reference], "Layers": names}])
        with tarfile.open(path, "w") as archive:
            for name, data in (config_name, config), ("manifest.json", manifest.encode()):
                member = tarfile.TarInfo(name)
                member.size = len(data)
                archive.addfile(member, io.BytesIO(data))
            for name, layer in zip(names, self.layers):
                archive.add(layer.path, name)

    def size(self):
        return sum(os.path.getsize(layer.path) for layer in self.layers)


def real(directory, source, megabytes):
    """Two layers of the files below @source: a small one and a large one."""
    image = Image(directory, "real")
    files = list(_real_files(source, megabytes << 20))
    share, split = sum(size for _, size in files) * FIRST_LAYER_SHARE, 0
    for split, (_, size) in enumerate(files):
        share -= size
        if share < 0:
            break
    for part in files[:split], files[split:]:
        text = "\0".join(path for path, _ in part).encode()
        image.add_layer(lambda path, text=text: subprocess.run(
            ["tar", "-cPf", path, "--transform=s,^/,,", "--null", "--no-recursion", "-T", "-"],
            input=text, check=True))
    return image


def _write_small(path, numbers, prefix):
    with tarfile.open(path, "w") as archive:
        for number in numbers:
            group = number // FILES_PER_DIRECTORY
            if number % FILES_PER_DIRECTORY == 0:
                member = tarfile.TarInfo(f"{prefix}/{group}")
                member.type, member.mode = tarfile.DIRTYPE, 0o755
                archive.addfile(member)
            member = tarfile.TarInfo(f"{prefix}/{group}/{number}")
            member.size = len(SMALL)
            archive.addfile(member, io.BytesIO(SMALL))


def small(directory, files):
    """One layer of many small files."""
    image = Image(directory, "small")
    image.add_layer(lambda path: _write_small(path, range(files), "files"))
    return image


def layered(directory, layers):
    """Many layers with a few files each."""
    image = Image(directory, "layered")
    for layer in range(layers):
        image.add_layer(lambda path, layer=layer: _write_small(
            path, range(FILES_PER_LAYER), f"layer-{layer}"))
    return image
