# SPDX-License-Identifier: Apache-2.0
"""What ends when, what is left (nothing), and process 1 with --init."""

import os
import signal

import pytest


@pytest.mark.vm_core
def test_the_container_dies_with_its_supervisor_before_the_start(bundle):
    bundle.create("cat").kill()


@pytest.mark.parametrize("uid", [0, 1000])
@pytest.mark.parametrize("namespace", ["pid", None])
def test_the_container_dies_with_its_supervisor_while_it_runs(bundle, uid, namespace):
    if namespace:
        bundle.remove_namespace(namespace)
    bundle.process["user"] = {"uid": uid, "gid": uid}
    created = bundle.create("sh", "-c", "echo up; cat")
    created.start()
    assert created.process.stdout.readline() == b"up\n"
    created.kill()


@pytest.mark.vm_core
def test_processes_that_the_program_leaves_are_killed(bundle):
    bundle.remove_namespace("pid")
    result = bundle.run("sh", "-c", "setsid sh -c 'while :; do read x < /dev/zero; done' "
                                    ">/dev/null 2>&1 & echo gone")
    assert result.stdout == "gone\n"


def test_a_container_that_was_created_and_not_started_ends_with_its_supervisor(bundle):
    bundle.create("cat").kill(signal.SIGTERM)


@pytest.mark.vm_core
@pytest.mark.parametrize("spoil", [
    lambda bundle: bundle.mount("/mnt", "/no/such/source", ["bind"]),
    lambda bundle: bundle.mount("/mnt", "tmpfs", ["size=lots"], "tmpfs"),
    lambda bundle: bundle.process.update(cwd="/bin/busybox"),
    lambda bundle: bundle.process.update(args=["/no/such/program"]),
    lambda bundle: bundle.linux.update(sysctl={"net.ipv4.ip_forward": "maybe"}),
    lambda bundle: bundle.config["root"].update(path="missing"),
])
def test_a_failure_at_any_step_leaves_nothing(bundle, spoil):
    """That nothing is left is what the fixture checks."""
    spoil(bundle)
    assert bundle.run().status in (125, 127)


@pytest.fixture
def with_init(bundle, build):
    """The program runs below cay-init, bound into the container."""
    bundle.mount("/sbin/cay-init", build / "cay-init", ["bind", "ro"])

    def arguments(*program):
        return ["/sbin/cay-init", "--", *program]

    bundle.with_init = arguments
    return bundle


@pytest.mark.parametrize("script, status", [("exit 0", 0), ("exit 42", 42),
                                            ("kill -TERM $$", 143), ("kill -KILL $$", 137)])
def test_init_ends_as_its_program_does(with_init, script, status):
    assert with_init.run(*with_init.with_init("sh", "-c", script)).status == status


@pytest.mark.parametrize("program, status, message", [
    ("nothing", 127, "cay-init: nothing: No such file or directory\n"),
    ("/etc", 126, "cay-init: /etc: Permission denied\n"),
])
def test_init_tells_in_one_line_what_it_cannot_execute(with_init, program, status, message):
    result = with_init.run(*with_init.with_init(program))
    assert (result.status, result.stderr) == (status, message)


@pytest.mark.parametrize("arguments", [[], ["sh"], ["--"]])
def test_init_wants_two_dashes_and_a_program(with_init, arguments):
    result = with_init.run("/sbin/cay-init", *arguments)
    assert result.status == 125
    assert result.stderr == "cay-init: usage: cay-init -- PROGRAM [ARGUMENT...]\n"


def test_init_is_process_1_and_reaps_orphans(with_init):
    """The orphan's pid is free again once it was reaped; a zombie would keep it."""
    script = "pid=$(sh -c '(exec sh -c true) & echo $!'); " \
             "while kill -0 $pid 2>/dev/null; do :; done; cat /proc/1/comm"
    assert with_init.run(*with_init.with_init("sh", "-c", script)).stdout == "cay-init\n"


@pytest.mark.parametrize("name", ["TERM", "USR1", "HUP", "WINCH"])
def test_init_passes_signals_on(with_init, name):
    script = f"trap 'echo got {name}; exit 3' {name}; echo ready; while :; do read x; done"
    created = with_init.create(*with_init.with_init("sh", "-c", script))
    created.start()
    assert created.process.stdout.readline() == b"ready\n"
    os.kill(created.pid, getattr(signal, f"SIG{name}"))
    assert created.process.stdout.readline() == f"got {name}\n".encode()
    assert created.process.wait(30) == 3


def test_init_leaves_signals_and_terminal_to_its_program(with_init):
    with_init.process["terminal"] = True
    script = "grep ^SigBlk /proc/self/status; echo hello > /dev/tty"
    assert with_init.run(*with_init.with_init("sh", "-c", script)).stdout == \
        "SigBlk:\t0000000000000000\r\nhello\r\n"
