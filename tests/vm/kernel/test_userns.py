# SPDX-License-Identifier: Apache-2.0
"""Ids of one's own where the kernel takes no detached layers and maps no ids of a tmpfs."""

import os

import pytest


@pytest.fixture
def shared(tmp_path):
    directory = tmp_path / "shared"
    directory.mkdir()
    (directory / "user").write_text("user\n", encoding="ascii")
    os.chown(directory / "user", 1000, 1000)
    return directory


@pytest.mark.vm_core
def test_files_have_the_owners_that_they_are_stored_with(cay, image, shared, no_leaks):
    assert cay.ok("run", "--name", "box", "-v", f"{shared}:/shared", image, "sh", "-c",
                  "stat -c %u:%g /bin/busybox /shared/user; echo >/shared/new; echo >/made;"
                  " chown 5:6 /made; rm -rf /home; cut -c1-11 /proc/self/uid_map").split() == \
        ["0:0", "1000:1000", "0"]
    assert (shared / "new").stat().st_uid == 0
    upper = cay.state.directory / "containers" / cay.state.containers()[0] / "upper"
    assert (upper / "made").stat().st_uid == 5
    assert cay.ok("start", "-a", "box").split() == ["0:0", "1000:1000", "0"]


def test_a_device_under_another_name_is_the_host_s_of_its_number(cay, image, no_leaks):
    assert cay.ok("run", "--rm", "--device", "/dev/zero:/dev/under/other", image, "sh", "-c",
                  "head -c 2 /dev/under/other | wc -c") == "2"


def test_what_a_tmpfs_holds_is_refused_with_a_way_out(cay, image, no_leaks):
    os.makedirs("/dev/shm/held", exist_ok=True)
    result = cay("run", "--rm", "-v", "/dev/shm/held:/held", image, "true")
    assert result.returncode == 125 and "choose '--userns host'" in result.stderr
    assert cay.ok("run", "--rm", "--userns", "host", "-v", "/dev/shm/held:/held", image, "ls",
                  "/held") == ""
