# SPDX-License-Identifier: Apache-2.0
"""Restart policies: what is started again, how often, and what ends it for good."""

import contextlib
import os
import re
import signal

import pytest

from . import bundles
from .bundles import converse, script, wait_for_end


def await_ends(bundle, count):
    """The policy's patience grows; this much of it is enough to act while it waits."""
    while bundle.status().get("restartCount", 0) < count:
        bundle.run("-a", "-c", "wait")


def attach_to_cat(bundle):
    """A client of the run that is a `cat`: those of the ones before end with them."""
    while True:
        client = bundle.start("-a", "-i")
        with contextlib.suppress(BrokenPipeError):
            client.process.stdin.write(b"there\n")
            client.process.stdin.flush()
        if client.process.stdout.readline() == b"there\n":
            return client
        client.end()


LOOKING = {"read", "fstat", "newfstatat", "statx", "statfs", "fstatfs", "lseek", "fcntl", "ioctl",
           "poll", "epoll_wait", "getpid", "readlink", "faccessat", "getdents64", "close"}


def supervise(bundle, *options):
    """Start it without an owner. Returns the ids of its shim and of its first process."""
    run = bundle.start("-d", *options)
    pids = run.pids()
    assert run.end().returncode == 0
    return pids


def attach_waiter(bundle):
    run = bundle.start("-a", "-c", "wait")
    assert run.greeting() == "wait"
    return run


def fail_times(bundle, count):
    """The container's program ends with 1 so often, and goes on as a `cat` after that."""
    return bundle.configure(*script(
        f"echo >> /tmp/{bundle.name}; [ $(wc -l < /tmp/{bundle.name}) -gt {count} ] || exit 1; "
        f"exec cat"))


@pytest.fixture(autouse=True)
def tidy(bundle):
    yield
    (bundle.rootfs / "tmp" / bundle.name).unlink(missing_ok=True)


@pytest.mark.parametrize("policy, code", [
    (None, 1), ("no", 1), ("on-failure", 0), ("unhealthy", 1), ("of-a-later-version", 1)])
def test_a_policy_that_does_not_apply_leaves_the_container_ended(bundle, policy, code):
    bundle.write_settings(restart=policy or "no")
    outcome = bundle.configure(*script(f"exit {code}")).run()
    assert (outcome.words["again"], outcome.words["restarts"]) == ("0", "0")
    assert bundle.actions() == ["start", "die"]
    assert not bundle.left()


@pytest.mark.parametrize("policy", ["always", "unless-stopped", "on-failure"])
def test_a_container_that_fails_is_started_again(bundle, policy):
    bundle.write_settings(restart=policy)
    run = fail_times(bundle, 1).start("-i", "-k")
    shim, first = run.pids()
    outcome = run.end(b"")
    assert (outcome.returncode, outcome.words.get("again")) == (1, "1"), outcome
    client = bundle.start("-a", "-i")
    converse(client, b"again\n")
    status = bundle.status()
    assert (status["state"], status["restartCount"], status["exitCode"]) == ("running", 1, 1)
    assert status["pid"] not in (0, first)
    assert status["shimPid"] == shim
    assert status["finishedAt"] <= status["startedAt"]
    assert bundle.run("-a", "-c", "stop:9").words["stopped"] == "1"
    assert client.end().words["code"] == "137"
    wait_for_end(shim)
    assert bundle.actions() == ["start", "die", "start", "kill", "die", "stop"]
    assert not bundle.left()


def test_always_means_success_too(bundle):
    bundle.write_settings(restart="always")
    bundle.configure("true")
    assert bundle.run().words["again"] == "1"
    assert bundle.run("-a", "-c", "stop").words["again"] == "0"


def test_a_policy_with_a_limit_keeps_to_it(bundle):
    bundle.write_settings(restart="on-failure", restartMaximum=3)
    bundle.configure(*script("exit 7"))
    shim, _ = supervise(bundle)
    wait_for_end(shim)
    record = bundle.exit_record()
    assert (record["exitCode"], record["restartCount"]) == (7, 3)
    assert not record.get("isRestarting")
    assert bundle.actions() == ["start", "die"] * 4
    status = bundle.status()
    assert (status["state"], status["restartCount"], status["exitCode"]) == ("ended", 3, 7)
    assert not bundle.left()


