# SPDX-License-Identifier: Apache-2.0
"""
Commands about one container that are killed at each step that changes something, or find no room.

Whatever happens, the next command does what the first one was to do, and nothing stays.
"""

import faults
import pytest
from harness import debris

CHANGES = [*faults.FILES, *faults.LOCKS, *faults.SOCKETS, "vfork", "fsmount", "exit_group"]

pytestmark = pytest.mark.as_shipped


def assert_gone(cay, fault):
    """Everything of the last container is away."""
    containers = {*cay.state.containers(), *debris.runtime_containers(cay.state)}
    assert not cay.state.settle(), str(fault)
    assert cay.ok("ps", "-aq") == "", str(fault)
    assert not debris.cgroups_of(containers), str(fault)
    assert cay.state.containers() == [], str(fault)
    assert not debris.runtime_containers(cay.state), str(fault)
    assert debris.of_state(cay.state) == [], str(fault)
    assert cay.state.watch.problems() == [], str(fault)


def running(cay, *options):
    cay.ok("run", "-d", "--name", "same", *options, "busybox:test", "sleep", "1000")


def state(cay):
    return cay.ok("inspect", "--format", "{{.State.Status}}", "same")


def test_a_create_that_is_killed_leaves_a_container_or_none(cay, image):
    found = list(faults.kills(cay, "create", "--name", "same", image, "true", calls=CHANGES))
    cay.ok("rm", "same")
    seen = set()
    for fault in found:
        fault.run()
        left = cay.ok("ps", "-aq")
        seen.add(bool(left))
        if left:
            assert state(cay) == "created", str(fault)
            assert cay("start", "-a", "same").returncode == 0, str(fault)
            cay.ok("rm", "same")
        assert_gone(cay, fault)
    assert seen == {True, False}


def test_a_start_that_is_killed_can_be_made_again(cay, image):
    cay.ok("create", "--name", "same", image, "sleep", "1000")
    found = list(faults.kills(cay, "start", "same", calls=CHANGES))
    cay.ok("stop", "-t", "0", "same")
    seen = set()
    for fault in found:
        fault.run()
        seen.add(state(cay))
        cay.ok("start", "same")
        assert state(cay) == "running", str(fault)
        cay.ok("stop", "-t", "0", "same")
        assert state(cay) == "exited", str(fault)
    cay.ok("rm", "same")
    assert_gone(cay, "at the end")
    assert seen == {"exited", "running"}


@pytest.mark.parametrize("command", [["stop", "-t", "0"], ["restart", "-t", "0"], ["kill"],
                                     ["rm", "-f"], ["pause"]])
def test_what_was_asked_of_a_running_container_can_be_asked_again(cay, image, command):
    running(cay)
    found = list(faults.kills(cay, *command, "same", calls=CHANGES))
    cay("rm", "-f", "same")
    for fault in found:
        running(cay)
        fault.run()
        assert cay("ps", "-aq").returncode == 0
        told = cay("inspect", "--format", "{{.State.Status}}", "same")
        assert told.stdout.strip() in ("running", "exited", "paused") or \
            (command[0] == "rm" and "no such" in told.stderr), f"{fault}: {told}"
        removed = cay("rm", "-f", "same")
        assert removed.returncode == 0, f"{fault}: {removed}"
        assert_gone(cay, fault)


def test_a_rename_that_is_killed_has_happened_or_not(cay, image):
    running(cay)
    seen = set()
    for fault in faults.kills(cay, "rename", "same", "other", calls=CHANGES):
        cay("rename", "other", "same")
        fault.run()
        names = cay.ok("ps", "--format", "{{.Names}}")
        assert names in ("same", "other"), str(fault)
        seen.add(names)
    assert seen == {"same", "other"}
    cay("rename", "other", "same")
    cay.ok("rm", "-f", "same")
    assert_gone(cay, "at the end")


@pytest.mark.parametrize("command", [["create", "--name", "same", "busybox:test", "true"],
                                     ["run", "-d", "--name", "same", "busybox:test", "true"]])
def test_without_room_nothing_is_begun_that_is_not_ended(cay, image, command):
    found = list(faults.failures(cay, *command, errno="ENOSPC",
                                 calls=["pwrite64", "mkdirat", "openat", "renameat"]))
    cay.ok("wait", "same")
    cay.ok("rm", "same")
    for fault in found:
        fault.run()
        cay("wait", "same")
        removed = cay("rm", "-f", "same")
        assert removed.returncode == 0, f"{fault}: {removed}"
        assert_gone(cay, fault)


def test_a_stop_without_room_in_the_database_has_stopped_the_container(cay, image):
    running(cay)
    found = list(faults.failures(cay, "stop", "-t", "0", "same", errno="ENOSPC",
                                 calls=["pwrite64", "ftruncate", "fallocate"]))
    cay.ok("rm", "same")
    for fault in found:
        running(cay)
        if fault.run().returncode != 0:  # it may not even have found the container
            cay.ok("stop", "-t", "0", "same")
        assert state(cay) == "exited", str(fault)
        cay.ok("rm", "same")
        assert_gone(cay, fault)
