# SPDX-License-Identifier: Apache-2.0
"""What clients have done to a container that runs: signals, its end, pauses, other settings; and
what the shim tells of it in its status and its events."""

import os
import pathlib
import select
import signal
import socket

import pytest

from . import bundles
from .bundles import converse, is_alive, script, wait_for_end

TRAP = "trap 'exit 9' TERM; trap 'exit 8' USR1; trap : HUP; echo ready; " \
       "while :; do sleep 1000 & wait; done"
DEAF = "trap '' TERM; echo ready; while :; do sleep 1000 & wait; done"


def start(bundle, text, *options):
    """A container that has said that it is ready. Returns its client, shim and first process."""
    run = bundle.configure(*script(text)).start(*options)
    shim, container = run.pids()
    assert run.process.stdout.readline() == b"ready\n"
    return run, shim, container


# stop


def test_a_stop_sends_the_stop_signal_and_tells_the_end(bundle):
    run, _, _ = start(bundle, TRAP)
    outcome = bundle.run("-a", "-c", "stop")
    assert (outcome.returncode, outcome.words["stopped"]) == (9, "1")
    assert run.end().words["stopped"] == "1"
    assert bundle.exit_record()["isStopped"]
    assert bundle.actions() == ["start", "kill", "die", "stop"]


@pytest.mark.parametrize("settings, command, code", [
    ({"stopSignal": int(signal.SIGUSR1)}, "stop", 8),
    ({"stopSignal": int(signal.SIGUSR1)}, f"stop:{int(signal.SIGTERM)}", 9)])
def test_the_stop_signal_is_the_containers_or_the_callers(bundle, settings, command, code):
    bundle.write_settings(**settings)
    run, _, _ = start(bundle, TRAP)
    assert bundle.run("-a", "-c", command).returncode == code
    run.end()


@pytest.mark.parametrize("timeout, settings", [("0", {}), ("-2", {"stopTimeout": 1})])
def test_who_does_not_heed_a_stop_is_killed_after_its_timeout(bundle, timeout, settings):
    bundle.write_settings(**settings)
    run, _, _ = start(bundle, DEAF)
    outcome = bundle.run("-a", "-c", f"stop:0:{timeout}")
    assert (outcome.returncode, outcome.words["stopped"]) == (137, "1")
    run.end()
    kills = [attributes["signal"] for action, attributes in bundle.events() if action == "kill"]
    assert kills == ["15", "9"]
    assert not bundle.left()


def test_a_stop_goes_on_when_its_asker_dies(bundle):
    run, _, container = start(bundle, DEAF)
    asker = bundle.start("-a", "-c", "stop:0:1")
    assert (asker.greeting(), asker.greeting()) == ("stop:0:1", "done")
    asker.process.kill()
    asker.end()
    wait_for_end(container)
    assert run.end().returncode == 137


def test_the_most_impatient_of_two_decides(bundle):
    run, _, _ = start(bundle, DEAF)
    patient = bundle.start("-a", "-c", "stop:0:-1")
    assert (patient.greeting(), patient.greeting()) == ("stop:0:-1", "done")
    assert bundle.run("-a", "-c", "stop:0:0").returncode == 137
    assert patient.end().returncode == 137
    run.end()


@pytest.mark.parametrize("command", ["stop:99", "stop:0:-7"])
def test_a_stop_that_makes_no_sense_is_refused(bundle, command):
    run, _, container = start(bundle, TRAP)
    assert bundle.run("-a", "-c", command).words["kind"] == "invalid"
    assert is_alive(container)
    bundle.run("-a", "-c", "stop")
    run.end()


# kill


def test_a_kill_ends_a_policy(bundle):
    bundle.write_settings(restart="always")
    run, _, _ = start(bundle, TRAP)
    assert bundle.run("-a", "-c", "kill:KILL").returncode == 0
    assert run.end().words["again"] == "0"
    assert bundle.exit_record()["isStopped"]
    assert bundle.actions() == ["start", "kill", "die"]


@pytest.mark.parametrize("name, settings, again", [
    ("TERM", {}, "0"),
    ("TERM", {"stopSignal": int(signal.SIGUSR1)}, "1"),
    ("USR1", {"stopSignal": int(signal.SIGUSR1)}, "0"),
    ("USR1", {}, "1")])
