# SPDX-License-Identifier: Apache-2.0
"""`cay exec`: one more program in a container that runs."""

import hashlib
import json
import os
import pathlib
import signal
import termios

import pytest

from harness import leaks


class Box:
    """A container named "box" that runs until finish()."""

    def __init__(self, cay, state, process):
        self.cay = cay
        self.state = state
        self.process = process

    def exec(self, *arguments, **options):
        return self.cay("exec", *arguments, **options)

    def shell(self, script, *options, **more):
        return self.cay.ok("exec", *options, "box", "sh", "-c", script, **more)

    def runtime(self):
        (directory,) = (self.state.runtime / "containers").iterdir()
        return directory

    def directories(self):
        """Of the execs that go on."""
        return sorted((self.runtime() / "exec").iterdir())

    def shims(self):
        """The pids of the shims of execs."""
        return [pid for pid in self.state.processes() if leaks.program_name(pid) == "cay-shim" and
                b"--exec" in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")]

    def pid(self):
        return json.loads(self.cay.ok("inspect", "box"))[0]["State"]["Pid"]

    def finish(self):
        self.process.stdin.close()
        self.process.stdin = None
        return self.process.wait()


@pytest.fixture
def start(cay, state, image, spawn, no_leaks):
    """start(*options) -> Box"""
    def call(*options):
        process = spawn("run", "-i", "--name", "box", *options, image, "sh", "-c",
                        "mkfifo /tmp/gate /tmp/answer; echo up; exec cat")
        assert process.stdout.readline().strip() == b"up"
        return Box(cay, state, process)
    return call


@pytest.fixture
def box(start):
    box = start()
    yield box
    if box.process.stdin:
        assert box.finish() == 0


def wait_for(pid):
    """Until the process has ended."""
    assert leaks.wait_for_end(lambda: [pid] if pathlib.Path(f"/proc/{pid}/exe").exists() else [],
                              30) == []


def test_output_errors_and_exit_status_are_the_program_s(box):
    result = box.exec("box", "sh", "-c", "echo out; echo err >&2; exit 7")
    assert (result.stdout, result.stderr, result.returncode) == ("out\n", "err\n", 7)
    assert box.exec("box", "sh", "-c", "kill -KILL $$").returncode == 137
    assert box.cay("container", "exec", "box", "true").returncode == 0
    assert box.directories() == []


@pytest.mark.parametrize("options, program, code, complaint", [
    ([], "missing", 127, 'exec: "missing": executable file not found in $PATH'),
    ([], "/no/program", 127, "no such file or directory"),
    ([], "/etc/passwd", 126, "permission denied"),
    (["-w", "/missing"], "true", 126, "'/missing'"),
    (["-w", "relative"], "true", 1, "needs to be an absolute path"),
    (["-u", "nobody-here"], "true", 1, "unable to find user 'nobody-here'"),
    (["-u", "4294967296"], "true", 1, "unable to find user '4294967296'"),
    (["--detach-keys", "ctrl-1"], "true", 1, "unknown key 'ctrl-1'"),
    (["-it"], "true", 1, "the input device is not a TTY"),
    (["--no-such-option"], "true", 125, "no-such-option"),
])
def test_what_cannot_be_executed_is_told_and_leaves_nothing(box, options, program, code,
                                                            complaint):
    result = box.exec(*options, "box", program)
    assert result.returncode == code and complaint in result.stderr, str(result)
    assert not (box.runtime() / "exec").exists() or box.directories() == []


def test_user_environment_and_directory(start, tmp_path):
    variables = tmp_path / "variables"
    variables.write_text("FILE=yes\nBOTH=file\n")
    box = start("-e", "BASE=1", "-e", "GONE=1", "-w", "/var", "--group-add", "7")
    script = "id -u; id -g; id -G; pwd; echo $HOME $BASE-$GONE-$FILE-$BOTH"
    assert box.shell(script).split() == ["0", "0", "0", "7", "/var", "/root", "1-1--"]
    assert box.shell(script, "-u", "user", "-w", "/tmp", "--env-file", variables, "-e", "BOTH=line",
                     "-e", "BASE=2", "-e", "GONE").split() == [
        "1000", "1000", "1000", "7", "29", "44", "/tmp", "/home/user", "2--yes-line"]
    assert box.shell(script, "-u", "1000:audio", "-e", "HOME=/own").split() == [
        "1000", "29", "29", "7", "/var", "/own", "1-1--"]
    box.finish()


def test_capabilities_are_the_container_s_and_privileged_gives_all(start):
    box = start("--cap-drop", "ALL", "--cap-add", "CHOWN", "--security-opt", "no-new-privileges")
    script = "grep -E 'Cap(Inh|Prm|Eff|Bnd|Amb)|NoNewPrivs|Seccomp:' /proc/self/status"

    def sets(*options):
        lines = (line.split() for line in box.shell(script, *options).splitlines())
        return {name.rstrip(":"): int(value, 16) for name, value in lines}

    assert sets() == {"CapInh": 0, "CapPrm": 1, "CapEff": 1, "CapBnd": 1, "CapAmb": 0,
                      "NoNewPrivs": 1, "Seccomp": 2}
    user = sets("-u", "user")
    assert (user["CapEff"], user["CapPrm"], user["CapInh"], user["CapAmb"]) == (0, 0, 0, 0)
    own = pathlib.Path("/proc/self/status").read_text().split("CapBnd:\t")[1].split()[0]
    privileged = sets("--privileged")
    assert privileged["CapEff"] == privileged["CapBnd"] == int(own, 16)
    assert privileged["CapInh"] == 0 and privileged["Seccomp"] == 2
    box.finish()


def test_it_is_in_the_container_s_namespaces_and_cgroup(box):
    pid = box.pid()
    script = "for n in mnt pid net ipc uts cgroup; do readlink /proc/self/ns/$n; done"
    assert box.shell(script).split() == [
        os.readlink(f"/proc/{pid}/ns/{name}") for name in ("mnt", "pid", "net", "ipc", "uts",
                                                           "cgroup")]
    assert box.shell("cat /proc/self/cgroup") == box.shell("cat /proc/1/cgroup")


def test_standard_input_arrives_and_half_closes(box):
    assert box.exec("-i", "box", "sh", "-c", "wc -c; echo after", input="x" * 300000).stdout == \
        "300000\nafter\n"
    assert box.exec("box", "cat", input="ignored").stdout == ""


def test_a_terminal_is_made_for_it_alone(box, pty_run):
    terminal = pty_run("exec", "-it", "box", "sh", "-c",
                       "echo $TERM; stty size; read line; echo got $line; exit 5", rows=11,
                       columns=33)
    assert terminal.expect("\r\n") == "xterm"
    assert terminal.expect("\r\n") == "11 33"
    before = terminal.modes()
    assert not before[3] & termios.ICANON
    terminal.send("words\r")
    terminal.expect("got words\r\n")
    assert terminal.wait() == 5
    assert terminal.modes()[3] & termios.ICANON
    assert box.exec("box", "sh", "-c", "test -t 1 || echo $TERM none").stdout == "none\n"


def test_a_container_with_a_terminal_gives_it_to_nobody(cay, state, image, pty_run, no_leaks):
    terminal = pty_run("run", "-it", "--name", "box", image, "sh", "-c", "stty -echo; echo up; cat")
    terminal.expect("up\r\n")
    assert cay.ok("exec", "box", "sh", "-c", "test -t 0 || test -t 1 || echo $TERM none") == "none"
    terminal.send("\x04")
    assert terminal.wait() == 0


def test_the_window_size_follows(box, pty_run):
    terminal = pty_run("exec", "-it", "box", "sh", "-c",
                       "trap 'stty size; exit' WINCH; echo up; while :; do read x; done")
    terminal.expect("up\r\n")
    terminal.resize(44, 55)
    terminal.process.send_signal(signal.SIGWINCH)
    assert terminal.expect("\r\n") == "44 55"
    terminal.wait()


@pytest.mark.parametrize("options, keys", [([], "\x10\x11"),
                                           (["--detach-keys", "ctrl-a,x"], "\x01x")])
def test_the_detach_keys_leave_it_running(box, pty_run, options, keys):
    terminal = pty_run("exec", "-it", *options, "box", "sh", "-c",
                       "echo up; read x; echo $x > /tmp/said; cat /tmp/gate; echo end >/tmp/answer")
    terminal.expect("up\r\n")
    terminal.send("one\r")
    terminal.expect("one")
    terminal.send(keys)
    assert terminal.wait() == 1
    assert "read escape sequence" in terminal.output.decode()
    assert len(box.directories()) == 1
    (shim,) = box.shims()
    assert box.shell("echo go >/tmp/gate; cat /tmp/answer /tmp/said").split() == ["end", "one"]
    wait_for(shim)
    assert box.directories() == []


def test_detached_it_goes_on_alone(box):
    result = box.exec("-d", "box", "sh", "-c",
                      "echo lost; x=$(cat /tmp/gate); echo $x >/tmp/answer")
    assert (result.stdout, result.stderr, result.returncode) == ("", "", 0)
    (shim,) = box.shims()
    assert box.shell("echo said >/tmp/gate; cat /tmp/answer") == "said"
    wait_for(shim)
    assert box.exec("-d", "box", "missing").returncode == 127


def test_it_goes_on_when_its_client_is_killed(box, spawn):
    client = spawn("exec", "-i", "box", "sh", "-c",
                   "echo up; cat >/dev/null; echo ended >/tmp/answer; echo more")
    assert client.stdout.readline() == b"up\n"
    client.kill()
    client.wait()
    (shim,) = box.shims()
    assert box.shell("cat /tmp/answer") == "ended"
    wait_for(shim)
    assert box.directories() == []


def test_it_dies_with_its_shim(box, spawn):
    client = spawn("exec", "box", "sh", "-c", "echo up; exec cat /tmp/gate")
    assert client.stdout.readline() == b"up\n"
    (shim,) = box.shims()
    (process,) = pathlib.Path(f"/proc/{shim}/task/{shim}/children").read_text().split()
    os.kill(shim, signal.SIGKILL)
    assert client.wait() == 1
    assert b"died" in client.stderr.read()
    wait_for(process)


def test_it_ends_with_its_container(box, spawn):
    client = spawn("exec", "box", "sh", "-c", "echo up; cat /tmp/gate")
    assert client.stdout.readline() == b"up\n"
    assert box.finish() == 0
    assert client.wait() == 137
    result = box.exec("box", "true")
    assert result.returncode == 1 and "container 'box' is not running" in result.stderr
    assert box.exec("nothing", "true").returncode == 1


def test_nothing_is_executed_in_a_paused_container(box):
    box.cay.ok("pause", "box")
    result = box.exec("box", "true")
    assert result.returncode == 1
    assert "container 'box' is paused, unpause the container before exec" in result.stderr
    box.cay.ok("unpause", "box")
    box.shell("true")


def test_inspect_names_those_that_go_on(box):
    (container,) = json.loads(box.cay.ok("inspect", "box"))
    assert container["ExecIDs"] is None
    box.exec("-d", "box", "cat", "/tmp/gate")
    (container,) = json.loads(box.cay.ok("inspect", "box"))
    assert container["ExecIDs"] == [directory.name for directory in box.directories()]
    box.shell("echo >/tmp/gate")


def test_a_hundred_at_once(box, release):
    fast = box.cay.on(release)
    clients = [fast.spawn("exec", "box", "sh", "-c", f"echo {n}; cat /tmp/gate; exit {n}")
               for n in range(120)]
    for n, client in enumerate(clients):
        assert client.stdout.readline() == b"%d\n" % n
    assert len(box.directories()) == 120
    box.shell("echo >/tmp/gate")
    assert [client.wait() for client in clients] == list(range(120))
    assert box.directories() == []


def test_those_that_begin_while_the_container_ends_are_told_so(box, release):
    fast = box.cay.on(release)
    clients = [fast.spawn("exec", "box", "sh", "-c", "echo up; exec cat /tmp/gate")
               for _ in range(40)]
    assert clients[0].stdout.readline() == b"up\n"
    assert box.finish() == 0
    for client in clients:
        errors = client.communicate()[1]
        assert client.returncode == 137 and errors == b"" or client.returncode == 1 and \
            errors == b"cay: container 'box' is not running\n", errors


def test_a_pid_of_somebody_else_leads_nowhere(box):
    """The pid that is on record may be that of any process by now."""
    lock = box.runtime() / "lock"
    record = lock.read_text()
    wrong = {"state": "running", "pid": os.getpid(), "startedAt": 1}
    with open(lock, "r+", encoding="ascii") as file:
        file.write(json.dumps(wrong).ljust(511) + "\n")
    result = box.exec("box", "true")
    assert result.returncode == 1 and "container 'box' is not running" in result.stderr
    lock.write_text(record)
    box.shell("true")


@pytest.mark.parametrize("spoil", [
    "rm /etc/passwd; ln -s {secret} /etc/passwd",
    "rm /etc/passwd; ln -s /proc/1/root{secret} /etc/passwd",
    "rm /etc/passwd; ln -s /proc/self/fd/3 /etc/passwd",
    "rm /etc/passwd; mkfifo /etc/passwd",
    "rm /etc/passwd; mkdir /etc/passwd",
    "mv /etc /gone; ln -s ../../../../..{directory} /etc",
])
def test_accounts_are_read_inside_the_container_only(box, tmp_path, spoil):
    secret = tmp_path / "passwd"
    secret.write_text("secret:x:123:123::/:/bin/sh\n")
    box.shell(spoil.format(secret=secret, directory=tmp_path))
    result = box.exec("-u", "secret", "box", "true")
    assert result.returncode == 1 and "unable to find user 'secret'" in result.stderr, str(result)
    assert "\t5\t" in box.shell("grep Uid /proc/self/status", "-u", "5")


def test_a_descriptor_as_working_directory_leads_nowhere(box):
    """CVE-2024-21626."""
    for number in range(3, 14):
        result = box.exec("-w", f"/proc/self/fd/{number}", "box", "pwd")
        assert result.returncode != 0 and result.stdout == "", str(result)


def test_the_engine_cannot_be_overwritten_from_inside(box):
    """CVE-2019-5736: what is executed inside is never the engine's own file."""
    programs = [box.cay.path(name) for name in ("cay", "cay-shim")]
    before = [hashlib.sha256(program.read_bytes()).digest() for program in programs]
    box.shell("printf '#!/proc/self/exe\\n' >/attack; chmod +x /attack")
    box.exec("box", "/attack")
    assert box.shell("ls /proc/$$/fd; true").split() == ["0", "1", "2"]
    assert [hashlib.sha256(program.read_bytes()).digest() for program in programs] == before


def test_events_tell_of_each_step(box, state):
    box.shell("exit 0", "-u", "user")
    box.exec("box", "sh", "-c", "exit 3")
    log = (state.directory / "events/current").read_text()
    events = [json.loads(record) for record in log.replace("\x1e", "").splitlines()]
    events = [event for event in events if event["action"].startswith("exec_")]
    assert [event["action"] for event in events] == [
        "exec_create: sh -c exit 0", "exec_start: sh -c exit 0", "exec_die",
        "exec_create: sh -c exit 3", "exec_start: sh -c exit 3", "exec_die"]
    assert [event["attributes"].get("exitCode") for event in events] == [
        None, None, "0", None, None, "3"]
    assert len({event["attributes"]["execID"] for event in events}) == 2
    assert {event["attributes"]["name"] for event in events} == {"box"}