def test_a_container_that_removes_itself_is_not_started_again(bundle):
    bundle.write_settings(restart="always", autoRemove=True)
    assert bundle.configure("true").run().words["again"] == "0"
    assert not bundle.left()


def test_the_root_is_mounted_anew_each_time(bundle):
    """The one that is handed over can be attached only once."""
    bundle.write_settings(restart="on-failure", restartMaximum=2)
    bundle.configure(*script(f"echo run >> /tmp/{bundle.name}; exit 1"))
    shim, _ = supervise(bundle, "-m", str(bundle.rootfs))
    wait_for_end(shim)
    assert "error" not in bundle.exit_record()
    assert (bundle.rootfs / "tmp" / bundle.name).read_text() == "run\n" * 3


def test_no_mount_of_an_earlier_run_is_in_the_root(bundle):
    bundle.write_settings(restart="on-failure", restartMaximum=1)
    bundle.configure(*script(f"cat /proc/mounts > /tmp/{bundle.name}; exit 1"))
    shim, _ = supervise(bundle, "-m", str(bundle.rootfs))
    wait_for_end(shim)
    mounts = (bundle.rootfs / "tmp" / bundle.name).read_text().splitlines()
    targets = [mount.split()[1] for mount in mounts]
    assert sorted(targets) == sorted(["/", "/proc", "/dev", "/dev/pts"])


def test_a_restart_that_fails_counts_and_the_policy_goes_on(bundle):
    bundle.write_settings(restart="on-failure", restartMaximum=2)
    run = bundle.configure(*script("read line; exit 1")).start("-i")
    shim, _ = run.pids()
    bundle.configure("missing")  # read when it is started again
    run.end(b"go\n")
    wait_for_end(shim)
    record = bundle.exit_record()
    assert (record["exitCode"], record["restartCount"]) == (127, 2)
    assert "missing" in record["error"]
    assert bundle.actions() == ["start", "die", "die", "die"]
    assert not bundle.left()


def test_a_restart_whose_creation_fails_keeps_the_root_for_the_next(bundle):
    """The first process has attached the root when it finds that a mount cannot be made."""
    bundle.write_settings(restart="on-failure", restartMaximum=3)
    bundle.configure(*script("echo ready; read line; exit 1"))
    run = bundle.start("-i", "-m", str(bundle.rootfs))
    shim, _ = run.pids()
    assert run.process.stdout.readline() == b"ready\n"
    bundle.configure("true", mounts=[{"destination": "/proc", "type": "no-such-file-system",
                                      "source": "none"}])
    waiter = attach_waiter(bundle)
    run.end(b"go\n")
    assert waiter.end().words["code"] == "1"
    waiter = bundle.run("-a", "-c", "wait")
    assert "no-such-file-system" in waiter.words["error"]
    bundle.configure("true")
    wait_for_end(shim)
    assert bundle.exit_record()["exitCode"] == 0
    assert not bundle.left()


def test_a_run_leaves_no_descriptor_in_its_shim_nor_half_a_megabyte(bundle, release):
    bundle.shim = release / "cay-shim"
    bundle.write_settings(restart="on-failure")
    held = []
    for count in (1, 4):
        (bundle.rootfs / "tmp" / bundle.name).unlink(missing_ok=True)
        shim, _ = supervise(fail_times(bundle, count), "-k", "-i", "-m", str(bundle.rootfs))
        client = attach_to_cat(bundle)
        held.append(len(os.listdir(f"/proc/{shim}/fd")))
        client.process.kill()
        client.end()
        bundles.await_rest(shim)
        assert bundles.private_kilobytes(shim) <= bundles.KILOBYTES_AT_REST
        bundle.run("-a", "-c", "stop:9")
        wait_for_end(shim)
    assert held[0] == held[1]


