# SPDX-License-Identifier: Apache-2.0
"""The working directory."""

import fcntl
import os

import pytest


def test_the_program_starts_in_its_working_directory(bundle):
    (bundle.rootfs / "srv/data").mkdir(parents=True)
    bundle.process["cwd"] = "/srv/data"
    assert bundle.shell("pwd") == "/srv/data\n"


def test_a_missing_working_directory_is_made_for_root(bundle):
    bundle.process["cwd"] = "/srv/made/here"
    bundle.process["user"] = {"uid": 1000, "gid": 1000, "umask": 0o077}
    assert bundle.shell("pwd; stat -c '%a %u:%g' . ..") == \
        "/srv/made/here\n755 0:0\n755 0:0\n"


def test_a_missing_working_directory_is_made_in_a_read_only_root(bundle):
    bundle.config["root"]["readonly"] = True
    bundle.process["cwd"] = "/srv/made"
    assert bundle.shell("pwd") == "/srv/made\n"


def test_a_working_directory_may_lie_in_a_mount(bundle, outside):
    (outside / "below").mkdir()
    bundle.mount("/mnt", outside, ["rbind"])
    bundle.process["cwd"] = "/mnt/below"
    assert bundle.shell("pwd; touch made") == "/mnt/below\n"
    assert (outside / "below/made").exists()


@pytest.mark.parametrize("cwd", ["/etc/file", "/etc/file/below"])
def test_a_file_is_no_working_directory(bundle, cwd):
    bundle.write("/etc/file", "")
    bundle.process["cwd"] = cwd
    result = bundle.run("true")
    assert result.status == 125
    assert result.stderr == f"invalid: working directory '{cwd}' is not a directory\n"


def test_a_link_as_working_directory_stays_inside_the_root(bundle, outside):
    (bundle.rootfs / "link").symlink_to(f"../../../../../../..{outside}")
    (bundle.rootfs / str(outside).lstrip("/")).mkdir(parents=True)
    bundle.process["cwd"] = "/link"
    assert bundle.shell("pwd -P; touch made") == f"{outside}\n"
    assert os.listdir(outside) == []


def test_a_user_may_start_where_only_root_may_go(bundle):
    (bundle.rootfs / "root").chmod(0o700)
    bundle.process["cwd"] = "/root"
    bundle.process["user"] = {"uid": 1000, "gid": 1000}
    assert bundle.shell("readlink /proc/self/cwd") == "/root\n"


@pytest.fixture
def leak(outside):
    """A descriptor of a directory of the host, inherited by whatever is started with it."""
    fd = os.open(outside, os.O_RDONLY | os.O_DIRECTORY)
    high = fcntl.fcntl(fd, fcntl.F_DUPFD, 99)
    os.close(fd)
    yield high
    os.close(high)


@pytest.mark.parametrize("cwd", ["/proc/self/fd/{}", "/proc/1/fd/{}", "/proc/self/fd/{}/..",
                                 "/link"])
def test_a_descriptor_is_no_way_out_as_working_directory(bundle, leak, cwd):
    """CVE-2024-21626: a descriptor that the caller leaked leads to the host."""
    (bundle.rootfs / "link").symlink_to(f"/proc/self/fd/{leak}")
    bundle.process["cwd"] = cwd.format(leak)
    result = bundle.run("pwd", pass_fds=[leak])
    assert result.status == 125, result
    assert "working directory" in result.stderr


def test_descriptors_of_the_caller_do_not_reach_the_program(bundle, leak):
    """3 is what ls looks at them with."""
    assert bundle.run("ls", "/proc/self/fd", pass_fds=[leak]).stdout.split() == \
        ["0", "1", "2", "3"]