def test_only_a_signal_that_asks_for_the_end_ends_a_policy(bundle, name, settings, again):
    bundle.write_settings(restart="always", **settings)
    run, _, _ = start(bundle, TRAP)
    assert bundle.run("-a", "-c", f"kill:{name}").returncode == 0
    assert run.end().words["again"] == again
    if again == "1":
        bundle.run("-a", "-c", "stop:9")


def test_a_signal_that_the_program_handles_is_not_the_end(bundle):
    bundle.write_settings(restart="always")
    run, _, _ = start(bundle, TRAP)
    assert bundle.run("-a", "-c", "kill:HUP").returncode == 0
    assert bundle.run("-a", "-S", "USR1").returncode == 0
    assert run.end().words["again"] == "1"
    bundle.run("-a", "-c", "stop:9")


def test_a_signal_that_kills_by_itself_is_the_end(bundle):
    bundle.write_settings(restart="always")
    run = bundle.configure(*script("echo ready; exec sleep 1000"), without=("pid",)).start()
    run.pids()
    assert run.process.stdout.readline() == b"ready\n"
    assert bundle.run("-a", "-c", "kill:HUP").returncode == 0
    outcome = run.end()
    assert (outcome.returncode, outcome.words["again"]) == (129, "0")


def test_a_signal_that_is_none_is_refused(bundle):
    run, _, _ = start(bundle, TRAP)
    assert bundle.run("-a", "-c", "kill:0").words["kind"] == "invalid"
    bundle.run("-a", "-c", "stop")
    run.end()


# pause


@pytest.fixture
def paused(bundle):
    run = bundle.configure("cat").start("-i", "-k")
    run.pids()
    converse(run, b"x\n")
    assert bundle.run("-a", "-c", "pause").returncode == 0
    yield run
    if run.process.poll() is None:
        bundle.run("-a", "-c", "stop:9")
        run.end(b"")


def test_a_paused_container_goes_on_where_it_was(bundle, paused):
    assert bundle.status()["state"] == "paused"
    assert bundle.run("-a", "-c", "pause").words["kind"] == "conflict"
    paused.process.stdin.write(b"held\n")
    paused.process.stdin.flush()
    assert not select.select([paused.process.stdout], [], [], 0)[0]
    assert bundle.run("-a", "-c", "unpause").returncode == 0
    assert paused.process.stdout.readline() == b"held\n"
    assert bundle.status()["state"] == "running"
    assert bundle.run("-a", "-c", "unpause").words["kind"] == "conflict"
    assert bundle.actions() == ["start", "pause", "unpause"]


@pytest.mark.parametrize("command", ["stop:9", "kill:KILL", "stop:15:0"])
def test_a_paused_container_can_be_ended(bundle, paused, command):
    bundle.run("-a", "-c", command)
    assert paused.end(b"").words["stopped"] == "1"
    assert bundle.status()["state"] == "ended"
    assert not bundle.left()


# memory


def test_a_process_that_the_kernel_kills_for_memory_is_told_and_recorded(bundle):
    if not bundles.has_memory_controller():
        pytest.skip("there is no memory controller")
    bundle.configure("dd", "if=/dev/zero", "of=/dev/null", "bs=64M", "count=1",
                     resources={"memory": {"limit": 16 << 20, "swap": 16 << 20}})
    outcome = bundle.run()
    assert (outcome.returncode, outcome.words["oom"]) == (137, "1")
    assert bundle.status()["oomKilled"]
    assert bundle.actions() == ["start", "oom", "die"]


def test_a_kill_is_not_taken_for_lack_of_memory(bundle):
    run, _, _ = start(bundle, TRAP)
    bundle.run("-a", "-c", "kill:KILL")
    outcome = run.end()
    assert (outcome.returncode, outcome.words["oom"]) == (137, "0")
    assert "oom" not in bundle.actions()


def test_a_child_that_is_killed_for_memory_is_told_while_the_container_goes_on(bundle):
    if not bundles.has_memory_controller():
        pytest.skip("there is no memory controller")
    bundle.configure(*script("dd if=/dev/zero of=/dev/null bs=64M count=1; echo $?; read line"),
                     resources={"memory": {"limit": 16 << 20, "swap": 16 << 20}})
    run = bundle.start("-i", "-k")
    run.pids()
    assert run.process.stdout.readline() == b"137\n"
    outcome = run.end(b"go\n")
    assert (outcome.returncode, outcome.words["oom"]) == (0, "1")
    assert bundle.actions() == ["start", "oom", "die"]


