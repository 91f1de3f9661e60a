# SPDX-License-Identifier: Apache-2.0
"""
Commands about secrets that are killed at each step that changes something, or find no room.

Whatever happens, a secret is there as a whole or not at all, its key is whole, and its content is
in no file.
"""

import os

import faults
import pytest
from harness import debris

CONTENT = "correct horse battery staple"

pytestmark = pytest.mark.as_shipped


def content_of(cay, name):
    return cay.ok("run", "--rm", "--secret", name, "busybox:test", "cat", f"/run/secrets/{name}")


def assert_whole(cay, fault):
    """What is left can be used; and nothing else is left. Returns whether the secret is there."""
    left = cay.ok("secret", "ls", "--format", "{{.Name}}").split()
    assert left in (["token"], []), str(fault)
    if left:
        assert content_of(cay, "token") == CONTENT, str(fault)
    secrets = cay.state.directory / "secrets"
    assert not secrets.exists() or os.listdir(secrets) in ([], ["key"]), str(fault)
    assert debris.of_state(cay.state) == [], str(fault)
    return bool(left)


def test_a_secret_whose_maker_is_killed_is_there_or_not(cay, image):
    command = ["secret", "create", "token", "-"]
    found = list(faults.kills(cay, *command, input=CONTENT))
    assert assert_whole(cay, "no fault")
    seen = set()
    for fault in found:
        cay("secret", "rm", "token")
        (cay.state.directory / "secrets" / "key").unlink(missing_ok=True)
        fault.run()
        seen.add(assert_whole(cay, fault))
        cay.ok("secret", "create", "--replace", "token", "-", input=CONTENT)
        assert content_of(cay, "token") == CONTENT, str(fault)
    assert seen == {True, False}


def test_a_secret_that_finds_no_room_is_not_there(cay, image):
    command = ["secret", "create", "token", "-"]
    found = list(faults.failures(cay, *command, errno="ENOSPC", input=CONTENT))
    for fault in found:
        cay("secret", "rm", "token")
        (cay.state.directory / "secrets" / "key").unlink(missing_ok=True)
        result = fault.run()
        is_there = assert_whole(cay, fault)
        # Its id could not be printed, once it was there.
        told = result.returncode == 0 or "write standard output" in result.stderr
        assert is_there == told, f"{fault}: {result}"
    assert len(found) > 5


def test_a_removal_that_is_killed_has_removed_it_or_not(cay, image):
    cay.ok("secret", "create", "token", "-", input=CONTENT)
    seen = set()
    for fault in faults.kills(cay, "secret", "rm", "token"):
        cay("secret", "create", "--replace", "token", "-", input=CONTENT)
        fault.run()
        seen.add(assert_whole(cay, fault))
    assert True in seen


def test_a_run_with_secrets_that_is_killed_leaves_them_free(cay, image):
    cay.ok("secret", "create", "token", "-", input=CONTENT)
    command = ["run", "--rm", "--secret", "token", "--secret", "token,target=/key", image, "true"]
    calls = [*faults.MOUNTS, "openat", "write", "fchown", "fchmod", "clone", "sendmsg", "recvmsg"]
    met = 0
    for fault in faults.kills(cay, *command, calls=calls):
        met += fault.run().returncode == -9
        assert not cay.state.settle(), str(fault)
        assert cay.ok("ps", "-aq") == "", str(fault)
        assert debris.of_state(cay.state) == [], str(fault)
        cay.ok("secret", "rm", "token")
        cay.ok("secret", "create", "token", "-", input=CONTENT)
    assert met > 10
    assert cay.state.watch.problems() == []
