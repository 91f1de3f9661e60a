# SPDX-License-Identifier: Apache-2.0
"""tests/vm/run returns what the command did, and cannot report success when nothing did."""

import os
import pathlib
import select
import signal
import subprocess

import pytest

HERE = pathlib.Path(__file__).resolve().parent
BOOT_LIMIT = 120


def start(*arguments):
    return subprocess.Popen([HERE / "run", f"--timeout={BOOT_LIMIT}", *arguments],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def run(*arguments):
    process = start(*arguments)
    output, errors = process.communicate()
    return process.returncode, output, errors


def children(pid):
    return [int(child) for child in
            pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.mark.parametrize("script, status, output", [
    ("exit 0", 0, ""),
    ("false", 1, ""),
    ("echo out; echo err >&2; exit 200", 200, "out\nerr\n"),
    ("kill -9 $$", 137, "Killed\n"),
])
def test_status_and_output_are_the_commands(script, status, output):
    assert run("--", "sh", "-c", script) == (status, output, "")


def test_arguments_and_the_directory_arrive_as_they_are():
    status, output, _ = run("--", "sh", "-c", 'pwd; printf "%s|" "$@"', "name", "a b", "$c", "'")
    assert (status, output) == (0, f"{os.getcwd()}\na b|$c|'|")


def test_what_is_written_stays_in_the_guest():
    assert run("--", "sh", "-c", "touch /etc/vm-was-here /usr/vm-was-here")[0] == 0
    assert not pathlib.Path("/etc/vm-was-here").exists()
    assert not pathlib.Path("/usr/vm-was-here").exists()


def test_a_guest_that_panics_has_not_succeeded():
    status, _, errors = run("--", "sh", "-c", "echo c >/proc/sysrq-trigger; cat")
    assert status == 125
    assert "sysrq triggered crash" in errors and errors.endswith("the guest died\n")


def test_a_guest_that_hangs_is_ended_by_the_time_limit():
    status, _, errors = run("--timeout=20", "--", "tail", "-f", "/dev/null")
    assert status == 124
    assert errors.endswith("the guest was ended after 20 s\n")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_qemu_ends_with_whoever_started_it(number):
    process = start("--", "sh", "-c", "echo up; tail -f /dev/null")
    assert process.stdout.readline() == "up\n"
    (qemu,) = map(os.pidfd_open, children(process.pid))
    process.send_signal(number)
    process.communicate()
    assert process.returncode in (130, -number)
    poll = select.poll()
    poll.register(qemu, select.POLLIN)
    assert poll.poll(30_000), "QEMU outlives its runner"
    os.close(qemu)
