# SPDX-License-Identifier: Apache-2.0
"""
Containers whose makers are killed at each step that changes something, or get no descriptor.

Whatever happens, the next command tells the truth and finds the name free, and nothing stays: no
process, cgroup, mount, directory or temporary file. (Removals are in tests/crash.)
"""

import contextlib
import json
import os
import select
import shutil

import faults
import pytest
from harness import debris, images, leaks

KILLED = -9

pytestmark = pytest.mark.as_shipped


def settle(cay):
    """
    Let all that was started end by itself, as it must, and recover with the next command. Returns
    the ids of the containers that are left.
    """
    assert not cay.state.settle()
    containers = {*cay.state.containers(), *debris.runtime_containers(cay.state)}
    result = cay("ps", "--all", "--quiet", "--no-trunc")
    assert result.returncode == 0 and result.stderr == "", str(result)
    left = result.stdout.split()
    assert not debris.cgroups_of(containers)
    assert cay.state.containers() == sorted(left)
    assert not debris.runtime_containers(cay.state)
    assert debris.of_state(cay.state) == []
    return left


def assert_clean(cay, fault):
    assert settle(cay) == [], str(fault)
    assert cay.state.watch.problems() == [], str(fault)


def state_of(cay, container):
    return json.loads(cay.ok("inspect", container))[0]["State"]


def was_met(result):
    """Not every call is made as often in every run; but then the run succeeds."""
    assert result.returncode in (KILLED, 0), str(result)
    return result.returncode == KILLED


def test_a_run_that_is_killed_anywhere_leaves_nothing(cay, image):
    met = 0
    for fault in faults.kills(cay, "run", "--rm", "--name", "same", image, "true"):
        met += was_met(fault.run())
        assert_clean(cay, fault)
    assert met > 80


def test_the_name_of_a_killed_run_is_free_at_once(cay, image):
    for fault in faults.kills(cay, "run", "--rm", "--name", "same", image, "true",
                              calls=faults.MOUNTS + faults.PROCESSES + ["mkdirat", "unlinkat"]):
        fault.run()
        assert not cay.state.settle()
        result = cay("run", "--rm", "--name", "same", image, "true")
        assert result.returncode == 0, f"{fault}: {result}"
        assert_clean(cay, fault)


def test_an_image_of_a_killed_run_can_be_removed(cay, image):
    cay.ok("tag", image, "kept:name")
    for fault in faults.kills(cay, "run", "--rm", image, "true", calls=["fsmount", "vfork"]):
        fault.run()
        assert not cay.state.settle()
        cay.ok("rmi", cay.ok("images", "--quiet", image), "--force")
        cay.ok("import", "-", image, input=images.busybox_tar(["sh", "true"]))
    assert_clean(cay, "afterwards")


def test_a_kept_run_that_is_killed_anywhere_leaves_a_settled_container_or_none(cay, image):
    found = list(faults.kills(cay, "run", "--name", "same", image, "true"))
    cay.ok("rm", "same")
    seen = set()
    for fault in found:
        met = was_met(fault.run())
        left = settle(cay)
        seen.add(len(left))
        assert met or left, str(fault)
        for container in left:
            state = state_of(cay, container)
            assert (state["Status"], state["ExitCode"], state["Error"]) == ("exited", 0, ""), \
                f"{fault}: {state}"
            assert state["StartedAt"] < state["FinishedAt"]
            cay.ok("rm", "same")
        assert_clean(cay, fault)
    assert seen == {0, 1}


def is_ready(cay, started):
    """Wait until the container runs (it opens the pipe) or its shim has ended."""
    pidfds = []
    for pid in cay.state.processes():
        with contextlib.suppress(ProcessLookupError):
            pidfds.append(os.pidfd_open(pid))
    ended = set()
    while len(ended) < len(pidfds):
        ready = select.select([started, *set(pidfds) - ended], [], [], leaks.SETTLE_LIMIT)[0]
        assert ready, "neither starts nor ends"
        if started in ready:
            break
        ended.update(ready)
    for pidfd in pidfds:
        os.close(pidfd)
    return len(ended) < len(pidfds)


