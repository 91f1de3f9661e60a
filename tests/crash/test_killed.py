# SPDX-License-Identifier: Apache-2.0
"""
SIGKILL at every step of removing and naming: whichever system call it comes before, nothing is left
behind and the next command works. (What runs and imports do is in tests/cli/test_faults_*.py.)

Each test goes through all the kills of one command. What they find is collected, so that one run
shows all the steps that are not safe.
"""

import os

import pytest

import faults
from harness import images, leaks


ARCHIVE = images.busybox_tar(["sh", "true"])


class Findings:
    """What was wrong after which fault; assert_none() fails with all of it."""

    def __init__(self):
        self.lines = []
        self.faults = 0

    def check(self, fault, problems):
        self.faults += 1
        self.lines += [f"{fault}: {problem}" for problem in problems]

    def assert_none(self):
        assert self.faults
        if self.lines:
            pytest.fail(f"{len(self.lines)} problems, among them:\n" + "\n".join(self.lines[:40]),
                        pytrace=False)


def wrong(result, status=0):
    """One line if @result is not of @status, or says more than one line."""
    if result.returncode != status or len(result.stderr.splitlines()) > 1:
        return [f"'{result.command[1]}' gave {result.returncode}: {result.stderr!r}"]
    return []


def what_is_left(cay):
    """Problems with what a kill has left for the next command, which takes it away. One by one."""
    cay.state.settle()
    found = wrong(cay("ps", "--all"))
    for container in cay.state.containers():
        found += wrong(cay("rm", container))
    found += cay.state.watch.problems()
    cay.state.watch = leaks.Watch(cay.state)
    return found


def test_a_removal_can_be_done_again(cay, image):
    findings = Findings()
    cay.ok("run", "--name", "web", image, "true")
    for fault in faults.kills(cay, "rm", "web"):
        if not cay.state.containers():
            cay.ok("run", "--name", "web", image, "true")
        fault.run()
        found = wrong(cay("rm", "--force", "web")) if cay.ok("ps", "--all", "--quiet") else []
        found += what_is_left(cay)
        findings.check(fault, found)
    findings.assert_none()


def stored(state):
    """The names of all files and directories of the image store, without layers' contents."""
    found = []
    for directory, directories, files in os.walk(state.directory):
        if directory.endswith("/diff"):
            directories.clear()
            continue
        found += [os.path.relpath(os.path.join(directory, name), state.directory)
                  for name in (*directories, *files)]
    return {name for name in found if not name.startswith(("cay.db", "cache", "events"))}


def remove_images(cay):
    """All of them, by id, with or without a name. Returns what was wrong with that."""
    names = set(cay.ok("images", "--all", "--quiet", "--no-trunc").split())
    return wrong(cay("rmi", "--force", *sorted(names))) if names else []


@pytest.fixture
def empty_store(cay):
    """What an image store holds after its last image was removed."""
    cay.ok("import", "-", "some:image", input=ARCHIVE)
    cay.ok("rmi", "some:image")
    return stored(cay.state)


def test_an_image_is_removed_or_not(cay, empty_store):
    findings = Findings()
    cay.ok("import", "-", "some:image", input=ARCHIVE)
    for fault in faults.kills(cay, "rmi", "some:image"):
        remove_images(cay)
        cay.ok("import", "-", "some:image", input=ARCHIVE)
        fault.run()
        found = []
        if cay("image", "inspect", "some:image").returncode == 0:
            found += wrong(cay("run", "--rm", "some:image", "true"))
            found += wrong(cay("rmi", "some:image"))
        cay.ok("import", "-", "some:image", input=ARCHIVE)
        found += remove_images(cay)
        found += [f"the store keeps {name}" for name in stored(cay.state) - empty_store]
        findings.check(fault, found)
    findings.assert_none()


def test_a_tag_is_there_or_not(cay, image):
    findings = Findings()
    for fault in faults.kills(cay, "tag", image, "other:tag"):
        cay("rmi", "other:tag")
        fault.run()
        names = cay.ok("images", "--format", "{{.Repository}}:{{.Tag}}").split()
        found = [] if set(names) in ({image}, {image, "other:tag"}) else [f"the names are {names}"]
        found += wrong(cay("tag", image, "other:tag"))
        findings.check(fault, found)
    findings.assert_none()
