# SPDX-License-Identifier: Apache-2.0
"""Many commands at once on one state, and states that nobody of ours has left so."""

import fcntl
import json
import os
import shutil
import signal
import sqlite3

import faults
import pytest
from harness import debris, images

STAYS = ("sh", "-c", "echo up; read x < /dev/ptmx")


@pytest.fixture
def cay(cay, release):
    """As shipped: only what is quick runs into each other."""
    return cay.on(release)


def ends(processes):
    """(exit status, standard error) of each."""
    found = []
    for process in processes:
        _, stderr = process.communicate(timeout=60)
        found.append((process.returncode, stderr.decode()))
    return found


def start(cay, *arguments):
    """A container that stays until it is killed; the `cay` that is attached to it."""
    process = cay.spawn("run", *arguments, *STAYS)
    assert process.stdout.readline() == b"up\n"
    return process


def inspect(cay, name):
    return json.loads(cay.ok("inspect", name))[0]


def test_of_eight_runs_that_claim_one_name_one_gets_it(cay, image, no_leaks):
    results = ends([cay.spawn("run", "--name", "raced", image, "true") for _ in range(8)])
    assert sorted(status for status, _ in results) == [0] + [125] * 7
    assert all("the container name 'raced' is in use" in told for status, told in results if status)
    assert len(cay.ok("ps", "-aq").split()) == 1 == len(cay.state.containers())


def test_fifty_runs_at_once_all_succeed_and_leave_nothing(cay, image, no_leaks):
    results = ends([cay.spawn("run", "--rm", image, "true") for _ in range(50)])
    assert results == [(0, "")] * 50
    assert cay.ok("ps", "-aq") == ""
    assert debris.of_state(cay.state) == []


def test_runs_and_lists_at_once_do_not_mind_each_other(cay, image, no_leaks):
    """Every list recovers what nobody holds, and what is being made is held by its maker."""
    runs = [cay.spawn("run", "--rm", image, "true") for _ in range(20)]
    lists = [cay.spawn("ps", "-aq") for _ in range(20)]
    assert [end for end in ends(runs + lists) if end != (0, "")] == []


