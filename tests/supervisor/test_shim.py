# SPDX-License-Identifier: Apache-2.0
"""Containers under a shim, driven through its client: `shim-run` does what `cay run` does below
the engine."""

import contextlib
import fcntl
import hashlib
import os
import pathlib
import re
import select
import signal
import subprocess
import termios

import pytest

from harness.terminal import Terminal

from . import bundles
from .bundles import converse, is_alive, private_kilobytes, script, wait_for_end

MEGABYTE = 1 << 20


# how it ends


@pytest.mark.parametrize("code", [0, 7, 126, 255])
def test_the_exit_code_is_the_programs(bundle, code):
    outcome = bundle.configure(*script(f"exit {code}")).run()
    assert outcome.returncode == code
    assert outcome.words == {"code": str(code), "oom": "0", "started": "1", "restarts": "0",
                             "again": "0", "stopped": "0", "error": ""}
    assert bundle.exit_record()["exitCode"] == code
    assert not bundle.left()


def test_a_program_that_a_signal_killed_gives_128_and_the_signal(bundle):
    run = bundle.configure("sleep", "1000").start()
    os.kill(run.pids()[1], signal.SIGKILL)
    assert run.end().returncode == 128 + signal.SIGKILL
    assert bundle.exit_record()["exitCode"] == 128 + signal.SIGKILL


@pytest.mark.parametrize("program, kind, code", [
    ("missing", "program-missing", 127), ("/bin/unusable", "program-unusable", 126)])
def test_a_program_that_cannot_start_is_an_error_and_a_record(bundle, program, kind, code):
    outcome = bundle.configure(program).run()
    assert outcome.words["kind"] == kind
    assert program in outcome.words["error"]
    record = bundle.exit_record()
    assert record["exitCode"] == code
    assert program in record["error"]
    assert "startedAt" not in record
    assert not bundle.left()


def test_a_configuration_that_is_refused_leaves_nothing(bundle):
    (bundle.path / "config.json").write_text("{}")
    outcome = bundle.run()
    assert outcome.words["kind"] == "invalid"
    assert bundle.exit_record() is None
    assert not bundle.left()


def test_a_shim_that_is_missing_is_named(bundle):
    bundle.shim = pathlib.Path("/nowhere/cay-shim")
    outcome = bundle.configure("true").run()
    assert outcome.words["kind"] == "not-found"
    assert "/nowhere/cay-shim" in outcome.words["error"]


def test_the_record_of_an_earlier_run_does_not_stay(bundle):
    bundle.configure(*script("exit 3")).run()
    run = bundle.configure(*script("echo; cat")).start("-i")
    assert run.process.stdout.readline() == b"\n"
    assert bundle.exit_record() is None
    assert run.end(b"").returncode == 0


# output


def test_both_outputs_arrive_apart(bundle):
    outcome = bundle.configure(*script("echo out; echo err >&2")).run()
    assert outcome.stdout == b"out\n"
    assert "\nerr\n" in outcome.stderr


