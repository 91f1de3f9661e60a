# SPDX-License-Identifier: Apache-2.0
"""Descriptors that an engine passes through to the program."""

import os
import select
import subprocess

import pytest


@pytest.fixture
def pipe():
    read_fd, write_fd = os.pipe()
    yield write_fd, lambda: os.read(read_fd, 4096).decode()
    os.close(read_fd)
    os.close(write_fd)


def with_descriptor(source, number):
    """A prefix that moves the descriptor @source to @number."""
    return ["bash", "-c", f'exec {number}>&{source}; exec "$@"', "sh"]


def test_preserved_descriptors_reach_the_program(oci, bundle, pipe):
    write_fd, read = pipe
    bundle.write_config(["sh", "-c", "echo hello >&3"])
    oci.ok("run", "--bundle", bundle.directory, "--preserve-fds", "1", "c1",
           prefix=with_descriptor(write_fd, 3), pass_fds=[write_fd])
    assert read() == "hello\n"


def test_other_descriptors_do_not(oci, bundle, pipe):
    write_fd, _ = pipe
    bundle.write_config(["sh", "-c", "ls /proc/self/fd | wc -l"])
    result = oci("run", "--bundle", bundle.directory, "c1",
                 prefix=with_descriptor(write_fd, 3), pass_fds=[write_fd])
    assert result.stdout == "4\n"  # 0, 1, 2 and the directory itself


def test_preserved_descriptors_reach_an_executed_program(oci, bundle, pipe):
    write_fd, read = pipe
    oci.start("c1", bundle, "sleep", "1000")
    oci.ok("exec", "--preserve-fds=1", "c1", "sh", "-c", "echo hello >&3",
           prefix=with_descriptor(write_fd, 3), pass_fds=[write_fd])
    assert read() == "hello\n"


def test_sockets_to_listen_at_reach_the_program(oci, bundle, pipe):
    write_fd, read = pipe
    bundle.write_config(["sh", "-c", "echo $LISTEN_FDS $LISTEN_PID >&3"])
    script = f'exec 3>&{write_fd}; export LISTEN_FDS=1 LISTEN_PID=$$; exec "$@"'
    oci.ok("run", "--bundle", bundle.directory, "c1", prefix=["bash", "-c", script, "bash"],
           pass_fds=[write_fd])
    assert read() == "1 1\n"


@pytest.mark.parametrize("number, message", [
    ("1", "--preserve-fds: descriptor 3 is not open"),
    ("-1", "--preserve-fds: the number is out of range"),
    ("5000", "--preserve-fds: the number is out of range"),
])
def test_descriptors_that_are_not_there_are_not_preserved(oci, bundle, number, message):
    bundle.write_config(["true"])
    assert oci.fails("run", "--bundle", bundle.directory, "--preserve-fds", number,
                     "c1") == message
    assert not oci.root.exists()


@pytest.mark.parametrize("terminal", [False, True])
def test_what_an_engine_waits_for_the_end_of_is_not_held_before_the_start(oci, bundle, terminal,
                                                                        server):
    """Pipes of a container with a terminal, and whatever else its engine forgot to mark."""
    bundle.process["terminal"] = terminal
    options = ["--console-socket", server.path] if terminal else []
    read_fd, write_fd = os.pipe()
    streams = {"stdout": write_fd, "stderr": write_fd} if terminal else {}
    bundle.write_config(["sleep", "1000"])
    process = oci.spawn("create", "--bundle", bundle.directory, *options, "c1",
                        stdin=subprocess.DEVNULL, pass_fds=[write_fd], **streams)
    assert process.wait(60) == 0
    os.close(write_fd)
    assert select.select([read_fd], [], [], 60)[0]
    assert os.read(read_fd, 1) == b""
    os.close(read_fd)
    assert oci.status("c1") == "created"
