# SPDX-License-Identifier: Apache-2.0
"""
Commands about volumes that are killed at each step that changes something, or find no room.

A volume is there, with all its files, or it is not. What is left is swept by the next command.
"""

import subprocess

import faults
import pytest
from harness import cdi, debris, volume_plugin, volumes

CHANGES = [*faults.FILES, *faults.LOCKS, "exit_group"]

pytestmark = pytest.mark.as_shipped


def names(cay):
    return cay.ok("volume", "ls", "-q").split()


def assert_whole(cay, fault):
    """All volumes that there are have their files, and there is nothing else."""
    found = names(cay)
    assert volumes.directories(cay.state) == found, str(fault)
    assert all(volumes.data(cay.state, name).is_dir() for name in found), str(fault)
    assert volumes.changes(cay.state) == [], str(fault)
    assert debris.of_state(cay.state) == [], str(fault)
    return found


def fill(cay, name):
    cay.ok("volume", "create", name)
    for number in range(3):
        directory = volumes.data(cay.state, name) / str(number)
        directory.mkdir(exist_ok=True)
        (directory / "file").write_text("content")


def test_a_create_that_is_killed_leaves_a_volume_or_none(cay):
    cay.ok("volume", "create", "other")
    found = list(faults.kills(cay, "volume", "create", "same", calls=CHANGES))
    cay.ok("volume", "rm", "same")
    seen = set()
    for fault in found:
        fault.run()
        left = assert_whole(cay, fault)
        seen.add("same" in left)
        cay.ok("volume", "create", "same")
        assert assert_whole(cay, fault) == ["other", "same"]
        cay.ok("volume", "rm", "same")
    assert seen == {True, False}


def test_a_create_after_one_that_was_killed_needs_no_sweep(cay):
    found = list(faults.kills(cay, "volume", "create", "same", calls=CHANGES))
    cay.ok("volume", "rm", "same")
    for fault in found:
        fault.run()
        cay.ok("volume", "create", "same")
        assert volumes.directories(cay.state) == ["same"], str(fault)
        cay.ok("volume", "rm", "same")


@pytest.mark.parametrize("command", [["rm", "same"], ["prune", "-af"]])
def test_a_removal_that_is_killed_leaves_all_files_or_none(cay, command):
    fill(cay, "same")
    seen = set()
    for fault in faults.kills(cay, "volume", *command, calls=CHANGES):
        fill(cay, "same")
        fault.run()
        left = assert_whole(cay, fault)
        seen.add(bool(left))
        if left:
            files = list(volumes.data(cay.state, "same").glob("*/file"))
            assert len(files) == 3, str(fault)
    assert seen == {True, False}


@pytest.mark.parametrize("errno", ["ENOSPC", "EIO"])
def test_a_create_without_room_makes_nothing(cay, errno):
    found = list(faults.failures(cay, "volume", "create", "same", errno=errno,
                                 calls=["pwrite64", "mkdirat", "openat", "fchmod", "ftruncate"]))
    cay.ok("volume", "rm", "same")
    seen = set()
    for fault in found:
        result = fault.run()
        seen.add(result.returncode)
        assert assert_whole(cay, fault) == (["same"] if result.returncode == 0 else []), str(fault)
        if result.returncode != 0:
            assert len(result.stderr.splitlines()) == 1, f"{fault}: {result}"
        cay.ok("volume", "rm", "-f", "same")
    assert 1 in seen


def test_a_removal_without_room_in_the_database_is_made_room_for(cay):
    fill(cay, "same")
    seen = set()
    for fault in faults.failures(cay, "volume", "rm", "same", errno="ENOSPC", calls=["pwrite64"]):
        fill(cay, "same")
        code = fault.run().returncode
        if code != 0:  # it could not even open the database
            assert assert_whole(cay, fault) == ["same"], str(fault)
            assert len(list(volumes.data(cay.state, "same").glob("*/file"))) == 3, str(fault)
            cay.ok("volume", "rm", "same")
        seen.add(code)
        assert assert_whole(cay, fault) == [], str(fault)
    assert 0 in seen


def test_a_plugin_s_volume_without_room_in_the_database_is_with_both_or_none(cay, tmp_path):
    directory = tmp_path / "volumes"
    directory.mkdir()
    with cdi.alone(), volume_plugin.serve(directory) as plugin:
        create, remove = ["create", "-d", plugin.name, "same"], ["rm", "-f", "same"]
        for command, before in (create, remove), (remove, create):
            cay.ok("volume", *before)
            for fault in faults.failures(cay, "volume", *command, errno="ENOSPC",
                                         calls=["pwrite64"]):
                cay.ok("volume", *before)
                fault.run()
                assert names(cay) == list(plugin.volumes), str(fault)


def test_a_run_that_is_killed_leaves_a_plugin_with_no_mount(cay, image, tmp_path):
    directory = tmp_path / "volumes"
    directory.mkdir()
    with cdi.alone(), volume_plugin.serve(directory) as plugin:
        cay.ok("volume", "create", "-d", plugin.name, "same")
        mounted = 0
        for fault in faults.kills(cay, "run", "--rm", "-v", "same:/data", image, "true",
                                  calls=["connect", "sendto", "unlinkat", "renameat"]):
            plugin.requests.clear()
            fault.run()
            cay.state.settle()
            assert cay.ok("ps", "-aq") == "", str(fault)
            assert plugin.mounts.get("same", []) == [], str(fault)
            mounted += "Mount" in plugin.calls
        assert mounted > 0
        cay.ok("volume", "rm", "same")


def test_a_run_that_is_killed_leaves_no_loop_device(cay, image, tmp_path):
    disk = tmp_path / "disk"
    with open(disk, "wb") as file:
        file.truncate(4 << 20)
    subprocess.run(["mkfs.ext4", "-q", disk], check=True)
    cay.ok("volume", "create", "-o", "type=ext4", "-o", f"device={disk}", "same")
    for fault in faults.kills(cay, "run", "--rm", "-v", "same:/data", image, "true",
                              calls=["ioctl", "fsconfig", "fsmount", "vfork", "connect"]):
        fault.run()
        cay.state.settle()
        assert cay.ok("ps", "-aq") == "", str(fault)
        shown = subprocess.run(["losetup", "--noheadings", "-j", disk], capture_output=True,
                               text=True, check=True).stdout
        assert shown == "", str(fault)
    cay.ok("run", "--rm", "-v", "same:/data", image, "true")