def test_the_record_says_that_it_goes_on_and_the_next_run_has_none(bundle):
    bundle.write_settings(restart="always")
    run = fail_times(bundle, 1).start("-i", "-k")
    run.end(b"")
    client = bundle.start("-a", "-i")
    converse(client, b"x\n")
    assert bundle.exit_record() is None
    bundle.run("-a", "-c", "stop:9")
    client.end()


def test_every_waiter_and_every_client_hears_the_end(bundle):
    bundle.write_settings(restart="always")
    run = bundle.configure(*script('while read line; do [ "$line" = go ] && exit 5; echo $line; '
                                   'done')).start("-i", "-k")
    shim, _ = run.pids()
    converse(run, b"first\n")
    clients = [bundle.start("-a", "-i") for _ in range(2)]
    for client in clients:
        converse(client, b"there\n")
    waiters = [attach_waiter(bundle) for _ in range(3)]
    outcome = run.end(b"go\n")
    for ended in (outcome, *(other.end() for other in clients + waiters)):
        assert (ended.returncode, ended.words["again"]) == (5, "1")
    bundle.run("-a", "-c", "stop:9")
    wait_for_end(shim)


def test_output_before_a_restart_is_not_lost_though_its_reader_is_slow(bundle):
    bundle.write_settings(restart="always")
    run = bundle.configure(*script("head -c 60000 /dev/zero; exit 1")).start()
    outcome = run.end()
    assert (len(outcome.stdout), outcome.words["again"]) == (60000, "1")
    bundle.run("-a", "-c", "stop:9")


def test_a_stop_ends_the_wait_for_a_restart(bundle):
    bundle.write_settings(restart="always")
    shim, _ = supervise(bundle.configure(*script("exit 3")))
    await_ends(bundle, 3)
    outcome = bundle.run("-a", "-c", "stop")
    assert (outcome.words["again"], outcome.words["stopped"]) == ("0", "1")
    wait_for_end(shim)
    record = bundle.exit_record()
    assert record["isStopped"] and not record.get("isRestarting")
    assert bundle.status()["state"] == "ended"
    assert bundle.actions()[-1] == "stop"
    assert not bundle.left()


def test_a_kill_ends_the_wait_for_a_restart(bundle):
    bundle.write_settings(restart="always")
    shim, _ = supervise(bundle.configure(*script("exit 3")))
    await_ends(bundle, 3)
    assert bundle.run("-a", "-c", "kill:KILL").returncode == 0
    wait_for_end(shim)
    assert bundle.exit_record()["isStopped"]


def test_a_stop_before_the_end_is_delivered_ends_it_for_good(bundle):
    """Nobody reads what the container has left: it cannot be started again meanwhile."""
    bundle.write_settings(restart="always")
    ours, theirs = os.pipe()
    run = bundle.configure(*script("yes & read line; exit 4")).start("-i", "-k", stdout=theirs)
    os.close(theirs)
    shim, container = run.pids()
    run.process.stdin.write(b"go\n")
    run.process.stdin.flush()
    wait_for_end(container)
    stop = bundle.start("-a", "-c", "stop")
    assert stop.greeting() == "stop"
    while os.read(ours, 1 << 20):
        pass
    os.close(ours)
    assert stop.end().words["again"] == "0"
    assert run.end().returncode == 4
    wait_for_end(shim)
    assert bundle.exit_record()["isStopped"]


def test_a_shim_that_is_killed_while_it_waits_leaves_nothing(bundle):
    bundle.write_settings(restart="always")
    shim, _ = supervise(bundle.configure(*script("exit 3")))
    await_ends(bundle, 3)
    bundle.run("-a", "-c", "wait")
    os.kill(shim, signal.SIGKILL)
    wait_for_end(shim)
    assert bundle.exit_record().get("isRestarting")
    assert not bundle.cgroups()
    bundle.write_settings(restart="no")
    assert bundle.configure("true").run().returncode == 0
    assert not bundle.left()