def test_a_hundred_megabytes_arrive_unchanged(bundle):
    size = 100 * MEGABYTE
    run = bundle.configure(*script(f"yes 0123456789abcde | head -c {size}")).start()
    digest = hashlib.sha256()
    while data := run.process.stdout.read(MEGABYTE):
        digest.update(data)
    assert digest.digest() == hashlib.sha256(b"0123456789abcde\n" * (size // 16)).digest()
    assert run.end().returncode == 0


def test_a_slow_reader_holds_the_container_back(bundle):
    size = 64 * MEGABYTE
    run = bundle.configure("dd", "if=/dev/zero", "bs=4096", f"count={size // 4096}").start()
    shim, container = run.pids()
    written = pathlib.Path(f"/proc/{container}/io")
    for read in range(MEGABYTE, size // 2, MEGABYTE):
        assert len(run.process.stdout.read(MEGABYTE)) == MEGABYTE
        ahead = int(re.search(r"wchar: (\d+)", written.read_text())[1]) - read
        assert ahead < 2 * MEGABYTE
    peak = int(re.search(r"VmHWM:\s+(\d+) kB", pathlib.Path(f"/proc/{shim}/status").read_text())[1])
    assert peak < 48 * 1024  # most of it the sanitizer's; not what was written
    assert len(run.end().stdout) == size - read


def test_a_reader_that_goes_does_not_end_the_container(bundle):
    run = bundle.configure(*script("head -c 1000000 /dev/zero; echo done >&2; exit 5")).start()
    run.process.stdout.close()
    assert run.process.wait(bundles.LIMIT) == 5
    assert b"done" in run.process.stderr.read()


def test_what_was_written_last_is_not_lost(bundle):
    """The pipe is full when the program ends."""
    outcome = bundle.configure("head", "-c", "65536", "/dev/zero").run()
    assert len(outcome.stdout) == 65536


def test_a_process_that_survives_the_first_one_is_not_waited_for(bundle):
    """Without a pid namespace the first process's end does not end the others by itself."""
    bundle.configure(*script("sleep 1000 & echo $!"), without=("pid",))
    outcome = bundle.run()
    assert outcome.returncode == 0
    wait_for_end(int(outcome.stdout))
    assert not bundle.left()


def test_output_to_a_file_is_appended_where_the_file_stands(bundle):
    path = bundle.path / "output"
    with open(path, "wb") as file:
        file.write(b"before\n")
        file.flush()
        bundle.configure(*script("echo inside")).run(stdout=file)
        file.seek(0, os.SEEK_END)
        file.write(b"after\n")
    assert path.read_bytes() == b"before\ninside\nafter\n"


def test_the_users_descriptors_keep_their_flags(bundle):
    bundle.configure("cat")
    ours, theirs = os.pipe()
    before = fcntl.fcntl(theirs, fcntl.F_GETFL)
    run = bundle.start("-i", stdout=theirs)
    run.process.stdin.write(b"x\n")
    run.process.stdin.flush()
    assert os.read(ours, 2) == b"x\n"
    assert fcntl.fcntl(theirs, fcntl.F_GETFL) == before
    assert run.end(b"").returncode == 0
    os.close(ours)
    os.close(theirs)


# input


def test_input_goes_through_and_ends(bundle):
    assert bundle.configure("wc", "-c").run("-i", data=b"12345").stdout == b"5\n"


def test_a_hundred_megabytes_go_in_and_come_back(bundle):
    data = os.urandom(MEGABYTE) * 100
    outcome = bundle.configure("cat").run("-i", data=data)
    assert hashlib.sha256(outcome.stdout).digest() == hashlib.sha256(data).digest()


def test_a_file_as_input_is_read_from_where_it_stands(bundle):
    path = bundle.path / "input"
    path.write_bytes(b"skipped" + b"x" * 3 * MEGABYTE)
    with open(path, "rb", buffering=0) as file:
        file.seek(7)
        outcome = bundle.configure("wc", "-c").run("-i", stdin=file)
    assert outcome.stdout == b"%d\n" % (3 * MEGABYTE)


def test_the_null_device_as_input_ends_at_once(bundle):
    assert bundle.configure("wc", "-c").run("-i", stdin=subprocess.DEVNULL).stdout == b"0\n"


def test_without_input_the_container_has_none(bundle):
    outcome = bundle.configure("wc", "-c").run(data=b"12345")
    assert outcome.stdout == b"0\n"


def test_input_that_the_container_cannot_take_is_left_to_the_user(bundle):
    bundle.configure(*script("exec <&-; trap 'echo there' USR1; echo there; "
                             "while :; do sleep 1000 & wait; done"))
    run = bundle.start("-i", "-s")
    os.set_blocking(run.process.stdin.fileno(), False)
    taken = 0
    for _ in range(8):
        assert run.process.stdout.readline() == b"there\n"
        with contextlib.suppress(BlockingIOError):
            while True:
                taken += os.write(run.process.stdin.fileno(), b"x" * 4096)
        run.process.send_signal(signal.SIGUSR1)  # its answer says that the client has had its turn
    assert taken <= 2 * 65536  # the pipe's and one chunk
    os.kill(run.pids()[1], signal.SIGKILL)
    assert run.process.wait(bundles.LIMIT) == 137


def test_kept_input_outlives_the_client_that_fed_it(bundle):
    run = bundle.configure("cat").start("-i", "-k")
    run.process.stdin.write(b"one\n")
    run.process.stdin.close()
    assert run.process.stdout.readline() == b"one\n"
    second = bundle.start("-a", "-i")
    second.process.stdin.write(b"two\n")
    second.process.stdin.flush()
    assert run.process.stdout.readline() == b"two\n"
    os.kill(run.pids()[1], signal.SIGKILL)
    assert run.process.wait(bundles.LIMIT) == second.end().returncode == 137


# signals


@pytest.mark.parametrize("name", ["HUP", "INT", "QUIT", "USR1", "USR2", "ALRM", "TERM", "CONT"])
def test_a_signal_is_passed_on(bundle, name):
    bundle.configure(*script(f"trap 'echo {name}; exit 9' {name}; echo ready; sleep 1000 & wait"))
    run = bundle.start("-s")
    assert run.process.stdout.readline() == b"ready\n"
    run.process.send_signal(getattr(signal, f"SIG{name}"))
    outcome = run.end()
    assert (outcome.returncode, outcome.stdout) == (9, f"{name}\n".encode())


@pytest.mark.parametrize("name", ["CHLD", "URG", "WINCH"])
def test_a_signal_about_the_caller_is_not_passed_on(bundle, name):
    bundle.configure(*script(f"trap 'echo {name}' {name}; trap 'exit 9' USR1; echo ready; "
                             "while :; do sleep 1000 & wait; done"))
    run = bundle.start("-s")
    assert run.process.stdout.readline() == b"ready\n"
    run.process.send_signal(getattr(signal, f"SIG{name}"))
    run.process.send_signal(signal.SIGUSR1)
    outcome = run.end()
    assert (outcome.returncode, outcome.stdout) == (9, b"")


def test_a_signal_that_the_caller_ignores_is_not_passed_on(bundle):
    bundle.configure(*script("trap 'echo HUP' HUP; trap 'exit 9' USR1; echo ready; "
                             "while :; do sleep 1000 & wait; done"))
    run = bundles.Run(["nohup", *bundle.command("-s")], bundle.state.environment())
    assert run.process.stdout.readline() == b"ready\n"
    run.process.send_signal(signal.SIGHUP)
    run.process.send_signal(signal.SIGUSR1)
    outcome = run.end()
    assert (outcome.returncode, outcome.stdout) == (9, b"")


def test_signals_pass_while_output_is_stuck(bundle):
    bundle.configure(*script("trap 'exit 9' TERM; echo ready; read go; yes & wait"))
    ours, theirs = os.pipe()
    run = bundle.start("-i", "-s", stdout=theirs)
    assert os.read(ours, 6) == b"ready\n"
    filler = os.open(f"/proc/self/fd/{theirs}", os.O_WRONLY | os.O_NONBLOCK)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(filler, b"x" * 4096)
    run.process.stdin.write(b"go\n")
    run.process.stdin.flush()
    run.process.send_signal(signal.SIGTERM)
    wait_for_end(run.pids()[1])
    for descriptor in (filler, theirs):
        os.close(descriptor)
    while os.read(ours, MEGABYTE):
        pass
    os.close(ours)
    assert run.end(b"").returncode == 9


def test_without_proxy_a_signal_ends_the_client_and_not_the_container(bundle):
    run = bundle.configure(*script("echo ready; sleep 1000")).start()
    shim, container = run.pids()
    assert run.process.stdout.readline() == b"ready\n"
    run.process.terminate()
    assert run.end().returncode == -signal.SIGTERM
    assert is_alive(container)
    assert bundle.run("-a", "-S", "KILL").returncode == 0
    wait_for_end(shim)
    assert bundle.exit_record()["exitCode"] == 137
    assert not bundle.left()


def test_a_signal_to_a_container_that_is_not_there_says_so(bundle):
    bundle.configure("true").run()
    outcome = bundle.run("-a", "-S", "TERM")
    assert outcome.words["kind"] == "not-found"


@pytest.mark.parametrize("name", ["HUP", "INT", "TERM", "PIPE"])
def test_a_stray_signal_does_not_end_a_shim(bundle, name):
    run = bundle.configure("cat").start("-i")
    shim, _ = run.pids()
    os.kill(shim, getattr(signal, f"SIG{name}"))
    run.process.stdin.write(b"still there\n")
    assert run.end(b"").stdout == b"still there\n"


# the terminal


def test_the_program_sees_the_size_from_its_first_look(bundle, terminal_run):
    bundle.configure("stty", "size", terminal=True)
    terminal = terminal_run("-i", "-t", rows=33, columns=99)
    terminal.expect("33 99\r\n")
    assert terminal.wait() == 0


def test_the_size_follows(bundle, terminal_run):
    bundle.configure(*script("trap 'stty size; exit 0' WINCH; echo ready; "
                             "while :; do sleep 1000 & wait; done"), terminal=True)
    terminal = terminal_run("-i", "-t", rows=33, columns=99)
    terminal.expect("ready\r\n")
    terminal.resize(44, 111)
    terminal.expect("44 111\r\n")
    assert terminal.wait() == 0


def test_a_terminal_that_attaches_brings_its_size(bundle, terminal_run):
    bundle.configure(*script("echo ready; read go; stty size"), terminal=True)
    first = terminal_run("-i", "-t", rows=33, columns=99)
    first.expect("ready\r\n")
    second = terminal_run("-a", "-i", "-t", rows=44, columns=111)
    second.send("go\r")
    second.expect("44 111\r\n")
    assert (first.wait(), second.wait()) == (0, 0)


def test_control_c_goes_to_the_containers_foreground(bundle, terminal_run):
    bundle.configure(*script("trap 'echo interrupted; exit 4' INT; echo ready; "
                             "while :; do sleep 1000 & wait; done"), terminal=True)
    terminal = terminal_run("-i", "-t")
    terminal.expect("ready\r\n")
    terminal.send("\x03")
    terminal.expect("interrupted\r\n")
    assert terminal.wait() == 4


def test_a_conversation_over_the_terminal(bundle, terminal_run):
    bundle.configure("cat", terminal=True)
    terminal = terminal_run("-i", "-t")
    terminal.send("hello\r")
    terminal.expect("hello\r\nhello\r\n")
    terminal.send("\x04")
    assert terminal.wait() == 0


def test_the_terminal_is_raw_during_the_relay_and_as_before_after_it(bundle, terminal_run):
    bundle.configure(*script("echo ready; exec cat"), terminal=True)
    terminal = terminal_run("-i", "-t")
    before = terminal.modes()
    terminal.expect("ready\r\n")
    assert not terminal.modes()[3] & (termios.ICANON | termios.ECHO | termios.ISIG)
    terminal.send("\x04")
    assert terminal.wait() == 0
    assert terminal.modes() == before


@pytest.mark.parametrize("name", ["HUP", "INT", "QUIT", "TERM", "USR1", "ALRM"])
def test_the_terminal_is_as_before_when_a_signal_ends_the_client(bundle, terminal_run, name):
    bundle.configure(*script("echo ready; exec cat"), terminal=True)
    terminal = terminal_run("-i", "-t")
    before = terminal.modes()
    terminal.expect("ready\r\n")
    number = getattr(signal, f"SIG{name}")
    terminal.process.send_signal(number)
    assert terminal.wait() == -number
    assert terminal.modes() == before


def test_the_terminal_is_as_before_when_the_shim_dies(bundle, terminal_run):
    bundle.configure(*script("echo ready; exec cat"), terminal=True)
    terminal = terminal_run("-i", "-t")
    before = terminal.modes()
    shim = int(re.search(r"shim=(\d+)", terminal.expect(" container="))[1])
    terminal.expect("ready\r\n")
    os.kill(shim, signal.SIGKILL)
    assert terminal.wait() == 124
    assert terminal.modes() == before


def test_the_terminal_is_the_shells_while_the_client_is_stopped(bundle, state):
    bundle.configure(*script("echo ready; exec cat"), terminal=True)
    command = " ".join(bundle.command("-i", "-t"))
    terminal = Terminal(["sh", "-c", f"set -m; {command}; echo stopped; read go; fg; exit"],
                        state.environment())
    before = terminal.modes()
    shim = int(re.search(r"shim=(\d+)", terminal.expect(" container="))[1])
    terminal.expect("ready\r\n")
    client = int(pathlib.Path(f"/proc/{shim}/stat").read_text().rpartition(")")[2].split()[1])
    os.kill(client, signal.SIGTSTP)
    terminal.expect("stopped\r\n")
    assert terminal.modes() == before
    terminal.send("go\r")
    terminal.expect(command.split()[0])  # the shell says what it brings to the front
    terminal.send("hello\r")
    terminal.expect("hello\r\nhello\r\n")
    terminal.send("\x04")
    assert terminal.wait() == 0
    assert terminal.modes() == before
    terminal.close()


def test_a_terminal_that_the_program_closes_and_reopens_goes_on(bundle, terminal_run):
    bundle.configure(*script("exec 3>&- <&- >&- 2>&-; exec >/dev/console; echo back"),
                     terminal=True)
    terminal = terminal_run("-i", "-t")
    terminal.expect("back\r\n")
    assert terminal.wait() == 0


def test_much_output_to_a_terminal_is_complete(bundle, terminal_run):
    bundle.configure(*script("yes 0123456789 | head -n 100000; echo end"), terminal=True)
    terminal = terminal_run("-i", "-t")
    count = terminal.expect("end\r\n").count("0123456789\r\n")
    assert (count, terminal.wait()) == (100000, 0)


# clients come and go


def test_the_container_goes_on_when_its_client_is_killed(bundle):
    run = bundle.configure("cat").start("-i", "-k")
    shim, container = run.pids()
    converse(run, b"x\n")
    run.process.kill()
    run.end()
    second = bundle.start("-a", "-i")
    converse(second, b"y\n")
    os.kill(container, signal.SIGKILL)
    assert second.end().words["code"] == "137"
    wait_for_end(shim)
    assert not bundle.left()


def test_the_input_ends_with_the_client_that_fed_it(bundle):
    run = bundle.configure(*script("cat; exit 3")).start("-i")
    shim, _ = run.pids()
    converse(run, b"x\n")
    run.process.kill()
    run.end()
    wait_for_end(shim)
    assert bundle.exit_record()["exitCode"] == 3


def test_every_client_gets_the_output_and_the_exit(bundle):
    bundle.configure(*script('while read line; do [ "$line" = quit ] && exit 6; echo $line; done'))
    clients = [bundle.start("-i", "-k")]
    for number in range(4):
        if number:
            clients.append(bundle.start("-a", "-i"))
        converse(clients[-1], b"client %d\n" % number)
    clients[1].process.stdin.write(b"last\nquit\n")
    clients[1].process.stdin.flush()
    outcomes = [client.end() for client in clients]
    assert [outcome.returncode for outcome in outcomes] == [6] * 4
    assert outcomes[0].stdout == b"client 1\nclient 2\nclient 3\nlast\n"
    assert outcomes[2].stdout == b"client 3\nlast\n"


def test_a_shim_that_is_killed_takes_its_container_with_it(bundle):
    run = bundle.configure(*script("sleep 1000 & echo ready; sleep 1000")).start()
    shim, container = run.pids()
    assert run.process.stdout.readline() == b"ready\n"
    os.kill(shim, signal.SIGKILL)
    wait_for_end(container)
    outcome = run.end()
    assert outcome.returncode == 124
    assert outcome.words == {"error": "the shim of container 'test' died of signal 9",
                             "kind": "unavailable"}
    # What it could not clear away does not stand in the way of the next run.
    assert bundle.configure("true").run().returncode == 0
    assert not bundle.left()


def test_a_container_that_was_never_started_ends_with_its_client(bundle):
    run = bundle.configure("true").start("-S", "KILL")
    shim, container = run.pids()
    run.end()
    wait_for_end(shim)
    wait_for_end(container)
    assert bundle.exit_record() is None
    assert not bundle.left()


@pytest.fixture
def on_exit(bundle):
    """A program that says what it finds, to whoever reads the fifo."""
    os.mkfifo(bundle.path / "fifo")
    program = bundle.path / "on-exit"
    program.write_text('#!/bin/sh\ncat "$1/exit.json" > "$1/fifo"\n')
    program.chmod(0o755)
    return program


def test_an_end_that_nobody_takes_note_of_executes_the_program_for_it(bundle, on_exit):
    bundle.configure(*script("echo ready; read line; exit 8"))
    run = bundle.start("-i", "-o", str(on_exit))
    shim, _ = run.pids()
    assert run.process.stdout.readline() == b"ready\n"
    run.process.kill()
    run.end()
    with open(os.open(bundle.path / "fifo", os.O_RDONLY | os.O_NONBLOCK), "rb") as fifo:
        assert select.select([fifo], [], [], bundles.LIMIT)[0]
        os.set_blocking(fifo.fileno(), True)
        assert b'"exitCode":8' in fifo.read()
    wait_for_end(shim)


def test_an_end_that_the_owner_takes_does_not_execute_it(bundle, on_exit):
    on_exit.write_text('#!/bin/sh\necho > "$1/executed"\n')
    assert bundle.configure("true").run("-o", str(on_exit)).returncode == 0
    assert not (bundle.path / "executed").exists()


def test_the_lock_is_held_until_the_shim_has_ended(bundle):
    run = bundle.configure("cat").start("-i", "-k")
    shim, container = run.pids()
    converse(run, b"x\n")
    run.process.kill()
    run.end()
    with open(bundle.path / "lock", "w", encoding="ascii") as lock:
        with pytest.raises(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.kill(container, signal.SIGKILL)
        wait_for_end(shim)
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)


# the process itself


def test_a_shim_is_known_by_name_and_container(bundle):
    run = bundle.configure("cat").start("-i")
    shim, _ = run.pids()
    assert pathlib.Path(f"/proc/{shim}/comm").read_text() == "cay-shim\n"
    words = pathlib.Path(f"/proc/{shim}/cmdline").read_bytes().split(b"\0")
    assert words[:2] == [b"cay-shim", b"test"]
    run.end(b"")


def test_a_shims_program_cannot_be_written_to_through_proc(bundle):
    run = bundle.configure("cat").start("-i")
    shim, _ = run.pids()
    assert os.statvfs(f"/proc/{shim}/exe").f_flag & os.ST_RDONLY
    run.end(b"")


def test_a_shim_holds_nothing_of_its_caller(bundle):
    run = bundle.configure("cat").start("-i")
    shim, _ = run.pids()
    converse(run, b"x\n")
    assert os.readlink(f"/proc/{shim}/cwd") == "/"
    for number in range(3):
        assert os.readlink(f"/proc/{shim}/fd/{number}") == "/dev/null"
    assert os.getsid(shim) == shim
    run.end(b"")


def test_a_shim_at_rest_holds_half_a_megabyte(bundle, release):
    """Even when it is the only one, so that its program's pages count as private."""
    bundle.shim = release / "cay-shim"
    bundle.configure("cat")
    run = bundle.start("-i", "-k", "-d")
    shim, container = run.pids()
    assert run.end(b"").returncode == 0
    client = bundle.start("-a", "-i")
    client.process.stdin.write(b"x" * 200000 + b"\n")
    client.process.stdin.flush()
    assert len(client.process.stdout.readline()) == 200001
    client.process.kill()
    client.end()
    bundles.await_rest(shim)
    assert private_kilobytes(shim) <= bundles.KILOBYTES_AT_REST
    os.kill(container, signal.SIGKILL)
    wait_for_end(shim)


# killed at every step

def test_a_shim_killed_at_any_system_call_leaves_nothing_that_matters(bundle, release):
    bundle.configure(*script("echo out; exit 3"))
    log = bundle.path / "calls"
    bundle.wrap(f"strace -D -qqq -s 0 -e signal=none -o {log}", release / "cay-shim")
    assert bundle.run("-i").returncode == 3
    calls = bundles.calls_of(log)
    assert len(calls) > 50
    for call, number in calls:
        inject = f"-e trace={call} -e inject={call}:signal=SIGKILL:when={number}"
        bundle.wrap(f"strace -D -qqq -e signal=none -o /dev/null {inject}", release / "cay-shim")
        outcome = bundle.run("-i")
        where = f"killed at {call} number {number}: {outcome}"
        # It was killed, or the order of calls was another one this time and it was not.
        assert outcome.returncode in (3, 124, 125), where
        if match := re.search(r"container=(\d+)", outcome.stderr):
            wait_for_end(int(match[1]))
        bundle.wait_for_lock()

    bundle.shim = release / "cay-shim"
    assert bundle.run("-i").returncode == 3
    assert not bundle.left()
