# SPDX-License-Identifier: Apache-2.0
"""`cay stats` and `cay top`: what containers use, and which processes they have."""

import json
import re
import subprocess

import pytest


@pytest.fixture
def box(cay, image, no_leaks):
    """A container named "box" with two processes."""
    cay.ok("run", "-d", "--name", "box", "-m", "64m", image, "sh", "-c",
           "sleep 1000 & exec sleep 2000")
    yield "box"
    cay("rm", "-f", "box")


def test_the_table_is_docker_s(cay, box):
    header, row = cay.ok("stats", "--no-stream").splitlines()
    assert re.split(r"\s{2,}", header.strip()) == [
        "CONTAINER ID", "NAME", "CPU %", "MEM USAGE / LIMIT", "MEM %", "NET I/O", "BLOCK I/O",
        "PIDS"]
    fields = re.split(r"\s{2,}", row.strip())
    assert re.fullmatch(r"[0-9a-f]{12}", fields[0]) and fields[1] == box
    assert re.fullmatch(r"\d+\.\d\d%", fields[2])
    assert re.fullmatch(r"[\d.]+[KM]iB / 64MiB", fields[3])
    assert fields[7] == "2"


def test_numbers_are_the_cgroup_s(cay, image, no_leaks):
    cay.ok("run", "-d", "--name", "busy", image, "sh", "-c",
           "head -c 20000000 /dev/zero > /dev/shm/x; while :; do :; done")
    while True:
        row = json.loads(cay.ok("stats", "--no-stream", "--format", "json", "busy"))
        if row["MemUsage"].startswith(("19.", "2")) and "MiB" in row["MemUsage"].split(" / ")[0]:
            break
    assert float(row["CPUPerc"].rstrip("%")) > 0
    assert float(row["MemPerc"].rstrip("%")) > 0
    cay.ok("rm", "-f", "busy")


def test_stopped_ones_are_shown_when_asked_for_and_use_nothing(cay, image, box):
    cay.ok("create", "--name", "idle", image, "true")
    assert cay.ok("stats", "--no-stream", "--format", "{{.Name}}") == box
    names = cay.ok("stats", "--no-stream", "--all", "--format", "{{.Name}}").split()
    assert sorted(names) == [box, "idle"]
    assert cay.ok("stats", "--no-stream", "--format", "{{.MemUsage}} {{.PIDs}} {{.CPUPerc}}",
                  "idle") == "0B / 0B 0 0.00%"


def test_no_trunc_shows_whole_ids(cay, box):
    identifier = cay.ok("inspect", "-f", "{{.Id}}", box)
    shown = cay.ok("stats", "--no-stream", "--no-trunc", "--format", "{{.ID}}", box)
    assert shown == identifier


def test_live_numbers_come_and_go_with_their_containers(cay, image, spawn, no_leaks):
    process = spawn("stats", "--format", "{{.Name}}")
    cay.ok("run", "-d", "--name", "late", image, "sleep", "1000")
    assert process.stdout.readline() == b"late\n"
    process.kill()
    process.wait()
    process = spawn("stats", "--format", "{{.Name}}", "late")
    assert process.stdout.readline() == b"late\n"
    cay.ok("rm", "-f", "late")
    assert process.wait() == 0
    assert set(process.stdout.read().split()) <= {b"late"}


def test_a_terminal_shows_each_table_in_the_place_of_the_last(cay, box, pty_run):
    terminal = pty_run("stats")
    seen = terminal.expect("64MiB")
    assert "\x1b[H" in seen and "CONTAINER ID" in seen
    assert "\x1b" not in cay.ok("stats", "--no-stream")


def test_what_is_not_there_is_refused(cay, image):
    result = cay("stats", "--no-stream", "nothing")
    assert result.returncode == 1 and "no such container: 'nothing'" in result.stderr
    result = cay("stats", "--no-stream", "--format", "{{.Nothing}}")
    assert result.returncode == 0 or "no field 'Nothing'" in result.stderr


def test_top_shows_what_ps_says_of_the_container_s_processes(cay, box):
    pid = cay.ok("inspect", "-f", "{{.State.Pid}}", box)
    header, *rows = cay.ok("top", box).splitlines()
    assert header.split() == ["UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"]
    assert sorted(re.split(r"\s{2,}", row)[-1] for row in rows) == ["sleep 1000", "sleep 2000"]
    assert pid in [row.split()[1] for row in rows]
    assert header.index("PID") == rows[0].index(rows[0].split()[1]) == 20


def test_top_takes_the_options_of_ps(cay, box):
    pid = cay.ok("inspect", "-f", "{{.State.Pid}}", box)
    for arguments in (["-o", "pid,args"], ["-o pid,args"], ["-eo", "pid,args"]):
        if arguments[0] != "-eo" and "-o" in arguments[0]:
            arguments = ["-e", *arguments]
        header, *rows = cay.ok("top", box, *arguments).splitlines()
        assert header.split() == ["PID", "COMMAND"]
        assert sorted(row.split(maxsplit=1)[1] for row in rows) == ["sleep 1000", "sleep 2000"]
        assert pid in [row.split()[0] for row in rows]


@pytest.mark.parametrize("arguments,message", [
    (["-o", "comm"], "couldn't find PID field in ps output"),
    (["--nonsense"], "ps: error:"),
])
def test_what_ps_cannot_say_is_refused(cay, box, arguments, message):
    result = cay("top", box, *arguments)
    assert result.returncode == 1 and message in result.stderr


def test_top_wants_a_running_container(cay, image, no_leaks):
    result = cay("top", "nothing")
    assert result.returncode == 1 and "no such container: 'nothing'" in result.stderr
    cay.ok("create", "--name", "idle", image, "true")
    result = cay("top", "idle")
    assert result.returncode == 1 and "container 'idle' is not running" in result.stderr


def test_other_processes_of_the_host_are_not_shown(cay, image, box):
    host = subprocess.run(["ps", "-ef"], capture_output=True, text=True, check=True).stdout
    assert len(host.splitlines()) > len(cay.ok("top", box).splitlines()) == 3
