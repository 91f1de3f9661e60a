# SPDX-License-Identifier: Apache-2.0
"""The registry client without any engine around it: tests/registry/registry-tool.c."""

import json
import os
import subprocess

import pytest

from harness import image_archives, registry_images
from harness.image_archives import sha256

USER = {"username": "user", "password": "secret word"}
WRONG = {"username": "user", "password": "guessed word"}


class Failure(Exception):
    """What the client reports: `kind` for programs, the text for people."""

    def __init__(self, error):
        super().__init__(error["message"])
        self.kind = error["kind"]


class Client:
    """One repository at a list of endpoints; `client(registry, repository)` makes one."""

    def __init__(self, build, directory, endpoints, repository):
        self.program = build / "tests" / "registry" / "registry-tool"
        self.environment = dict(os.environ, CAY_LIBEXEC=str(build))
        self.directory = directory
        self.repository = {"domain": endpoints[-1]["host"], "endpoints": endpoints}
        if repository:
            self.repository["path"] = repository

    @property
    def command_input(self):
        return json.dumps(self.repository).encode()

    def start(self, *arguments, **options):
        """The process, whose input has been written."""
        process = subprocess.Popen([self.program, *map(str, arguments)], stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   env=self.environment, **options)
        process.stdin.write(self.command_input)
        process.stdin.close()
        process.stdin = None
        return process

    @staticmethod
    def result(process):
        output, errors = process.communicate(timeout=120)
        assert process.returncode in (0, 1), errors.decode()
        if process.returncode:
            raise Failure(json.loads(errors.splitlines()[-1]))
        assert not errors, errors.decode()
        return json.loads(output) if output else None

    def __call__(self, *arguments, **options):
        return self.result(self.start(*arguments, **options))

    def fails(self, *arguments, **options):
        """The kind and message of the failure that must come."""
        with pytest.raises(Failure) as info:
            self(*arguments, **options)
        return info.value.kind, str(info.value)

    def fetch(self, data, *urls, name="blob", wrong_size=0):
        """Fetch @data and see that it is that."""
        path = self.directory / name
        result = self("fetch", sha256(data), len(data) + wrong_size, path, *urls)
        assert path.read_bytes() == data
        return result

    def feed(self, data, reader, name="blob"):
        """Fetch @data into a file and into the input of the program @reader: what that says."""
        path = self.directory / name
        read_end, write_end = os.pipe()
        self.environment["CAY_TEST_FEED"] = str(write_end)
        try:
            with subprocess.Popen(reader, stdin=read_end, stdout=subprocess.PIPE) as program:
                os.close(read_end)
                process = self.start("fetch", sha256(data), len(data), path, pass_fds=[write_end])
                os.close(write_end)
                output = program.communicate(timeout=120)[0]
            return output, self.result(process)
        finally:
            del self.environment["CAY_TEST_FEED"]

    def upload(self, data, mount_from=""):
        path = self.directory / "upload"
        path.write_bytes(data)
        return self("upload", sha256(data), len(data), path, mount_from)


def worker_of(process):
    return subprocess.run(["pgrep", "-P", str(process.pid), "cay-registry"], check=True,
                          capture_output=True, text=True).stdout.strip()


@pytest.fixture(scope="session")
def document():
    return registry_images.image([image_archives.tar({"a": b"a"})])


@pytest.fixture
def client(build, tmp_path):
    """client(registry, repository, **settings of its endpoint)"""
    def make(registry, repository=None, mirrors=(), **settings):
        if registry.authority:
            settings.setdefault("ca", registry.authority.certificate.read_text())
        else:
            settings.setdefault("plainHttp", True)
        endpoints = [{"host": mirror.host, "plainHttp": True, "isMirror": True}
                     for mirror in mirrors]
        return Client(build, tmp_path, [*endpoints, {"host": registry.host, **settings}],
                      repository)
    return make
