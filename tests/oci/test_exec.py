# SPDX-License-Identifier: Apache-2.0
"""One more process in a container, as command line and as process.json."""

import json
import os

import pytest

from harness import leaks
from harness.bundle import CAPABILITIES
from harness.oci import read_terminal, wait_for_end
from harness.terminal import Terminal


@pytest.fixture
def running(oci, bundle):
    """The id of a container that runs."""
    oci.start("c1", bundle, "sleep", "1000")
    return "c1"


def shell(script):
    return ["sh", "-ec", script]


def test_output_input_and_exit_status_are_the_programs(oci, running):
    result = oci("exec", running, *shell("cat; echo err >&2; exit 7"), input="typed")
    assert (result.returncode, result.stdout, result.stderr) == (7, "typed", "err\n")


def test_the_program_is_in_the_containers_namespaces_and_cgroup(oci, bundle, running):
    def view(pid):
        return {name: os.readlink(leaks.PROC / str(pid) / "ns" / name)
                for name in ("pid", "mnt", "net", "uts", "ipc", "cgroup")}

    path = oci.directory / "pid"
    oci.ok("exec", "--detach", "--pid-file", path, running, "sleep", "1000")
    pid, first = int(path.read_text()), oci.state(running)["pid"]
    assert view(pid) == view(first)
    cgroups = [cgroup for cgroup in leaks.cgroups() if cgroup.endswith(bundle.linux["cgroupsPath"])]
    assert cgroups
    assert all({pid, first} <= set(leaks.cgroup_members(cgroup)) for cgroup in cgroups)
    oci.ok("delete", "--force", running)
    wait_for_end(pid)


def test_a_detached_program_outlives_the_command(oci, running):
    oci.ok("exec", "-d", running, "sh", "-c", "echo done > /tmp/out; sleep 1000")
    assert oci.status(running) == "running"


def test_a_failure_has_the_exit_status_255(oci, bundle, running):
    messages = [
        (["none"], 'exec: "none": executable file not found in $PATH'),
        (["/none"], 'exec: "/none": no such file or directory'),
        (["/etc"], 'exec: "/etc": is a directory'),
        ([], "exec args cannot be empty: name a program"),
    ]
    for program, message in messages:
        assert oci.fails("exec", running, *program, status=255) == message
    bundle.write("/file", "text", 0o644)
    assert "permission denied" in oci.fails("exec", running, "/file", status=255)
    assert oci.fails("exec", "none", "true", status=255) == "container does not exist: 'none'"
    assert "working directory '/none'" in oci.fails("exec", "--cwd", "/none", running, "true",
                                                    status=255)
    assert oci.status(running) == "running"


def test_a_stopped_container_takes_no_program(oci, bundle):
    oci.start("c1", bundle, "true")
    oci.wait("c1")
    assert (oci.fails("exec", "c1", "true", status=255) ==
            "cannot exec in a stopped container: container not running")


def test_a_created_container_takes_a_program(oci, bundle):
    oci.create("c1", bundle, "sleep", "1000")
    assert oci.ok("exec", "c1", "echo", "hello") == "hello\n"
    assert oci.status("c1") == "created"


def test_options_change_what_the_containers_process_has(oci, bundle):
    bundle.process["env"].append("KEPT=1")
    bundle.process["user"] = {"uid": 5, "gid": 6, "additionalGids": [7]}
    oci.start("c1", bundle, "sleep", "1000")
    script = shell('echo "$KEPT $ADDED" $(pwd) $(id -u) $(id -g) $(id -G)')
    assert oci.ok("exec", "c1", *script) == "1  / 5 6 6 7\n"
    output = oci.ok("exec", "-e", "ADDED=a b", "--env", "KEPT=2", "--cwd", "/tmp", "-u", "8:9",
                    "-g", "10", "--additional-gids", "11", "c1", *script)
    assert output == "2 a b /tmp 8 9 9 7 10 11\n"
    assert oci.ok("exec", "--user", "12", "c1", *script) == "1  / 12 6 6 7\n"


@pytest.mark.parametrize("options, message", [
    (["--user", "root"], "invalid user 'root': write 'UID' or 'UID:GID'"),
    (["--user", "1:2:3"], "invalid user '1:2:3': write 'UID' or 'UID:GID'"),
    (["-g", "x"], "invalid group 'x': write a number"),
    (["--cap", "CAP_NONE"], "unknown capability 'CAP_NONE'"),
    (["--cwd", "relative"], "process.cwd: 'relative' is not an absolute path"),
    (["--tty", "--detach"], "nobody holds the terminal: use --console-socket with --detach"),
    (["--console-socket", "/none"], "--console-socket: there is no terminal: use --tty"),
    (["--process", "/none"], "--process and a program exclude each other"),
])
def test_a_wrong_option_is_refused(oci, running, options, message):
    assert message in oci.fails("exec", *options, running, "true", status=255)


def test_capabilities_are_added(oci, running):
    def effective(*options):
        status = oci.ok("exec", *options, running, "cat", "/proc/self/status")
        return int(next(line.split()[1] for line in status.splitlines()
                        if line.startswith("CapEff:")), 16)

    assert "CAP_SYS_ADMIN" not in CAPABILITIES
    assert effective("-c", "CAP_SYS_ADMIN") == effective() | 1 << 21