# what is told


def test_events_carry_name_image_and_labels(bundle):
    bundle.write_settings(name="web", image="debian:12", labels={"tier": "front", "name": "lost"})
    bundle.configure(*script("exit 3")).run()
    (start_action, start_attributes), (die_action, die_attributes) = bundle.events()
    common = {"name": "web", "image": "debian:12", "tier": "front"}
    assert (start_action, start_attributes) == ("start", common)
    assert (die_action, die_attributes) == ("die", common | {"exitCode": "3", "execDuration": "0"})


def test_a_reload_is_what_events_know_from_then_on(bundle):
    bundle.write_settings(name="old")
    run, _, _ = start(bundle, TRAP)
    bundle.write_settings(name="new")
    assert bundle.run("-a", "-c", "reload").returncode == 0
    bundle.run("-a", "-c", "stop")
    run.end()
    names = [(action, attributes["name"]) for action, attributes in bundle.events()]
    assert names == [("start", "old"), ("kill", "new"), ("die", "new"), ("stop", "new")]


def test_the_status_says_what_goes_on(bundle):
    run = bundle.configure("cat").start("-i", "-k")
    shim, container = run.pids()
    converse(run, b"x\n")
    status = bundle.status()
    assert status["state"] == "running"
    assert (status["pid"], status["shimPid"]) == (container, shim)
    assert status["startedAt"] > 0
    bundle.run("-a", "-c", "stop:9")
    run.end(b"")
    status = bundle.status()
    assert (status["state"], status.get("pid", 0), status["exitCode"]) == ("ended", 0, 137)
    assert status["finishedAt"] >= status["startedAt"]


def test_a_container_that_cannot_start_has_had_no_run(bundle):
    bundle.configure("missing").run()
    assert not bundle.events()
    assert bundle.status()["state"] == "ended"


# others


def connect(bundle):
    peer = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    directory = os.open(bundle.path, os.O_PATH)
    peer.connect(f"/proc/self/fd/{directory}/shim.sock")
    os.close(directory)
    peer.settimeout(bundles.LIMIT)
    created, started = peer.recv(16), peer.recv(16)
    assert (created[0], started[0]) == (1, 2)
    return peer


@pytest.mark.parametrize("message", [b"\xff", b"\xff" * 64, b"\x10\x01", b"\x08{}", b"\x12"])
def test_a_message_that_is_none_ends_the_connection_and_nothing_else(bundle, message):
    """What a newer client says, what is cut short, and what only a shim says."""
    run, _, container = start(bundle, TRAP)
    with connect(bundle) as peer:
        peer.send(message)
        assert peer.recv(1 << 17) == b""
    assert is_alive(container)
    assert bundle.run("-a", "-c", "stop").returncode == 9
    run.end()


def test_members_of_the_settings_that_are_not_known_are_ignored(bundle):
    bundle.write_settings(ofALaterVersion={"deep": [1]})
    assert bundle.configure("true").run().returncode == 0


def test_a_container_without_a_process_is_asked_in_vain(bundle):
    run = bundle.configure("true").start()
    run.end()
    for command in ("stop", "kill:TERM", "pause", "reload", "wait"):
        assert bundle.run("-a", "-c", command).words["kind"] == "not-found"


def test_a_shim_that_somebody_waits_for_holds_half_a_megabyte_too(bundle, release):
    bundle.shim = release / "cay-shim"
    run = bundle.configure("cat").start("-i", "-k", "-d")
    shim, _ = run.pids()
    run.end(b"")
    waiter = bundle.start("-a", "-c", "wait")
    assert waiter.greeting() == "wait"
    for command in ("pause", "unpause", "reload", "kill:CONT"):
        assert bundle.run("-a", "-c", command).returncode == 0
    bundles.await_rest(shim)
    assert bundles.private_kilobytes(shim) <= bundles.KILOBYTES_AT_REST
    bundle.run("-a", "-c", "stop:9")
    assert waiter.end().returncode == 137
