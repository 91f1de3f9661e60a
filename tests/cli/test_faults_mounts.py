# SPDX-License-Identifier: Apache-2.0
"""
Containers with volumes whose maker or remover is killed at each step, or finds no room.

A volume is empty or whole at any time, whoever looks, and what nobody named goes with its
container.
"""

import fcntl
import os
import shutil

import faults
import pytest
from harness import debris, images, volumes

# What changes volumes, their files or rows: the rest is that of every container, and tested there.
CHANGES = ("mkdirat renameat renameat2 unlinkat linkat fchown fchmod pwrite64 ftruncate flock "
           "vfork exit_group").split()
WHOLE = ["file", "sub", "sub/deep"]
OPTIONS = ["--name", "same", "-v", "web:/data", "-v", "/other"]

pytestmark = pytest.mark.as_shipped


@pytest.fixture
def full(cay):
    return images.make_with(cay, "full:test", [
        images.entry("data", mode=0o750, uid=70), images.entry("data/file", "content\n"),
        images.entry("data/sub"), images.entry("data/sub/deep", "deep\n"),
        images.entry("other"), images.entry("other/file", "content\n")])


def files(state, name):
    data = volumes.data(state, name)
    return sorted(str(path.relative_to(data)) for path in data.rglob("*"))


def assert_empty_or_whole(state, fault):
    """Whatever has happened, for all who look at the volume itself. Is it whole?"""
    if not volumes.data(state, "web").exists() or files(state, "web") == []:
        return False
    assert files(state, "web") == WHOLE, str(fault)
    assert (volumes.data(state, "web") / "file").read_text() == "content\n", str(fault)
    assert volumes.data(state, "web").stat().st_uid == 70, str(fault)
    return True


def assert_settled(cay, fault, named):
    """After the next command: containers and volumes belong together, and nothing else is there."""
    state = cay.state
    containers = cay.ok("ps", "-aq").split()
    found = cay.ok("volume", "ls", "-q").split()
    anonymous = [name for name in found if len(name) == 64]
    assert len(anonymous) == (len(containers) if named is None else named), str(fault)
    assert volumes.directories(state) == found, str(fault)
    assert volumes.changes(state) == [], str(fault)
    assert debris.of_state(state) == [], str(fault)
    return containers


def empty(directory):
    for path in directory.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def forget(cay):
    cay("rm", "-v", "-f", "same")
    cay("volume", "rm", "-f", "web")


def test_who_is_killed_making_a_container_leaves_its_volumes_empty_or_whole(cay, full):
    found = list(faults.kills(cay, "create", *OPTIONS, full, "true", calls=CHANGES))
    forget(cay)
    seen = set()
    for fault in found:
        fault.run()
        whole = assert_empty_or_whole(cay.state, fault)
        left = assert_settled(cay, fault, None)
        seen.add((whole, bool(left)))
        cay("rm", "-v", "same")
        assert cay.ok("run", "--rm", "-v", "web:/data", full, "cat", "/data/sub/deep") == "deep"
        assert_settled(cay, fault, 0)
        forget(cay)
    assert seen == {(False, False), (True, False), (True, True)}


def test_who_is_killed_filling_a_volume_that_others_hold_is_finished_by_the_next(cay, full):
    cay.ok("create", "--name", "other", "-v", "web:/none", full, "true")
    found = list(faults.kills(cay, "create", *OPTIONS, full, "true",
                              calls=["renameat", "renameat2", "fchown", "fchmod", "unlinkat"]))
    for fault in found:
        cay("rm", "-v", "-f", "same")
        empty(volumes.data(cay.state, "web"))
        fault.run()
        cay.ok("ps", "-aq")
        assert_empty_or_whole(cay.state, fault)
        assert debris.of_state(cay.state) == [], str(fault)
    cay("rm", "-v", "-f", "same")
    cay.ok("rm", "other")


def test_what_a_killed_maker_has_left_keeps_nobody_waiting_for_who_fills_the_volume_now(cay, full):
    """Another filling of the volume may take long; the next command has nothing to do with it."""
    faults_found = list(faults.kills(cay, "create", *OPTIONS, full, "true", calls=["renameat2"]))
    forget(cay)
    faults_found[0].run()
    descriptor = os.open(volumes.data(cay.state, "web").parent, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    assert cay.ok("ps", "-aq") == ""
    os.close(descriptor)
    assert cay.ok("run", "--rm", "-v", "web:/data", full, "cat", "/data/sub/deep") == "deep"
    assert_settled(cay, "at the end", 0)


def test_without_room_a_volume_stays_empty_or_starts_whole(cay, full):
    found = list(faults.failures(cay, "create", *OPTIONS, full, "true", errno="ENOSPC",
                                 calls=["pwrite64", "mkdirat", "openat", "renameat2", "fchown",
                                        "linkat", "fchmod"]))
    forget(cay)
    for fault in found:
        fault.run()
        assert_empty_or_whole(cay.state, fault)
        assert cay.ok("run", "--rm", "-v", "web:/data", full, "cat", "/data/sub/deep") == "deep"
        forget(cay)
        assert_settled(cay, fault, 0)


def test_who_is_killed_removing_a_container_with_its_volumes_is_finished_by_the_next(cay, full):
    cay.ok("create", *OPTIONS, full, "true")
    seen = set()
    for fault in faults.kills(cay, "rm", "-v", "same", calls=CHANGES):
        cay("create", *OPTIONS, full, "true")
        fault.run()
        left = assert_settled(cay, fault, None)
        seen.add(bool(left))
        assert assert_empty_or_whole(cay.state, fault)
    assert seen == {True, False}
    forget(cay)
    assert_settled(cay, "at the end", 0)


def test_who_is_killed_running_a_container_that_removes_itself_leaves_no_volume(cay, full):
    run = ["run", "--rm", *OPTIONS, full, "cat", "/other/file"]
    calls = ["renameat2", "unlinkat", "linkat", "vfork", "exit_group"]
    for fault in list(faults.kills(cay, *run, calls=calls)):
        fault.run()
        assert not cay.state.settle(), str(fault)
        assert_empty_or_whole(cay.state, fault)
        assert assert_settled(cay, fault, None) == [], str(fault)
        cay("volume", "rm", "-f", "web")
