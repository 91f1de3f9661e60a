# SPDX-License-Identifier: Apache-2.0
"""The unpacking worker, asked through its client: tests/image/unpack-layer.c."""

import json
import os
import pathlib
import shutil
import subprocess

import pytest


class Failure(Exception):
    """What the client reports: `kind` for programs, the text for people."""

    def __init__(self, error):
        super().__init__(error["message"])
        self.kind = error["kind"]


class Unpacker:
    def __init__(self, build, directory):
        self.program = build / "tests" / "image" / "unpack-layer"
        self.environment = dict(os.environ, CAY_LIBEXEC=str(build))
        self.directory = directory
        self.target = directory / "target"
        self.target.mkdir()
        self.blob = directory / "blob"

    def clear(self):
        shutil.rmtree(self.target)
        self.target.mkdir()

    def path(self, name=b""):
        return os.path.join(os.fsencode(self.target), name)

    def _run(self, data, options):
        input_path = self.directory / "input"
        input_path.write_bytes(data)
        result = subprocess.run([self.program, *options, input_path, self.target], check=False,
                                env=self.environment, capture_output=True, timeout=300)
        assert result.returncode in (0, 1) and not result.stderr, result.stderr.decode()
        reply = json.loads(result.stdout)
        if "error" in reply:
            raise Failure(reply["error"])
        return reply

    def __call__(self, data, *options):
        return self._run(data, options)["unpacked"]

    def ingest(self, data, *options):
        return self._run(data, ["--ingest", *options])["ingested"].get("entries", [])

    def fails(self, data, *options):
        """The kind and message of the failure that must come."""
        with pytest.raises(Failure) as info:
            self._run(data, options)
        return info.value.kind, str(info.value)

    def names(self):
        """All that is below the target, and below what lies beside it: nothing may."""
        beside = {path.name for path in self.directory.iterdir()} - {"input", "target", "blob"}
        assert not beside
        found = set()
        root = self.path()
        for directory, directories, files in os.walk(root):
            for name in directories + files:
                found.add(os.path.relpath(os.path.join(directory, name), root))
        return found


@pytest.fixture
def unpack(build, tmp_path):
    directory = pathlib.Path(tmp_path) / "unpack"
    directory.mkdir()
    return Unpacker(build, directory)


class ImageStore:
    """One state directory, worked on by tests/image/image-tool.c."""

    def __init__(self, build, directory):
        self.program = build / "tests" / "image" / "image-tool"
        self.environment = dict(os.environ, CAY_LIBEXEC=str(build))
        self.directory = directory

    def command(self, *arguments):
        return [self.program, self.directory, *arguments]

    def __call__(self, *arguments, input=None, users="", path=None):
        environment = dict(self.environment, CAY_TEST_USERS=users)
        if path is not None:
            environment["PATH"] = str(path)
        result = subprocess.run(self.command(*arguments), input=input, check=False,
                                env=environment, capture_output=True, timeout=600)
        assert result.returncode in (0, 1), result.stderr.decode()
        if result.returncode:
            raise Failure(json.loads(result.stderr.splitlines()[-1]))
        return json.loads(result.stdout) if result.stdout else None

    def load(self, data, platform=""):
        return self("load", "-", platform, input=data)

    def fails(self, *arguments, **options):
        """The kind and message of the failure that must come."""
        with pytest.raises(Failure) as info:
            self(*arguments, **options)
        return info.value.kind, str(info.value)

    def names(self):
        return sorted(name for image in self("list") for name in image["RepoTags"])

    def root(self, name):
        """The topmost layer of an image, unpacked."""
        chain_id = self("layers", name)[-1].removeprefix("sha256:")
        return self.directory / "layers" / chain_id / "diff"

    def layers(self):
        return {path.name for path in (self.directory / "layers").iterdir()}

    def blobs(self):
        return {path.name for path in (self.directory / "content/blobs/sha256").iterdir()}

    def is_clean(self):
        """Nothing unfinished lies around."""
        hidden = [path for path in self.directory.rglob(".*") if "diff" not in path.parts]
        return not hidden and not list((self.directory / "content/staging").iterdir())


@pytest.fixture
def store(build, tmp_path):
    directory = pathlib.Path(tmp_path) / "state"
    directory.mkdir()
    return ImageStore(build, directory)
