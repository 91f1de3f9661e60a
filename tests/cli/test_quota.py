# SPDX-License-Identifier: Apache-2.0
"""Limits of size where there are none: what is said. tests/vm/kernel/test_quota.py has the rest."""

import pytest

from harness.program import Cay, State


@pytest.fixture
def in_memory(build, state_directory_in_memory, busybox_template):
    """A cay on a file system without project quotas."""
    state = State(state_directory_in_memory)
    state.copy_from(busybox_template)
    yield Cay(build, state)
    state.kill()
    state.remove()


def test_a_limit_that_the_file_system_cannot_keep_is_refused_with_what_to_do(in_memory):
    result = in_memory("run", "--rm", "--storage-opt", "size=10G", "busybox:test", "true")
    containers = in_memory.state.directory.resolve() / "containers"
    assert result.returncode == 125
    assert result.stderr == (
        "cay: a limit of size takes project quotas, which only ext4 and xfs have: "
        f"'{containers}' lies on another file system, so keep the state ('--state') on one of "
        "these, mounted with the option 'prjquota'\n")
    assert not in_memory.state.containers()


def test_a_limit_of_a_volume_is_refused_alike(in_memory):
    result = in_memory("volume", "create", "-o", "size=10G", "data")
    assert result.returncode == 1
    assert "volumes' lies on another file system, so keep the state" in result.stderr, str(result)
    assert in_memory("volume", "ls", "-q").stdout == ""


@pytest.mark.parametrize("option, reason", [
    (["-o", "size=tiny"], "option 'size': 'tiny' is not a size such as '10G'"),
    (["-o", "size=1m", "-o", "device=/srv", "-o", "type=ext4"],
     "option 'size' is not for what is mounted"),
])
def test_a_size_of_a_volume_that_says_nothing_useful_is_refused(cay, option, reason):
    result = cay("volume", "create", *option, "data")
    assert result.returncode == 1 and reason in result.stderr, str(result)


@pytest.mark.parametrize("option, reason", [
    ("size=large", "storage option 'size': 'large' is not a size such as '10G'"),
    ("size=1k", "storage option 'size': '1k' is less than 1 MiB"),
    ("size=4096p", "storage option 'size': '4096p' is more than any disk has"),
    ("inodes=5", "storage option 'inodes' is not supported: there is 'size'"),
])
def test_an_option_of_storage_that_says_nothing_useful_is_refused(cay, image, option, reason):
    result = cay("create", "--storage-opt", option, image, "true")
    assert result.returncode == 1
    assert reason in result.stderr
    assert not cay.state.containers()