def test_no_new_privileges_can_be_asked_for(oci, running):
    def value(*options):
        status = oci.ok("exec", *options, running, "cat", "/proc/self/status")
        return next(line for line in status.splitlines() if line.startswith("NoNewPrivs"))

    assert value() == "NoNewPrivs:\t0"
    assert value("--no-new-privs") == "NoNewPrivs:\t1"


def test_a_process_file_says_it_all(oci, running):
    path = oci.directory / "process.json"
    path.write_text(json.dumps({
        "args": shell("echo $NAME $(id -u) $(pwd); exit 3"), "cwd": "/tmp",
        "env": ["PATH=/bin", "NAME=value"], "user": {"uid": 1, "gid": 2},
    }))
    result = oci("exec", "--process", path, running)
    assert (result.returncode, result.stdout) == (3, "value 1 /tmp\n"), result


@pytest.mark.parametrize("text, message", [
    ("{", "process.json: "),
    ("{}", "process.json: cwd"),
    ('{"cwd": "/"}', "process.args: there is no program to execute"),
    ('{"cwd": "x", "args": ["true"]}', "process.cwd: 'x' is not an absolute path"),
    ('{"cwd": "/", "args": "true"}', "process.json: args"),
])
def test_a_wrong_process_file_is_refused(oci, running, text, message):
    path = oci.directory / "process.json"
    path.write_text(text)
    assert message in oci.fails("exec", "-p", path, running, status=255)


def test_the_console_socket_gets_the_terminal(oci, running, server):
    oci.ok("exec", "--tty", "--detach", "--console-socket", server.path, running,
           *shell("read -r line; tty; echo got $line"))
    master = server.receive()
    assert server.message == "/dev/pts/0"
    os.write(master, b"typed\n")
    output = read_terminal(master)
    assert "/dev/pts/0\r\n" in output
    assert "got typed\r\n" in output


def test_the_pidfd_socket_gets_the_process(oci, running, server):
    path = oci.directory / "pid"
    oci.ok("exec", "-d", "--pid-file", path, "--pidfd-socket", server.path, running, "sleep",
           "1000")
    info = (leaks.PROC / f"self/fdinfo/{server.receive()}").read_text()
    assert f"Pid:\t{path.read_text()}\n" in info


def test_our_own_terminal_is_relayed(oci, running):
    terminal = Terminal(oci.command("exec", "-t", running,
                                    *shell("stty size; read -r line; echo got $line; exit 3")),
                        oci.environment(), rows=11, columns=44)
    try:
        terminal.expect("11 44\r\n")
        terminal.send("typed\r")
        terminal.expect("got typed\r\n")
        assert terminal.wait() == 3
    finally:
        terminal.close()


def test_signals_are_passed_on(oci, bundle, running):
    os.mkfifo(bundle.rootfs / "ready")
    process = oci.spawn("exec", running, "sh", "-c",
                        "trap 'exit 5' TERM; sleep 1000 & : > /ready; wait")
    (bundle.rootfs / "ready").read_bytes()
    process.terminate()
    assert process.wait(60) == 5


def test_a_program_in_the_foreground_ends_with_its_command(oci, bundle, running):
    os.mkfifo(bundle.rootfs / "ready")
    process = oci.spawn("exec", running, "sh", "-c", "exec sleep 1000 > /ready")
    with open(bundle.rootfs / "ready", "rb") as ready:
        process.kill()
        process.wait(60)
        assert ready.read() == b""  # the end of its only writer
    assert oci.status(running) == "running"


def test_a_pid_file_that_cannot_be_written_ends_the_program(oci, bundle, running):
    first = oci.state(running)["pid"]
    message = oci.fails("exec", "-d", "--pid-file", "/no/such/pid", running, "sleep", "1000",
                        status=255)
    assert message == "write the pid file '/no/such/pid': No such file or directory"
    cgroups = [cgroup for cgroup in leaks.cgroups() if cgroup.endswith(bundle.linux["cgroupsPath"])]
    assert not leaks.wait_for_end(
        lambda: [pid for pid in leaks.cgroup_members(cgroups[0]) if pid != first], 60)


def test_a_cgroup_below_the_containers_is_joined(oci, bundle, running):
    cgroups = [cgroup for cgroup in leaks.cgroups() if cgroup.endswith(bundle.linux["cgroupsPath"])]
    for cgroup in cgroups:
        os.makedirs(f"{cgroup}/sub", exist_ok=True)
    path = oci.directory / "pid"
    oci.ok("exec", "-d", "--pid-file", path, "--cgroup", "sub", running, "sleep", "1000")
    pid = int(path.read_text())
    assert any(pid in leaks.cgroup_members(f"{cgroup}/sub") for cgroup in cgroups)
    assert "--cgroup '../..'" not in oci("exec", "--cgroup", "../..", running, "true").stderr
    assert "--cgroup 'none'" in oci.fails("exec", "--cgroup", "none", running, "true", status=255)
    assert ("one controller alone is not supported" in
            oci.fails("exec", "--cgroup", "cpu:sub", running, "true", status=255))