def test_a_container_whose_maker_is_killed_runs_on_or_never_began(cay, image, tmp_path):
    """With a maker killed after its start it is seen as running, and goes at its end."""
    for pipe in ("up", "go"):
        os.mkfifo(tmp_path / pipe)
    script = "[ ! -e /gate/wait ] || { echo up > /gate/up; read x < /gate/go; }"
    found = list(faults.kills(cay, "run", "--rm", "-v", f"{tmp_path}:/gate", image, "sh", "-c",
                              script))
    calls = [fault.call for fault in found]
    first = calls.index("vfork")
    last = calls.index("unlinkat", first)
    while calls[last] != "pwrite64":
        last -= 1
    (tmp_path / "wait").touch()
    seen = set()
    for fault in found[first:last + 1]:
        up = os.open(tmp_path / "up", os.O_RDWR | os.O_NONBLOCK)
        go = os.open(tmp_path / "go", os.O_RDWR | os.O_NONBLOCK)
        assert fault.run().returncode == KILLED, str(fault)
        runs = is_ready(cay, up)
        os.close(up)
        states = cay.ok("ps", "--all", "--format", "{{.State}}").split()
        assert states == (["running"] if runs else []), str(fault)
        if runs:
            assert cay.ok("ps", "--format", "{{.Status}}").startswith("Up "), str(fault)
        seen.add(runs)
        os.write(go, b"\n")
        assert_clean(cay, fault)
        os.close(go)
    assert seen == {True, False}


def check_told(result, fault):
    """It works all the same, or says in one line why it does not."""
    assert result.returncode in (0, 125), f"{fault}: {result}"
    lines = result.stderr.splitlines()
    assert len(lines) == (result.returncode != 0), f"{fault}: {result}"
    assert all(line.startswith("cay: ") for line in lines)
    return result.returncode != 0


def test_a_shim_that_is_killed_anywhere_takes_its_container_along(cay, image):
    met = 0
    for fault in faults.kills(cay, "run", "--rm", "--name", "same", image, "true",
                              program="cay-shim"):
        met += check_told(fault.run(), fault)
        assert_clean(cay, fault)
    assert met > 60


@pytest.mark.parametrize("program, calls", [
    ("cay", ["openat", "mkdirat", "write", "fchmod", "renameat"]),
    ("cay-shim", ["openat", "write", "renameat"]),
])
def test_who_is_killed_while_filling_the_cache_leaves_nothing(cay, image, state, program, calls):
    shutil.rmtree(state.directory / "cache", ignore_errors=True)
    for fault in faults.kills(cay, "run", "--rm", image, "true", program=program, calls=calls):
        shutil.rmtree(state.directory / "cache")
        fault.run()
        assert_clean(cay, fault)
        assert cay("run", "--rm", image, "true").returncode == 0, str(fault)


def test_an_exit_record_that_cannot_be_written_is_not_needed(cay, image):
    """As long as `cay` is there: it was told."""
    cay.ok("run", "--rm", image, "true")
    (fault,) = faults.failures(cay, "run", "--name", "full", image, "true", program="cay-shim",
                               errno="ENOSPC", calls=["renameat"])
    cay.ok("rm", "full")
    assert fault.run().returncode == 0
    state = state_of(cay, "full")
    assert (state["Status"], state["ExitCode"]) == ("exited", 0)
    assert state["Error"] == "write 'exit.json': No space left on device"
    cay.ok("rm", "full")
    assert_clean(cay, fault)


def test_a_database_without_room_loses_no_container_that_ran(cay, image):
    """One that runs goes on to its end, which is recorded: now, or by the next command."""
    run = ("run", "--name", "same", image, "sh", "-c", "echo written > /file")
    found = list(faults.failures(cay, *run, errno="ENOSPC", calls=["pwrite64"]))
    cay.ok("rm", "same")
    seen = []
    for fault in found:
        failed = check_told(fault.run(), fault)
        left = settle(cay)
        for container in left:
            state = state_of(cay, container)
            assert (state["Status"], state["ExitCode"], state["Error"]) == ("exited", 0, "")
            cay.ok("rm", "same")
        seen.append((failed, len(left)))
        assert_clean(cay, fault)
    # It never was; its start was not written, and did not matter; its end was not, and was told.
    assert set(seen) == {(True, 0), (False, 1), (True, 1)}


DESCRIPTORS = ("openat pipe2 dup socketpair fsopen fsmount open_tree accept4 epoll_create1 "
               "memfd_create pidfd_open").split()


@pytest.mark.parametrize("program", ["cay", "cay-shim"])
def test_a_run_without_descriptors_says_so_and_leaves_nothing(cay, image, program):
    met = 0
    for fault in faults.failures(cay, "run", "--rm", "--name", "same", image, "true",
                                 program=program, errno="EMFILE", calls=DESCRIPTORS):
        met += check_told(fault.run(), fault)
        assert_clean(cay, fault)
    assert met