def test_what_is_being_made_survives_who_clears_it_up(cay, image, state, no_leaks):
    """Its maker has opened the lock, and not yet taken it."""
    cay.ok("run", "--rm", image, "true") # from here on each run opens the same files
    calls = list(faults.kills(cay, "run", "--rm", image, "true", calls=["openat", "flock"]))
    flocks = [index for index, fault in enumerate(calls) if fault.call == "flock"]
    opens = calls[flocks[2] - 1]  # two are about the state directory, the next is the container's
    run = cay.spawn("run", "--rm", image, "true", prefix=[
        "strace", "-D", "-qqq", "-o", "/dev/null", "-e", "signal=none", "-e", "trace=openat",
        "-e", f"inject=openat:signal=SIGSTOP:when={opens.number}"])
    os.waitid(os.P_PID, run.pid, os.WSTOPPED)
    (runtime,) = (state.runtime / "containers").iterdir()
    with open(runtime / "lock", "rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        run.send_signal(signal.SIGCONT)
        cay.ok("ps", "-aq")
        shutil.rmtree(runtime)
    assert ends([run]) == [(0, "")]


def test_force_does_not_wait_for_what_another_command_is_making(cay, image, state, no_leaks):
    cay.ok("run", "--name", "held", image, "true")
    container = cay.ok("ps", "-aq", "--no-trunc")
    with sqlite3.connect(state.directory / "cay.db") as database:
        database.execute("UPDATE container SET state = 'creating'")
    database.close()
    runtime = state.runtime / "containers" / container
    runtime.mkdir()
    with open(runtime / "lock", "wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        result = cay("rm", "-f", "held", timeout=20)
    assert result.returncode == 1
    assert "container 'held' is in use by another command" in result.stderr
    cay.ok("rm", "held")


def test_first_commands_at_once_on_a_fresh_state_all_work(cay, state):
    for number in range(10):
        fresh = {"CAY_STATE": str(state.base / f"fresh-{number}")}
        assert ends([cay.spawn("ps", "-aq", env=fresh) for _ in range(8)]) == [(0, "")] * 8


def test_an_image_removed_while_it_is_run_is_whole_or_gone(cay, state, tmp_path, no_leaks):
    rootfs = tmp_path / "rootfs.tar"
    rootfs.write_bytes(images.busybox_tar(["sh", "true"]))
    for _ in range(10):
        cay.ok("import", rootfs, "raced:1")
        run = cay.spawn("run", "--pull", "never", "--rm", "raced:1", "true")
        removal = cay.spawn("rmi", "raced:1")
        (status, told), (removed, _) = ends([run, removal])
        assert status == 0 or (status == 125 and "no such image" in told), told
        assert removed in (0, 1)
        assert (cay.ok("images", "-q") == "") == (removed == 0)
        cay("rmi", "raced:1")
    assert debris.of_store(state) + debris.of_state(state) == []


def test_imports_of_one_image_at_once_share_its_layer(cay, state, tmp_path, no_leaks):
    rootfs = tmp_path / "rootfs.tar"
    rootfs.write_bytes(images.busybox_tar(["sh", "true"]))
    results = ends([cay.spawn("import", rootfs, "raced:1") for _ in range(8)])
    assert results == [(0, "")] * 8
    assert len(list((state.directory / "layers").iterdir())) == 1
    assert cay("run", "--rm", "raced:1", "true").returncode == 0
    for identifier in set(cay.ok("images", "-q", "--no-trunc").split()):
        cay.ok("rmi", identifier)
    assert debris.of_store(state) + debris.of_state(state) == []


@pytest.mark.parametrize("kept", [True, False])
def test_a_removal_by_force_may_meet_the_container_s_end(cay, image, no_leaks, kept):
    for _ in range(10):
        options = ["--name", "raced", "-i"] + ([] if kept else ["--rm"])
        run = cay.spawn("run", *options, image, "sh", "-c", "echo up; cat")
        assert run.stdout.readline() == b"up\n"
        removal = cay.spawn("rm", "-f", "raced")
        run.stdin.close()
        run.stdin = None
        (status, _), removed = ends([run, removal])
        assert status in (0, 137) and removed == (0, "")
        assert cay.ok("ps", "-aq") == ""


def test_removals_of_one_container_at_once_remove_it_once(cay, image, no_leaks):
    cay.ok("run", "--name", "raced", image, "true")
    results = ends([cay.spawn("rm", "raced") for _ in range(6)])
    assert 0 in [status for status, _ in results]
    for status, told in results:
        assert status == 0 or "no such container" in told or "in use" in told, told
    assert cay.ok("ps", "-aq") == ""


def test_after_a_reboot_what_ran_has_ended_and_names_can_be_had(cay, image, state, no_leaks):
    start(cay, "--name", "kept", image)
    start(cay, "--name", "gone", "--rm", image)
    state.kill()
    shutil.rmtree(state.runtime)
    cay.end()

    assert cay.ok("ps", "-a", "--format", "{{.Names}} {{.State}}") == "kept exited"
    ended = inspect(cay, "kept")["State"]
    assert ended["ExitCode"] == 137 and ended["Error"] and not ended["Running"]
    assert ended["Pid"] == 0 and ended["FinishedAt"] > ended["StartedAt"]
    assert cay("run", "--rm", "--name", "gone", image, "true").returncode == 0
    cay.ok("rm", "kept")
    assert cay("run", "--rm", "--name", "kept", image, "true").returncode == 0


def test_the_pid_of_a_dead_container_may_be_somebody_else_s(cay, image, state, no_leaks):
    cay.ok("run", "--name", "old", image, "true")
    with sqlite3.connect(state.directory / "cay.db") as database:
        database.execute("UPDATE container SET state = 'running', pid = ?", [os.getpid()])
    database.close()
    (state.directory / "containers" / state.containers()[0] / "exit.json").unlink()
    assert cay.ok("ps", "-a", "--format", "{{.State}}") == "exited"
    assert inspect(cay, "old")["State"]["ExitCode"] == 137
    cay.ok("rm", "-f", "old")


def test_a_lock_file_that_nobody_holds_is_no_lock(cay, image, state, no_leaks):
    cay.ok("run", "--name", "old", image, "true")
    runtime = state.runtime / "containers" / state.containers()[0]
    runtime.mkdir(mode=0o700)
    (runtime / "lock").write_text("12345\n")
    (runtime / "shim.sock").touch()
    assert cay.ok("ps", "-a", "--format", "{{.State}}") == "exited"
    assert not runtime.exists()
    cay.ok("rm", "old")


def test_garbage_in_the_data_roots_harms_nobody(cay, image, state, tmp_path):
    victim = tmp_path / "victim"
    victim.mkdir()
    (victim / "file").touch()
    for root in (state.runtime / "containers", state.directory / "containers"):
        root.mkdir(exist_ok=True)
        (root / "no-id").mkdir()
        (root / "file").touch()
        (root / ".link").symlink_to(victim)
        (root / ".half").mkdir()
        (root / ("a" * 64)).mkdir()
        (root / ("a" * 64) / "link").symlink_to(victim)
        (root / ("b" * 64)).symlink_to(victim)
    (state.runtime / "scanned").unlink(missing_ok=True)  # as after a boot
    result = cay("ps", "-a", "-q")
    assert (result.returncode, result.stdout) == (0, "")
    assert cay("run", "--rm", image, "true").returncode == 0
    assert (victim / "file").exists()
    for root in (state.runtime / "containers", state.directory / "containers"):
        assert {entry.name for entry in root.iterdir()} <= {"no-id", "file", "b" * 64}
        shutil.rmtree(root)
