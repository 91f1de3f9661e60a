# SPDX-License-Identifier: Apache-2.0
"""`cay ps`: which containers there are, in Docker's words, right whatever died."""

import json
import os
import re
import subprocess

import pytest

from harness import leaks

AGO = r"(Less than a second|\d+ seconds?|About a minute|\d+ minutes)"


@pytest.fixture
def some(cay, image, no_leaks):
    """Containers in every ordinary state, oldest first."""
    cay.ok("create", "--name", "new", "-l", "tier=db", "-l", "x=1", image, "true")
    cay("run", "--name", "failed", "-l", "tier=web", "-v", "/etc:/host:ro", image, "sh", "-c",
        "exit 3")
    cay("run", "--name", "good", "--network", "host", image, "true")
    cay.ok("run", "-d", "--name", "up", "-l", "tier=web", "--expose", "80", "--expose", "90/udp",
           image, "sleep", "1000")
    cay.ok("run", "-d", "--name", "frozen", image, "sleep", "1000")
    cay.ok("pause", "frozen")
    yield
    cay("rm", "-f", "up", "frozen")


def names(cay, *arguments):
    return cay.ok("ps", "--format", "{{.Names}}", *arguments).split()


def test_running_ones_are_shown_newest_first_and_all_when_asked_for(cay, some):
    assert names(cay) == ["frozen", "up"]
    assert names(cay, "-a") == ["frozen", "up", "good", "failed", "new"]
    assert names(cay, "-n", "3") == ["frozen", "up", "good"]
    assert names(cay, "--latest") == ["frozen"]
    assert cay.ok("container", "ls", "-aq") == cay.ok("ps", "-a", "--format", "{{.ID}}")


def test_statuses_are_docker_s(cay, some):
    lines = cay.ok("ps", "-a", "--format", "{{.Names}}={{.State}}={{.Status}}").splitlines()
    rows = {name: (state, status) for name, state, status in (line.split("=") for line in lines)}
    for name, state, status in (
            ("new", "created", "Created"), ("failed", "exited", rf"Exited \(3\) {AGO} ago"),
            ("good", "exited", rf"Exited \(0\) {AGO} ago"), ("up", "running", f"Up {AGO}"),
            ("frozen", "paused", rf"Up {AGO} \(Paused\)")):
        assert rows[name][0] == state and re.fullmatch(status, rows[name][1])


def test_health_and_restarts_are_in_the_status(cay, image, no_leaks):
    cay.ok("run", "-d", "--name", "sick", "--health-cmd", "exec sleep 1000", image, "sleep", "1000")
    cay.ok("run", "-d", "--name", "again", "--restart", "always", image, "sh", "-c", "exit 4")
    assert re.fullmatch(rf"Up {AGO} \(health: starting\)",
                        cay.ok("ps", "--filter", "name=sick", "--format", "{{.Status}}"))
    assert names(cay, "--filter", "health=starting") == ["sick"]
    status = ""
    while not re.fullmatch(rf"Restarting \(4\) {AGO} ago", status):
        status = cay.ok("ps", "-a", "--filter", "name=again", "--format", "{{.Status}}")
        assert status
    cay.ok("rm", "-f", "sick", "again")


FILTERS = [
    (["name=fail"], "failed"),
    (["name=^/?up$"], "up"),
    (["name=up", "name=good"], "up good"),
    (["label=tier"], "up failed new"),
    (["label=tier=web"], "up failed"),
    (["label=tier=db", "label=x=1"], "new"),
    (["label=tier=db", "label=x=2"], ""),
    (["exited=3"], "failed"),
    (["exited=0", "exited=3"], "good failed"),
    (["status=exited"], "good failed"),
    (["status=created", "status=paused"], "frozen new"),
    (["status=running"], "up"),
    (["before=good"], "failed new"),
    (["since=good"], "frozen up"),
    (["volume=/host"], "failed"),
    (["volume=/etc"], "failed"),
    (["network=host"], "good"),
    (["expose=80"], "up"),
    (["expose=85-95/udp"], "up"),
    (["expose=90"], ""),
    (["health=none", "name=up"], "up"),
    (["ancestor=busybox:test", "status=created"], "new"),
    (["ancestor=nothing"], ""),
    (["status=exited", "label=tier=web"], "failed"),
]


def test_filters_choose_as_docker_s_do(cay, some):
    wrong = []
    for arguments, expected in FILTERS:
        filters = [word for argument in arguments for word in ("--filter", argument)]
        found = names(cay, "-a", *filters)
        if found != expected.split():
            wrong.append((arguments, found))
    assert not wrong


def test_filters_by_state_look_at_all_and_others_at_running_ones(cay, some):
    assert names(cay, "--filter", "status=exited") == ["good", "failed"]
    assert names(cay, "--filter", "label=tier=web") == ["up"]
    identifier = cay.ok("inspect", "-f", "{{.Id}}", "up")
    assert names(cay, "--filter", f"id={identifier[:8]}") == ["up"]


