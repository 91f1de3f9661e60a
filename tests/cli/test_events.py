# SPDX-License-Identifier: Apache-2.0
"""`cay events`: what happens to containers and images, told to whoever asks."""

import json
import os
import re
import select
import signal
import subprocess

import pytest

FILE_SIZE = 8 << 20


def read(cay, *arguments):
    """All events so far, as Docker's JSON."""
    lines = cay.ok("events", "--since", "24h", "--until", "0s", "--format", "json", *arguments)
    return [json.loads(line) for line in lines.splitlines()]


def actions(events):
    return [event["Action"] for event in events]


@pytest.fixture
def watch(spawn, no_leaks):
    """watch(*arguments) -> a `cay events` that ends with the test."""
    processes = []

    def call(*arguments):
        processes.append(spawn("events", *arguments))
        return processes[-1]

    yield call
    for process in processes:
        process.kill()
        process.wait()


@pytest.fixture
def follow(cay, image, watch):
    """The same, that is told all that happens from here on."""
    def call(*arguments):
        return watch("--since", read(cay)[-1]["eventID"], *arguments)
    return call


def fill_log(state):
    """The file that is appended to is full: what is filled in is no event."""
    directory = state.directory / "events"
    os.truncate(directory / os.readlink(directory / "current"), FILE_SIZE)


def test_a_container_s_life_is_told_in_order(cay, image, no_leaks):
    cay.ok("run", "-d", "--name", "web", "-l", "tier=front", image, "sleep", "1000")
    cay.ok("pause", "web")
    cay.ok("unpause", "web")
    cay.ok("exec", "web", "true")
    cay.ok("rename", "web", "shop")
    cay.ok("kill", "-s", "KILL", "shop")
    cay.ok("wait", "shop")
    cay.ok("start", "shop")
    cay.ok("rm", "-f", "shop")
    events = read(cay, "--filter", "type=container")
    assert actions(events) == [
        "create", "start", "pause", "unpause", "exec_create: true", "exec_start: true",
        "exec_die", "rename", "kill", "die", "start", "kill", "die", "stop",
        "destroy"]
    (identifier,) = {event["Actor"]["ID"] for event in events}
    for event in events:
        attributes = event["Actor"]["Attributes"]
        assert (attributes["image"], attributes["tier"]) == (image, "front")
        assert event["id"] == identifier and len(identifier) == 64
        assert event["status"] == event["Action"] and event["from"] == image
        assert event["scope"] == "local"
        assert event["time"] == event["timeNano"] // 10**9
    assert [event["Actor"]["Attributes"]["name"] for event in events] == 7 * ["web"] + 8 * ["shop"]
    assert events[7]["Actor"]["Attributes"]["oldName"] == "web"
    assert events[8]["Actor"]["Attributes"]["signal"] == "9"
    assert events[9]["Actor"]["Attributes"]["exitCode"] == "137"
    assert events[6]["Actor"]["Attributes"]["exitCode"] == "0"


def test_images_are_told_of_too(cay, image):
    cay.ok("tag", image, "other:1")
    cay.ok("rmi", "other:1")
    events = read(cay, "--filter", "type=image")
    assert actions(events)[-2:] == ["tag", "untag"]
    assert events[-1]["Actor"]["Attributes"] == {"name": "other:1"}
    assert events[-1]["Actor"]["ID"] == events[-2]["Actor"]["ID"]
    cay.ok("rmi", image)
    assert actions(read(cay, "--filter", "type=image"))[-2:] == ["untag", "delete"]


def test_a_line_is_as_docker_s(cay, image, no_leaks):
    cay.ok("create", "--name", "web", image, "true")
    line = cay.ok("events", "--since", "24h", "--until", "0s", "--filter", "event=create")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}(Z|[+-]\d\d:\d\d) container create "
                        rf"[0-9a-f]{{64}} \(image={image}, name=web\)", line)
    line = cay.ok("events", "--since", "24h", "--until", "0s", "--filter", "event=create",
                  env={"TZ": "IST-05:30"})
    assert re.match(r"\S+\.\d{9}\+05:30 ", line)


def test_a_line_moves_no_cursor(cay, image, no_leaks):
    cay.ok("create", "--name", "web", "-l", "a=\x1b[2J\nb", image, "true")
    line = cay.ok("events", "--since", "24h", "--until", "0s", "--filter", "event=create")
    assert "\x1b" not in line and len(line.splitlines()) == 1


def test_templates_name_members_as_docker_s(cay, image, no_leaks):
    cay.ok("create", "--name", "web", image, "true")
    template = ("{{.Type}} {{.Action}} {{.Status}} {{.From}} {{.Scope}} "
                "{{.Actor.Attributes.name}} {{eq .ID .Actor.ID}} {{gt .TimeNano .Time}}")
    assert cay.ok("events", "--since", "24h", "--until", "0s", "--filter", "event=create",
                  "--format", template) == f"container create create {image} local web true true"


@pytest.mark.parametrize("arguments,message", [
    (("--filter", "nme=x"), "unknown filter 'nme'"),
    (("--filter", "plugin=x"), "filter 'plugin': there are neither swarms nor plugins"),
    (("--since", "soon"), "'soon' is neither a time nor a duration"),
    (("--until", "never"), "'never' is neither a time nor a duration"),
    (("--since", "e1"), "invalid event id 'e1'"),
    (("--since", "e1-10000000"), "no such event: 'e1-10000000'"),
    (("--format", "{{.Type"), "template"),
])
def test_what_cannot_be_answered_is_refused(cay, image, arguments, message):
    result = cay("events", *arguments)
    assert result.returncode == 1 or result.returncode == 125
    assert message in result.stderr


