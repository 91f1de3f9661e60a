# SPDX-License-Identifier: Apache-2.0
"""Terminals and pipes at containers that run: attached, left, and by several at once."""

import signal
import termios

STUBBORN = ("sleep", "1000")
DETACH = "\x10\x11"  # ctrl-p ctrl-q


def until(stream, wanted):
    """Read lines up to the one that is @wanted: what comes before a client is attached is lost."""
    for line in stream:
        if line == wanted:
            return
    raise AssertionError(f"no {wanted} came")


def test_output_goes_to_whoever_is_attached(cay, image, no_leaks):
    cay.ok("run", "-d", "-i", "--name", "echo", image, "sh", "-c",
           "while :; do echo tick; sleep 0.05; done & "
           "while read x; do echo out $x; echo err $x >&2; done <&0; wait")
    one, two = (cay.spawn("attach", "echo") for _ in range(2))
    for process in (one, two):
        until(process.stdout, b"tick\n")
    for writer, word in ((one, b"a"), (two, b"b")):
        writer.stdin.write(word + b"\n")
        writer.stdin.flush()
        for process in (one, two):
            until(process.stdout, b"out " + word + b"\n")
            assert process.stderr.readline() == b"err " + word + b"\n"
    cay.ok("kill", "echo")
    for process in (one, two):
        process.communicate(timeout=30)
        assert process.returncode == 137
    cay.ok("rm", "echo")


def test_the_end_of_input_of_a_foreground_run_is_the_container_s(cay, image, no_leaks):
    result = cay("run", "--rm", "-i", image, "sh", "-c", "cat; echo end", input="x\n")
    assert (result.returncode, result.stdout) == (0, "x\nend\n")


def test_input_of_a_detached_container_stays_open_for_the_next(cay, image, no_leaks):
    cay.ok("run", "-d", "-i", "--name", "cat", image, "cat")
    first = cay.spawn("attach", "cat")
    first.stdin.write(b"x\n")
    first.stdin.close()
    first.stdin = None
    assert first.stdout.readline() == b"x\n"
    second = cay.spawn("attach", "cat")
    second.stdin.write(b"still there\n")
    second.stdin.flush()
    assert second.stdout.readline() == b"still there\n"
    cay.ok("rm", "-f", "cat")
    for client in (first, second):
        client.communicate(timeout=30)


def test_a_start_in_the_background_is_not_the_first_client(cay, image, no_leaks):
    assert cay("run", "-i", "--name", "cat", image, "cat", input="x\n").stdout == "x\n"
    cay.ok("start", "cat")
    client = cay.spawn("attach", "cat")
    client.stdin.write(b"y\n")
    client.stdin.close()
    client.stdin = None
    out, _ = client.communicate(timeout=30)
    assert (client.returncode, out) == (0, b"y\n")
    cay.ok("rm", "cat")


def test_a_killed_client_takes_nothing_along(cay, image, no_leaks):
    cay.ok("run", "-d", "-i", "--name", "cat", image, "cat")
    client = cay.spawn("attach", "cat")
    client.stdin.write(b"x\n")
    client.stdin.flush()
    assert client.stdout.readline() == b"x\n"
    client.kill()
    client.communicate()
    assert cay.ok("ps", "--format", "{{.Names}} {{.State}}") == "cat running"
    cay.ok("rm", "-f", "cat")


def test_keys_leave_a_terminal_and_the_container_goes_on(cay, pty_run, image, no_leaks):
    terminal = pty_run("run", "-it", "--name", "web", image, "sh")
    before = terminal.modes()
    terminal.send("echo $((6 * 7))\n")
    terminal.expect("42")
    terminal.send(DETACH)
    assert terminal.wait() == 0
    assert terminal.modes()[3] & termios.ECHO and before is not None
    assert cay.ok("ps", "--format", "{{.Names}} {{.State}}") == "web running"

    terminal = pty_run("attach", "--detach-keys", "ctrl-a,d", "web")
    terminal.send("echo $((7 * 7))\n")
    terminal.expect("49")
    terminal.send(DETACH + "echo $((8 * 8))\n")  # not the keys any more
    terminal.expect("64")
    terminal.send("\x01d")
    assert terminal.wait() == 0
    cay.ok("rm", "-f", "web")


def test_an_attached_terminal_gives_its_size(cay, pty_run, image, no_leaks):
    cay.ok("run", "-d", "-it", "--name", "web", image, "sh")
    terminal = pty_run("attach", "web", rows=31, columns=97)
    terminal.send("stty size\n")
    terminal.expect("31 97")
    terminal.resize(13, 44)
    terminal.send("until [ \"$(stty size)\" = \"13 44\" ]; do :; done; echo $((5 * 5))\n")
    terminal.expect("25")
    terminal.send("exit 6\n")
    assert terminal.wait() == 6
    cay.ok("rm", "web")


def test_start_attaches_with_input(cay, pty_run, image, no_leaks):
    cay.ok("create", "-it", "--name", "web", image, "sh")
    terminal = pty_run("start", "-ai", "web")
    terminal.send("exit 4\n")
    assert terminal.wait() == 4
    cay.ok("rm", "web")


def test_signals_are_passed_on_or_not(cay, image, no_leaks):
    for options, code in (([], 9), (["--sig-proxy=false"], -signal.SIGTERM)):
        cay.ok("run", "-d", "--name", "web", image, "sh", "-c",
               "trap 'exit 9' TERM; while :; do echo up; sleep 0.05; done")
        client = cay.spawn("attach", "--no-stdin", *options, "web")
        assert client.stdout.readline() == b"up\n"
        client.send_signal(signal.SIGTERM)
        client.communicate(timeout=30)
        assert client.returncode == code
        cay.ok("rm", "-f", "web")


def test_what_does_not_run_is_not_attached_to(cay, image, no_leaks):
    cay.ok("create", "--name", "web", image, *STUBBORN)
    result = cay("attach", "web")
    assert result.returncode == 1 and "container 'web' is not running" in result.stderr
    cay.ok("start", "web")
    cay.ok("pause", "web")
    result = cay("attach", "web")
    assert result.returncode == 1 and "which is paused: unpause it first" in result.stderr
    result = cay("attach", "--detach-keys", "ctrl-1", "web")
    assert result.returncode == 1 and "detach" in result.stderr
    cay.ok("rm", "-f", "web")


def test_a_restart_ends_attached_clients_as_docker_does(cay, image, no_leaks):
    cay.ok("run", "-d", "-i", "--name", "web", "--restart", "always", image, "sh", "-c",
           "read x; exit 3")
    client = cay.spawn("attach", "web")
    client.stdin.write(b"go\n")
    client.stdin.flush()
    client.communicate(timeout=30)
    assert client.returncode == 3
    cay.ok("rm", "-f", "web")