def test_a_shim_killed_at_any_system_call_of_a_restart_leaves_nothing_that_matters(bundle, release):
    bundle.write_settings(restart="on-failure", restartMaximum=1)
    bundle.configure(*script("exit 3"))
    log = bundle.path / "calls"
    bundle.wrap(f"strace -D -qqq -s 0 -e signal=none -o {log}", release / "cay-shim")
    supervise(bundle)
    bundle.wait_for_lock()
    assert bundle.exit_record()["restartCount"] == 1
    calls = bundles.calls_of(log)
    # the rest is as in a first run, and to have looked at something leaves nothing either
    calls = calls[calls.index(("waitid", 1)):calls.index(("clone3", 2)) + 20]
    calls = [call for call in calls if call[0] not in LOOKING]
    assert len(calls) > 30
    for call, number in calls:
        inject = f"-e trace={call} -e inject={call}:signal=SIGKILL:when={number}"
        bundle.wrap(f"strace -D -qqq -e signal=none -o /dev/null {inject}", release / "cay-shim")
        outcome = bundle.run("-d")
        where = f"killed at {call} number {number}: {outcome}"
        # The order of calls may be another one this time, and it was killed at its start.
        assert outcome.returncode in (0, 124, 125), where
        bundle.wait_for_lock()
        if match := re.search(r"container=(\d+)", outcome.stderr):
            wait_for_end(int(match[1]))
        record = bundle.exit_record()
        assert not record or record["exitCode"] == 3, where

    bundle.shim = release / "cay-shim"
    assert bundle.run().returncode == 3
    bundle.wait_for_lock()
    assert not bundle.left()


def test_an_owner_that_is_killed_does_not_keep_the_next_run(bundle):
    """It goes without having read what the container has left for it."""
    bundle.write_settings(restart="on-failure")
    ours, theirs = os.pipe()
    bundle.configure(*script(f"[ -e /tmp/{bundle.name} ] && exit; > /tmp/{bundle.name}; "
                             "yes & read line; exit 4"))
    run = bundle.start("-i", "-k", stdout=theirs)
    os.close(theirs)
    shim, container = run.pids()
    run.process.stdin.write(b"go\n")
    run.process.stdin.flush()
    wait_for_end(container)
    run.process.kill()
    run.end()
    wait_for_end(shim)
    os.close(ours)
    assert bundle.exit_record()["restartCount"] == 1


def test_a_policy_that_is_switched_on_later_applies(bundle):
    run = bundle.configure(*script("echo ready; read line; exit 1")).start("-i", "-k", "-m",
                                                                           str(bundle.rootfs))
    shim, _ = run.pids()
    assert run.process.stdout.readline() == b"ready\n"
    bundle.write_settings(restart="on-failure", restartMaximum=1)
    assert bundle.run("-a", "-c", "reload").returncode == 0
    assert run.end(b"go\n").words["again"] == "1"
    second = bundle.start("-a", "-i")
    second.process.stdin.write(b"go\n")
    second.process.stdin.flush()
    assert second.end().words["again"] == "0"
    wait_for_end(shim)


def test_settings_that_are_corrupt_change_nothing(bundle):
    bundle.write_settings(restart="always")
    run = bundle.configure(*script("echo ready; read line; exit 1")).start("-i", "-k")
    assert run.process.stdout.readline() == b"ready\n"
    (bundle.path / "shim.json").write_text("{")
    assert bundle.run("-a", "-c", "reload").words["kind"] == "corrupt"
    assert run.end(b"go\n").words["again"] == "1"
    bundle.run("-a", "-c", "stop:9")


def test_a_container_that_is_started_again_is_not_protected_from_the_oom_killer(bundle):
    bundle.write_settings(restart="on-failure", restartMaximum=1)
    bundle.configure(*script(f"cat /proc/self/oom_score_adj >> /tmp/{bundle.name}; exit 1"))
    shim, _ = supervise(bundle)
    wait_for_end(shim)
    first, second = (bundle.rootfs / "tmp" / bundle.name).read_text().split()
    assert first == second