def test_every_follower_is_told_what_anybody_does(cay, image, follow):
    followers = [follow("--format", "{{.Action}}", "--filter", "container=web") for _ in range(2)]
    cay.ok("run", "--rm", "--name", "web", image, "true")
    for follower in followers:
        told = [follower.stdout.readline().strip() for _ in range(4)]
        assert told == [b"create", b"start", b"die", b"destroy"]
        assert follower.poll() is None


def test_without_since_only_what_comes_is_told(cay, image, watch):
    cay.ok("create", "--name", "before", image, "true")
    follower = watch("--format", "{{.Action}}")
    while not select.select([follower.stdout], [], [], 0)[0]:
        cay.ok("tag", image, "other:1")
    assert follower.stdout.readline() == b"tag\n"
    assert cay.ok("events", "--until", "2000-01-01") == ""
    assert "create" in cay.ok("events", "--until", "0s", "--format", "{{.Action}}").split()


def test_an_id_continues_after_its_event_over_full_files(cay, state, image, no_leaks):
    cay.ok("create", "--name", "web", image, "true")
    cay.ok("rename", "web", "one")
    created, renamed = read(cay, "--filter", "container=web", "--filter", "container=one")
    fill_log(state)
    cay.ok("rename", "one", "two")
    fill_log(state)
    cay.ok("rename", "two", "three")
    assert len(os.listdir(state.directory / "events")) == 4
    names = cay.ok("events", "--since", created["eventID"], "--until", "0s", "--filter",
                   "event=rename", "--format", "{{.Actor.Attributes.name}}")
    assert names.splitlines() == ["one", "two", "three"]
    names = cay.ok("events", "--since", renamed["eventID"], "--until", "0s",
                   "--format", "{{.Actor.Attributes.name}}")
    assert names.splitlines() == ["two", "three"]


def test_a_follower_goes_on_over_full_files(cay, state, image, follow):
    follower = follow("--format", "{{.Actor.Attributes.name}}", "--filter", "event=rename")
    cay.ok("create", "--name", "n0", image, "true")
    for i in range(1, 7):
        cay.ok("rename", f"n{i - 1}", f"n{i}")
        assert follower.stdout.readline() == f"n{i}\n".encode()
        fill_log(state)
    files = set(os.listdir(state.directory / "events")) - {"current"}
    assert len(files) == 4


def test_what_is_not_kept_any_more_is_not_passed_over_in_silence(cay, state, image, no_leaks):
    cay.ok("create", "--name", "n0", image, "true")
    first = read(cay, "--filter", "event=create")[0]
    for i in range(1, 6):
        fill_log(state)
        cay.ok("rename", f"n{i - 1}", f"n{i}")
    result = cay("events", "--since", first["eventID"], "--until", "0s")
    assert result.returncode == 1
    assert f"what followed event '{first['eventID']}' is not kept any more" in result.stderr


def test_a_writer_that_is_killed_anywhere_costs_no_other_s_events(cay, release, state, image,
                                                                  no_leaks):
    """Every call that a command makes in the log's directory, with the log full or not."""
    quick = cay.on(release)
    quick.ok("create", "--name", "n0", image, "true")
    calls = ("readlinkat", "flock", "unlinkat", "symlinkat", "renameat")
    name = "n0"
    for number, (call, is_full) in enumerate((c, f) for c in calls for f in (False, True)):
        if is_full:
            fill_log(state)
        quick("rename", name, f"m{number}", prefix=(
            "strace", "-f", "-o", "/dev/null", "-P", str(state.directory / "events"),
            "-e", f"trace={call}", "-e", f"inject={call}:signal=KILL:when=1"))
        name = quick.ok("ps", "-a", "--format", "{{.Names}}")
        quick.ok("rename", name, f"k{number}")
        name = f"k{number}"
        last = read(quick, "--filter", "event=rename")[-1]
        assert last["Actor"]["Attributes"]["name"] == name
    assert set(os.listdir(state.directory / "events")) >= {"current"}
    assert "next" not in os.listdir(state.directory / "events")


def test_a_full_disk_costs_events_and_nothing_else(cay, state, image, no_leaks):
    cay.ok("create", "--name", "first", image, "true")
    directory = state.directory / "events"
    kept = {name: (directory / name).read_bytes() for name in ("1",)}
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8k", "none", directory], check=True)
    try:
        (directory / "1").write_bytes(kept["1"])
        (directory / "current").symlink_to("1")
        (directory / "filler").write_bytes(b"x" * 4096)
        padding = "l=" + "x" * 3000
        cay.ok("create", "--name", "second", "-l", padding, image, "true")
        cay.ok("create", "--name", "third", "-l", padding, image, "true")
        (directory / "filler").unlink()
        cay.ok("create", "--name", "fourth", image, "true")
        names = [event["Actor"]["Attributes"]["name"]
                 for event in read(cay, "--filter", "event=create")]
        assert names[0] == "first" and names[-1] == "fourth"
        assert "third" not in names
    finally:
        subprocess.run(["umount", directory], check=True)


def test_following_survives_the_death_of_the_container_s_processes(cay, state, image, follow):
    follower = follow("--format", "{{.Action}} {{.Actor.Attributes.exitCode}}", "--filter",
                      "event=die")
    cay.ok("run", "-d", "--name", "web", image, "sleep", "1000")
    pid = int(cay.ok("inspect", "-f", "{{.State.Pid}}", "web"))
    os.kill(pid, signal.SIGKILL)
    assert follower.stdout.readline() == b"die 137\n"
