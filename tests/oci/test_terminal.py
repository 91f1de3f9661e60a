# SPDX-License-Identifier: Apache-2.0
"""Terminals: handed to an engine over its console socket, or relayed to our own."""

import os
import threading

from harness import leaks
from harness.oci import read_terminal, wait_for_end
from harness.terminal import Terminal


def test_the_console_socket_gets_the_terminal(oci, bundle, server):
    bundle.process["terminal"] = True
    bundle.process["consoleSize"] = {"height": 33, "width": 77}
    oci.create("c1", bundle, "sh", "-c", "read -r line; tty; echo got $line",
               options=["--console-socket", server.path])
    master = server.receive()
    assert server.message == "/dev/pts/0"
    oci.ok("start", "c1")
    os.write(master, b"typed\n")
    output = read_terminal(master)
    assert "/dev/pts/0\r\n" in output
    assert "got typed\r\n" in output
    assert os.get_terminal_size(master) == (77, 33)


def test_run_detached_hands_the_terminal_over_too(oci, bundle, server):
    bundle.process["terminal"] = True
    result = oci.run("c1", bundle, "echo", "hello",
                     options=["--detach", "--console-socket", server.path])
    assert result.returncode == 0, result
    assert read_terminal(server.receive()) == "hello\r\n"


def test_a_console_socket_that_nobody_listens_at_costs_nothing(oci, bundle):
    bundle.process["terminal"] = True
    bundle.write_config(["true"])
    path = oci.directory / "none"
    message = oci.fails("create", "--bundle", bundle.directory, "--console-socket", path, "c1")
    assert message == f"--console-socket: connect to '{path}': No such file or directory"
    assert not oci.root.exists()
    long = oci.directory / ("x" * 120)
    assert "is longer than 107 bytes" in oci.fails("create", "--bundle", bundle.directory,
                                                   "--console-socket", long, "c1")


def test_a_terminal_and_a_console_socket_need_each_other(oci, bundle, server):
    bundle.write_config(["true"])
    message = oci.fails("create", "--bundle", bundle.directory, "--console-socket", server.path,
                        "c1")
    assert message == "--console-socket: there is no terminal: set process.terminal"
    bundle.process["terminal"] = True
    bundle.write_config(["true"])
    message = oci.fails("create", "--bundle", bundle.directory, "c1")
    assert message == "process.terminal: nobody holds the terminal: use --console-socket"


def test_the_pidfd_socket_gets_the_first_process(oci, bundle, server):
    oci.create("c1", bundle, "true", options=["--pidfd-socket", server.path])
    pidfd = server.receive()
    info = (leaks.PROC / f"self/fdinfo/{pidfd}").read_text()
    assert f"Pid:\t{oci.state('c1')['pid']}\n" in info
    assert server.message == "pidfd"


def open_terminal(oci, *arguments, **options):
    return Terminal(oci.command(*arguments), oci.environment(), **options)


def test_run_relays_our_own_terminal(oci, bundle):
    bundle.process["terminal"] = True
    bundle.write_config(["sh", "-c", "stty size; read -r line; echo got $line; exit 3"])
    terminal = open_terminal(oci, "run", "--bundle", bundle.directory, "c1", rows=11, columns=44)
    before = terminal.modes()
    try:
        terminal.expect("11 44\r\n")
        terminal.send("typed\r")
        terminal.expect("got typed\r\n")
        assert terminal.wait() == 3
        assert terminal.modes() == before
    finally:
        terminal.close()


def test_a_change_of_size_reaches_the_container(oci, bundle):
    bundle.process["terminal"] = True
    bundle.write_config(["sh", "-c", "trap 'stty size; exit 0' WINCH; echo ready; "
                                     "while :; do sleep 1000 & wait; done"])
    terminal = open_terminal(oci, "run", "--bundle", bundle.directory, "c1")
    try:
        terminal.expect("ready")
        terminal.resize(12, 55)
        terminal.expect("12 55")
        assert terminal.wait() == 0
    finally:
        terminal.close()


def test_control_c_is_the_programs(oci, bundle):
    bundle.process["terminal"] = True
    bundle.write_config(["sh", "-c", "trap 'exit 9' INT; echo ready; "
                                     "while :; do sleep 1000 & wait; done"])
    terminal = open_terminal(oci, "run", "--bundle", bundle.directory, "c1")
    try:
        terminal.expect("ready")
        terminal.send("\x03")
        assert terminal.wait() == 9
    finally:
        terminal.close()


def test_much_output_in_both_directions_is_relayed(oci, bundle):
    """Neither direction waits for the other: each is more than any buffer on the way."""
    bundle.process["terminal"] = True
    bundle.write_config(["sh", "-c", "stty raw -echo; echo ready; cat"])
    terminal = open_terminal(oci, "run", "--bundle", bundle.directory, "c1")
    data = b"x" * 300000
    try:
        terminal.expect("ready")
        sender = threading.Thread(target=terminal.send, args=(data + b"END",))
        sender.start()
        assert terminal.expect("END").count("x") == len(data)
        sender.join()
        oci.ok("kill", "c1", "KILL")
        assert terminal.wait() == 137
    finally:
        terminal.close()


def test_the_last_output_is_not_lost(oci, bundle):
    bundle.process["terminal"] = True
    bundle.write_config(["sh", "-c", "yes 0123456789 | head -n 2000; echo END"])
    terminal = open_terminal(oci, "run", "--bundle", bundle.directory, "c1")
    try:
        assert terminal.wait() == 0
        assert terminal.output.endswith(b"END\r\n")
        assert terminal.output.count(b"0123456789\r\n") == 2000
    finally:
        terminal.close()


def test_a_terminal_works_without_one_of_our_own(oci, bundle):
    bundle.process["terminal"] = True
    result = oci.run("c1", bundle, "sh", "-c", "read -r line; tty; echo got $line",
                     input="typed\n")
    assert result.returncode == 0, result
    assert "got typed\r\n" in result.stdout


def test_the_containers_end_is_told_while_others_hold_its_terminal(oci, bundle):
    bundle.process["terminal"] = True
    bundle.remove_namespace("pid")
    result = oci.run("c1", bundle, "sh", "-c", "trap '' HUP; sleep 1000 & echo $!; exit 4")
    assert result.returncode == 4, result
    wait_for_end(int(result.stdout.split()[0]))
