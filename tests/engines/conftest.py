# SPDX-License-Identifier: Apache-2.0
"""podman, as Debian ships it, on cay-oci: all that it keeps is below one directory."""

import json
import os
import shutil
import subprocess

import pytest

from harness import images, leaks

IMAGE = "busybox:test"
APPLETS = ("sh true false cat echo id sleep ls stat head tail grep mount hostname touch tty stty "
           "kill readlink mkdir env test tr wc").split()
CONFIGURATION = """
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1000:1000"]
netns = "none"
[engine]
runtime = "cay-oci"
cgroup_manager = "cgroupfs"
events_logger = "file"
lock_type = "file"
[engine.runtimes]
cay-oci = ["{runtime}"]
"""
CGROUP_PARENT = "/caytest-podman"  # not "cay-": those are looked at for cay's own


class Podman:
    """podman(*arguments, input=None) -> CompletedProcess; podman.ok(...) -> its output."""

    def __init__(self, directory, runtime):
        self.directory = directory
        configuration = directory / "containers.conf"
        configuration.write_text(CONFIGURATION.format(runtime=runtime))
        (directory / "storage.conf").write_text(
            f'[storage]\ndriver = "vfs"\ngraphroot = "{directory}/root"\n'
            f'runroot = "{directory}/run"\n')
        self.environment = dict(os.environ, CONTAINERS_CONF=str(configuration),
                                CONTAINERS_STORAGE_CONF=str(directory / "storage.conf"),
                                TMPDIR=str(directory))
        self.environment[leaks.MARKER] = f"{directory}/"

    def command(self, *arguments):
        return ["podman", "--tmpdir", str(self.directory / "tmp"), *map(str, arguments)]

    def __call__(self, *arguments, input=None, **options):
        return subprocess.run(self.command(*arguments), input=input, capture_output=True, text=True,
                              timeout=120, check=False, env=self.environment, **options)

    def ok(self, *arguments, **options):
        result = self(*arguments, **options)
        assert result.returncode == 0, f"{arguments}: {result.stdout}{result.stderr}"
        return result.stdout

    def run(self, *arguments, **options):
        return self("run", "--rm", "--cgroup-parent", CGROUP_PARENT, *arguments, **options)

    def start(self, *arguments):
        """The id of a container that runs in the background."""
        return self.ok("run", "--detach", "--cgroup-parent", CGROUP_PARENT, *arguments).strip()

    def inspect(self, container):
        return json.loads(self.ok("inspect", container))[0]

    def end(self):
        self.ok("rm", "--all", "--force", "--time", "0")
        left = leaks.wait_for_end(lambda: leaks.processes_of(self.directory), leaks.SETTLE_LIMIT)
        mounts = [mount for mount in leaks.mounts() if str(self.directory) in mount]
        # podman's own, which it keeps mounted until it is asked to forget everything
        for mount in mounts:
            subprocess.run(["umount", mount.split()[0]], check=False)
        # conmon's, and what `podman build` does not let us choose
        for hierarchy in leaks.hierarchies():
            for parent in (CGROUP_PARENT, "/libpod_parent"):
                for directory, _, _ in os.walk(hierarchy / parent.lstrip("/"), topdown=False):
                    os.rmdir(directory)
        assert not left, [leaks.describe(pid) for pid in left]


@pytest.fixture(scope="session")
def podman_template(worker_directory, build):
    """With the image imported once for each worker."""
    directory = worker_directory / "podman"
    directory.mkdir()
    podman = Podman(directory, build / "cay-oci")
    archive = directory / "busybox.tar"
    archive.write_bytes(images.busybox_tar(APPLETS))
    podman.ok("import", "--quiet", archive, IMAGE)
    yield podman
    podman.end()
    shutil.rmtree(directory)


@pytest.fixture
def podman(podman_template):
    yield podman_template
    podman_template.ok("rm", "--all", "--force", "--time", "0")
    assert podman_template.ok("ps", "--all", "--quiet") == ""