@pytest.mark.parametrize("text,message", [
    ("nme=x", "unknown filter 'nme'"),
    ("name", "invalid filter 'name': write it as NAME=VALUE"),
    ("status=asleep", "invalid filter 'status=asleep'"),
    ("exited=x", "invalid filter 'exited=x': it is not a number"),
    ("health=fine", "invalid filter 'health=fine'"),
    ("is-task=true", "filter 'is-task': there are no swarm tasks"),
    ("before=nothing", "no such container: 'nothing'"),
])
def test_filters_that_mean_nothing_are_refused(cay, image, text, message):
    result = cay("ps", "--filter", text)
    assert result.returncode != 0 and message in result.stderr


def test_formats_have_docker_s_columns(cay, some):
    row = json.loads(cay.ok("ps", "-a", "--no-trunc", "--filter", "name=failed", "--format",
                            "json"))
    assert set(row) >= {"Command", "CreatedAt", "ID", "Image", "Labels", "LocalVolumes", "Mounts",
                        "Names", "Networks", "Ports", "RunningFor", "Size", "State", "Status"}
    assert row["Command"] == '"sh -c exit 3"'
    assert (row["Image"], row["Names"], row["State"]) == ("busybox:test", "failed", "exited")
    assert re.fullmatch("[0-9a-f]{64}", row["ID"]) and row["Labels"] == "tier=web"
    assert row["Mounts"] == "/etc"
    lines = cay.ok("ps", "-a", "--format", 'table {{.Names}}\t{{.Label "tier"}}').splitlines()
    assert lines[0].split() == ["NAMES", "tier"]
    assert [line.split() for line in lines[1:]] == [
        ["frozen"], ["up", "web"], ["good"], ["failed", "web"], ["new", "db"]]


def test_sizes_are_what_du_says(cay, state, image, no_leaks):
    cay("run", "--name", "big", image, "sh", "-c", "head -c 300000 /dev/zero > /x")
    header, row = cay.ok("ps", "-as").splitlines()
    assert header.split()[-1] == "SIZE"
    size, virtual = re.search(r"(\S+)kB \(virtual (\S+)MB\)$", row).groups()
    (upper,) = (state.directory / "containers").glob("*/upper")
    measured = subprocess.run(["du", "-sB1", upper], capture_output=True, text=True, check=True)
    assert float(size) == pytest.approx(int(measured.stdout.split()[0]) / 1000, rel=0.01)
    assert float(virtual) > float(size) / 1000


def test_a_table_is_the_same_in_a_pipe_and_a_terminal_without_colours(cay, some, pty_run):
    terminal = pty_run("ps", "-a", columns=200)
    assert terminal.wait() == 0
    shown = terminal.output.decode()
    assert "\x1b" not in shown
    assert shown.splitlines()[0].split() == cay.ok("ps", "-a").splitlines()[0].split()


def test_a_table_fits_a_narrow_terminal_and_cuts_neither_ids_nor_names(cay, some, pty_run):
    cay.ok("tag", "busybox:test", "long/" + 60 * "x" + ":1")
    cay.ok("create", "--name", "last", "long/" + 60 * "x" + ":1", "true")
    terminal = pty_run("ps", "-a", columns=120)
    assert terminal.wait() == 0
    lines = terminal.output.decode().splitlines()
    assert max(map(len, lines)) <= 120 < max(map(len, cay.ok("ps", "-a").splitlines()))
    assert [line.split()[-1] for line in lines[1:]] == names(cay, "-a")
    assert [line.split()[0] for line in lines[1:]] == cay.ok("ps", "-aq").split()
    terminal = pty_run("ps", "-a", "--no-trunc", columns=120)
    assert terminal.wait() == 0
    assert 60 * "x" in terminal.output.decode()


def test_a_killed_shim_s_container_is_not_up(cay, state, some):
    for pid in state.processes():
        if leaks.program_name(pid) == "cay-shim":
            leaks.kill(pid)
    assert names(cay) == []
    rows = cay.ok("ps", "-a", "--format", "{{.Names}} {{.State}} {{.Status}}").splitlines()
    assert [row.split("(")[0] for row in rows[:2]] == ["frozen exited Exited ", "up exited Exited "]
    assert "Exited (137)" in rows[0] and "Exited (137)" in rows[1]


def test_a_container_without_any_process_of_ours_is_asked_once(cay, release, some):
    """The rows of those that do not run cost no system call each: they are in one index."""
    quick = cay.on(release)
    for i in range(5):
        quick.ok("create", "--name", f"more{i}", "busybox:test", "true")

    def calls(*arguments):
        log = f"{cay.state.base}/calls"
        quick.ok("ps", *arguments, prefix=("strace", "-f", "-o", log))
        with open(log, encoding="utf-8", errors="replace") as lines:
            return sum("containers" in line or re.match(r"\d+ +(openat|flock)", line) is not None
                       for line in lines)

    before = calls("-a")
    for i in range(5, 10):
        quick.ok("create", "--name", f"more{i}", "busybox:test", "true")
    assert calls("-a") <= before
    assert os.path.exists(cay.state.runtime)
