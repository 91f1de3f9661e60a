# SPDX-License-Identifier: Apache-2.0
"""The container's terminal."""

import os

import pytest


@pytest.fixture
def terminal(bundle):
    bundle.process["terminal"] = True
    return bundle


def test_the_three_descriptors_are_the_terminal(terminal):
    assert terminal.run("tty").stdout == "/dev/pts/0\r\n"
    assert terminal.run("sh", "-c", "test -t 0 -a -t 1 -a -t 2 && echo yes").stdout == "yes\r\n"


def test_it_controls_the_session(terminal):
    assert terminal.run("sh", "-c", "echo hello > /dev/tty").stdout == "hello\r\n"
    fields = terminal.run("cat", "/proc/self/stat").stdout.rpartition(")")[2].split()
    assert int(fields[4]) != 0 and fields[5] == "1"


def test_the_console_is_the_terminal(terminal):
    assert terminal.run("sh", "-c", "echo hello > /dev/console").stdout == "hello\r\n"
    mounts = terminal.run("cat", "/proc/self/mountinfo").stdout.splitlines()
    console = [line for line in mounts if line.split()[4] == "/dev/console"]
    assert len(console) == 1 and " devpts " in console[0]


def test_its_size_is_as_configured(terminal):
    terminal.process["consoleSize"] = {"height": 33, "width": 77}
    assert terminal.run("stty", "size").stdout == "33 77\r\n"


def test_it_belongs_to_the_user(terminal):
    terminal.process["user"] = {"uid": 1000, "gid": 1000}
    assert terminal.run("stat", "-c", "%u:%g %a", "/dev/pts/0").stdout == "1000:5 620\r\n"


def test_what_is_typed_arrives(terminal):
    assert terminal.run("sh", "-c", "read line; echo got $line", data="typed\n").stdout == \
        "typed\r\ngot typed\r\n"


def test_a_hang_up_ends_the_program(terminal):
    created = terminal.create("sh", "-c", "trap 'exit 9' HUP; echo ready; while :; do read x; done")
    created.start()
    assert created.process.stdout.readline() == b"ready\r\n"
    created.kill()
    assert not os.path.exists(f"/proc/{created.pid}/root/bin")


@pytest.mark.vm_core
def test_it_works_in_a_user_namespace(terminal):
    terminal.add_user_namespace()
    terminal.process["user"] = {"uid": 1000, "gid": 1000}
    assert terminal.run("sh", "-c", "echo hello > /dev/tty; stat -c %u /dev/console").stdout == \
        "hello\r\n1000\r\n"


def test_without_devpts_there_is_no_terminal(terminal):
    terminal.config["mounts"].remove(terminal.find_mount("/dev/pts"))
    assert terminal.run("true").stderr == \
        "invalid: process.terminal: no mount of type 'devpts' is configured\n"
