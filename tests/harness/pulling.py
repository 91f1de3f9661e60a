# SPDX-License-Identifier: Apache-2.0
"""Pulls as the tests look at them: what is visible afterwards, who is trusted, who one is."""

import base64
import hashlib
import json
import os
import tarfile

from harness import debris

HUB = "https://index.docker.io/v1/"


def visible(cay):
    """All that a user can see of images."""
    return sorted(cay.ok("images", "--all", "--no-trunc", "--format",
                         "{{.Repository}}:{{.Tag}} {{.Digest}} {{.ID}}").splitlines())


def refused(cay, *arguments, **options):
    """Run what fails, insist that nothing can be seen of it, and return its one line."""
    before = visible(cay)
    result = cay(*arguments, **options)
    lines = result.stderr.splitlines()
    assert result.returncode == (125 if arguments[0] in ("run", "create") else 1), str(result)
    assert len(lines) == 1, str(result)
    assert visible(cay) == before, str(result)
    assert debris.of_state(cay.state) == [], str(result)
    return lines[0]


def pull_refused(cay, name, *options, **more):
    return refused(cay, "pull", "--quiet", *options, name, **more)


def settings(state, **registries):
    """Environment: settings of registries, by their names with port."""
    path = state.base / "registries.yaml"
    path.write_text(json.dumps({"registries": registries}))
    return {"CAY_REGISTRIES": str(path)}


def trusting(state, registry):
    """Environment: who certifies @registry is known."""
    return settings(state, **{registry.host: {"ca": str(registry.authority.certificate)}})


def docker_config(state, **entries):
    """Environment: a config.json of Docker's with credentials by host, as "user:password" or as
    the members that it has there."""
    directory = state.base / "docker"
    directory.mkdir(exist_ok=True)
    auths = {host: {"auth": base64.b64encode(entry.encode()).decode()}
             if isinstance(entry, str) else entry for host, entry in entries.items()}
    path = directory / "config.json"
    path.write_text(json.dumps({"auths": auths}))
    path.chmod(0o600)
    return {"DOCKER_CONFIG": str(directory)}


def random_file(size, seed=0):
    """Bytes that no compression makes smaller, the same each time."""
    return b"".join(hashlib.sha256(b"%d %d" % (seed, number)).digest()
                    for number in range(size // 32))


def files_of(cay, name, directory):
    """{path: bytes} of all files of the image @name, through a container that never runs."""
    container = cay.ok("create", name, "/none")
    archive = directory / "exported.tar"
    cay.ok("export", "--output", archive, container)
    cay.ok("rm", container)
    with tarfile.open(archive) as tar:
        found = {entry.name: tar.extractfile(entry).read() for entry in tar if entry.isfile()}
    os.unlink(archive)
    return {path: data for path, data in found.items()
            if not path.startswith(("etc/", "dev/")) and path != ".dockerenv"}
