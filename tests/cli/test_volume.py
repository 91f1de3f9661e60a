# SPDX-License-Identifier: Apache-2.0
"""`cay volume`: what there is of volumes without a container that mounts them."""

import json
import os
import re
import stat

import pytest
from harness import volumes


@pytest.fixture
def state_directory(state_directory_in_memory):
    return state_directory_in_memory


def fails(result, message, code=1):
    assert result.returncode == code and message in result.stderr, str(result)


def names(cay, *options):
    return cay.ok("volume", "ls", "-q", *options).split()


def test_a_volume_is_an_empty_directory_of_root(cay, state):
    assert cay.ok("volume", "create", "web") == "web"
    (volume,) = json.loads(cay.ok("volume", "inspect", "web"))
    path = volume["Mountpoint"]
    assert path == str(volumes.data(state, "web"))
    status = os.stat(path)
    assert (stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid) == (0o755, 0, 0)
    assert os.listdir(path) == []
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", volume.pop("CreatedAt"))
    assert volume == {"Driver": "local", "Labels": None, "Mountpoint": path, "Name": "web",
                      "Options": None, "Scope": "local"}


def test_its_directory_is_whole_whatever_the_umask(cay, state):
    cay.ok("volume", "create", "web", prefix=["sh", "-c", 'umask 077; exec "$@"', "sh"])
    assert stat.S_IMODE(volumes.data(state, "web").stat().st_mode) == 0o755


def test_making_one_that_exists_changes_nothing(cay, state):
    cay.ok("volume", "create", "--label", "a=1", "web")
    (volumes.data(state, "web") / "file").write_text("kept")
    before = cay.ok("volume", "inspect", "web")
    assert cay.ok("volume", "create", "--label", "b=2", "web") == "web"
    assert cay.ok("volume", "inspect", "web") == before
    assert (volumes.data(state, "web") / "file").read_text() == "kept"


def test_one_without_a_name_is_anonymous(cay):
    name = cay.ok("volume", "create", "--label", "kind=x")
    assert re.fullmatch("[0-9a-f]{64}", name)
    assert json.loads(cay.ok("volume", "inspect", "-f", "{{json .Labels}}", name)) == {
        "com.docker.volume.anonymous": "", "kind": "x"}
    assert name != cay.ok("volume", "create")


@pytest.mark.parametrize("name", ["x", "", ".hidden", "-dash", "a/b", "../up", "a b", "grün",
                                  "x" * 256])
def test_a_name_that_could_be_a_path_or_an_option_is_refused(cay, state, name):
    fails(cay("volume", "create", "--", name), f"invalid volume name '{name}'")
    assert volumes.directories(state) == []


def test_unknown_drivers_and_options_are_refused_by_name(cay, state):
    fails(cay("volume", "create", "-d", "cloud", "web"), "no such volume driver: 'cloud'")
    fails(cay("volume", "create", "-o", "colour=red", "web"), "invalid option: 'colour'")
    fails(cay("volume", "create", "-o", "=x", "web"), "write it as NAME=VALUE", code=125)
    fails(cay("volume", "create", "--availability", "drain", "web"), "no cluster volumes", code=125)
    assert volumes.directories(state) == names(cay) == []


@pytest.mark.parametrize("options, message", [
    (["type=tmpfs"], "missing required option: 'device'"),
    (["type=tmpfs", "device=tmpfs", "o=colour=red"], "colour"),
    (["type=tmpfs", "device=tmpfs", "size=1m"], "write 'o=size=1m'"),
    (["type=nofs", "device=/dev/null"], "the kernel has no file system 'nofs'"),
    (["type=none", "device=srv", "o=bind"], "option 'device=srv' is no absolute path"),
    (["type=nfs", "device=:/srv", "o=addr=server"], "'addr=server' is no IP address"),
])
def test_options_that_cannot_be_are_refused_before_anything_is_made(cay, state, options, message):
    given = [word for option in options for word in ("--opt", option)]
    fails(cay("volume", "create", *given, "web"), message)
    assert volumes.directories(state) == names(cay) == []


def test_options_are_kept_as_they_were_given(cay):
    cay.ok("volume", "create", "-o", "type=tmpfs", "-o", "device=tmpfs", "-o", "o=size=1m,nodev",
           "web")
    assert json.loads(cay.ok("volume", "inspect", "-f", "{{json .Options}}", "web")) == {
        "device": "tmpfs", "o": "size=1m,nodev", "type": "tmpfs"}


def test_what_differs_from_a_volume_that_exists_is_a_conflict(cay):
    cay.ok("volume", "create", "web")
    fails(cay("volume", "create", "-d", "cloud", "web"),
          "a volume named 'web' already exists with the 'local' driver")
    fails(cay("volume", "create", "-o", "type=tmpfs", "web"), "already exists with other options")
    assert cay.ok("volume", "create", "-d", "local", "web") == "web"


def test_volumes_are_listed_by_name(cay):
    for name in ("web", "data", "log"):
        cay.ok("volume", "create", "--label", f"of={name}", "--label", "plain", name)
    assert names(cay) == ["data", "log", "web"]
    assert [line.split() for line in cay.ok("volume", "ls").splitlines()] == [
        ["DRIVER", "VOLUME", "NAME"], ["local", "data"], ["local", "log"], ["local", "web"]]
    row = json.loads(cay.ok("volume", "list", "--format", "json").splitlines()[0])
    assert row.pop("Mountpoint").endswith("/volumes/data/_data")
    assert row == {"Availability": "N/A", "Driver": "local", "Group": "N/A",
                   "Labels": "of=data,plain=", "Links": "N/A", "Name": "data", "Scope": "local",
                   "Size": "N/A", "Status": "N/A"}
    assert cay.ok("volume", "ls", "--format", '{{.Name}}:{{.Label "of"}}').splitlines() == [
        "data:data", "log:log", "web:web"]


def test_filters_choose_volumes(cay, state):
    for name in ("web", "web2", "log"):
        cay.ok("volume", "create", "--label", f"of={name}", name)
    volumes.use(state, "web2", "c" * 64)
    assert names(cay, "-f", "name=^web") == ["web", "web2"]
    assert names(cay, "-f", "name=o", "-f", "name=2$") == ["log", "web2"]
    assert names(cay, "-f", "label=of") == ["log", "web", "web2"]
    assert names(cay, "-f", "label=of=log") == ["log"]
    assert names(cay, "-f", "label=of", "-f", "label=of=log") == ["log"]
    assert names(cay, "-f", "driver=local", "-f", "dangling=true") == ["log", "web"]
    assert names(cay, "-f", "dangling=0") == ["web2"]
    assert names(cay, "-f", "driver=cloud") == []
    fails(cay("volume", "ls", "-f", "nam=x"), "unknown filter 'nam', did you mean 'name'?")
    fails(cay("volume", "ls", "-f", "dangling=maybe"), "invalid filter 'dangling=maybe'")
    fails(cay("volume", "ls", "-f", "name=("), "invalid filter 'name=('")
    fails(cay("volume", "ls", "--cluster"), "there are no cluster volumes", 125)


def test_what_is_found_is_inspected_whatever_is_not(cay):
    cay.ok("volume", "create", "web")
    result = cay("volume", "inspect", "nope", "web")
    fails(result, "no such volume: 'nope'")
    assert [volume["Name"] for volume in json.loads(result.stdout)] == ["web"]
    assert cay.ok("inspect", "--type", "volume", "-f", "{{.Driver}}", "web") == "local"
    assert cay.ok("inspect", "-f", "{{.Name}}", "web") == "web"


def test_a_removed_volume_is_gone_with_its_files(cay, state):
    cay.ok("volume", "create", "web")
    cay.ok("volume", "create", "log")
    deep = volumes.data(state, "web") / "a" / "b"
    deep.mkdir(parents=True)
    (deep / "file").write_text("x")
    (deep / "link").symlink_to("/etc")
    result = cay("volume", "rm", "nope", "web")
    fails(result, "no such volume: 'nope'")
    assert result.stdout == "web\n"
    assert names(cay) == volumes.directories(state) == ["log"]
    fails(cay("volume", "rm", "web"), "no such volume: 'web'")
    assert cay.ok("volume", "rm", "-f", "web") == "web"
    assert volumes.changes(state) == []


def test_a_volume_in_use_is_kept_and_its_users_are_named(cay, state):
    cay.ok("volume", "create", "web")
    volumes.use(state, "web", "a" * 64)
    volumes.use(state, "web", "b" * 64)
    for force in [], ["-f"]:
        fails(cay("volume", "rm", *force, "web"),
              f"remove web: volume is in use - [{'a' * 64}, {'b' * 64}]")
    assert names(cay) == volumes.directories(state) == ["web"]
    assert volumes.changes(state) == []


def test_prune_takes_anonymous_volumes_that_nobody_uses(cay, state):
    cay.ok("volume", "create", "named")
    unused, used = cay.ok("volume", "create"), cay.ok("volume", "create")
    volumes.use(state, used, "c" * 64)
    (volumes.data(state, unused) / "file").write_bytes(b"x" * 100_000)
    lines = cay.ok("volume", "prune", "--force").splitlines()
    assert lines[:3] == ["Deleted Volumes:", unused, ""]
    assert re.fullmatch(r"Total reclaimed space: 1\d\d(\.\d)?kB", lines[3])
    assert set(names(cay)) == set(volumes.directories(state)) == {"named", used}
    assert cay.ok("volume", "prune", "-f") == "Total reclaimed space: 0B"


def test_prune_all_takes_named_ones_that_its_filters_hold_for(cay, state):
    for name in ("web", "log"):
        cay.ok("volume", "create", "--label", f"of={name}", name)
    assert "web\n" in cay.ok("volume", "prune", "-af", "--filter", "label=of=web")
    assert names(cay) == ["log"]
    assert "log" not in cay.ok("volume", "prune", "-af", "--filter", "label!=of")
    assert "log\n" in cay.ok("volume", "prune", "-f", "--filter", "all=1")
    fails(cay("volume", "prune", "-f", "--filter", "until=1h"), "invalid filter 'until'")
    assert names(cay) == []


def test_prune_asks_first(cay):
    cay.ok("volume", "create")
    for options, which in ([], "anonymous"), (["-a"], "all"):
        result = cay("volume", "prune", *options, input="n\n")
        fails(result, "volume prune has been cancelled")
        assert f"WARNING! This will remove {which} local volumes not used by at least one " \
            "container." in result.stdout
    assert len(names(cay)) == 1
    cay.ok("volume", "prune", input="y\n")
    assert names(cay) == []


def test_system_prune_takes_volumes_when_it_is_asked_to(cay):
    anonymous = cay.ok("volume", "create")
    cay.ok("volume", "create", "named")
    cay.ok("system", "prune", "-f")
    assert names(cay) == sorted([anonymous, "named"])
    result = cay("system", "prune", "--volumes", input="n\n")
    assert "  - all anonymous volumes not used by at least one container\n" in result.stdout
    assert cay.ok("system", "prune", "-f", "--volumes").splitlines()[:2] == [
        "Deleted Volumes:", anonymous]
    assert names(cay) == ["named"]
    fails(cay("system", "prune", "-f", "--volumes", "--filter", "until=1h"),
          "the 'until' filter is not supported with '--volumes'")


def test_df_counts_volumes_and_what_could_be_reclaimed(cay, state):
    for name in ("web", "log"):
        cay.ok("volume", "create", name)
        (volumes.data(state, name) / "file").write_bytes(b"x" * 1_000_000)
    volumes.use(state, "web", "c" * 64)
    lines = map(json.loads, cay.ok("system", "df", "--format", "json").splitlines())
    line = {line["Type"]: line for line in lines}["Local Volumes"]
    assert (line["TotalCount"], line["Active"]) == ("2", "1")
    assert re.fullmatch(r"2(\.\d+)?MB", line["Size"])
    assert re.fullmatch(r"1(\.\d+)?MB \(50%\)", line["Reclaimable"])
    text = cay.ok("system", "df", "-v").partition("Local Volumes space usage:\n\n")[2]
    rows = [line.split() for line in text.partition("\n\n")[0].splitlines()]
    assert rows[0] == ["VOLUME", "NAME", "LINKS", "SIZE"]
    assert [row[:2] for row in rows[1:]] == [["log", "0"], ["web", "1"]]


def test_events_tell_of_volumes(cay):
    cay.ok("volume", "create", "web")
    cay.ok("volume", "create", "web")
    cay.ok("volume", "create", "log")
    cay.ok("volume", "rm", "web")
    cay.ok("volume", "prune", "-f")
    text = cay.ok("events", "--since", "1h", "--until", "0s", "--filter", "type=volume",
                  "--format", "json")
    events = [json.loads(line) for line in text.splitlines()]
    assert [(event["Action"], event["Actor"]["ID"]) for event in events] == [
        ("create", "web"), ("create", "log"), ("destroy", "web"), ("prune", "")]
    assert events[0]["Actor"]["Attributes"] == {"driver": "local"}
    assert events[-1]["Actor"]["Attributes"] == {"reclaimed": "0"}
    assert cay.ok("events", "--since", "1h", "--until", "0s", "--filter", "volume=log",
                  "--format", "{{.Action}}") == "create"


def test_nothing_can_be_updated(cay):
    cay.ok("volume", "create", "web")
    fails(cay("volume", "update", "web"), "volume 'web' is none of a cluster")
    fails(cay("volume", "update", "--availability", "drain", "web"), "no cluster volumes", 125)
    fails(cay("volume", "update", "nope"), "no such volume: 'nope'")


def test_of_many_makers_of_one_volume_one_makes_it(cay, state):
    found = [cay.spawn("volume", "create", "--label", f"by={number}", "same")
             for number in range(8)]
    for process in found:
        stdout, stderr = process.communicate()
        assert (process.returncode, stdout, stderr) == (0, b"same\n", b"")
    text = cay.ok("events", "--since", "1h", "--until", "0s", "--format", "{{.Action}}")
    assert text == "create"
    assert volumes.directories(state) == ["same"] and volumes.changes(state) == []


def test_makers_and_removers_of_one_volume_leave_it_whole_or_none(cay, state):
    cay.ok("volume", "create", "same")
    found = [cay.spawn("volume", *command, "same")
             for _ in range(6) for command in (["create"], ["rm", "-f"])]
    for process in found:
        assert process.communicate() == (b"same\n", b"") and process.returncode == 0
    left = names(cay)
    assert volumes.directories(state) == left and volumes.changes(state) == []
    if left:
        assert os.listdir(volumes.data(state, "same")) == []


def calls(cay, *arguments):
    """How many system calls a command makes."""
    log = cay.state.base / "log"
    cay.ok(*arguments, prefix=["strace", "-f", "-qq", "-o", log])
    return len(log.read_text().splitlines())


def test_ten_thousand_volumes_are_no_more_work_than_one(cay, release, state):
    cay = cay.on(release)
    cay.ok("volume", "create", "one")
    cay.ok("volume", "ls")
    commands = [("volume", "create", "two"), ("volume", "inspect", "two"), ("volume", "rm", "two"),
                ("ps", "-a")]
    before = [calls(cay, *command) for command in commands]
    many = volumes.make_many(state, 10_000)
    assert names(cay) == sorted([*many, "one"])
    for command, count in zip(commands, before):
        assert calls(cay, *command) < count + 40, command
    assert names(cay, "-f", "name=many-99", "-f", "dangling=true")[:2] == ["many-99", "many-990"]


def test_what_a_boot_has_interrupted_is_swept_once(cay, state):
    cay.ok("volume", "create", "web")
    assert names(cay) == ["web"]
    volumes.data(state, "debris").mkdir(parents=True)
    assert names(cay) == ["web"]
    assert volumes.directories(state) == ["debris", "web"]  # nobody tells of it
    (state.runtime / "volumes-scanned").rmdir()
    assert names(cay) == volumes.directories(state) == ["web"]


def test_a_removal_that_races_with_containers_takes_no_volume_from_one(cay, state, image):
    cay.ok("volume", "create", "same")
    makers = [cay.spawn("create", "-v", "same:/data", image, "true") for _ in range(4)]
    removers = [cay.spawn("volume", "rm", "-f", "same") for _ in range(4)]
    for process in removers:
        _, stderr = process.communicate()
        assert process.returncode == 0 or b"remove same: volume is in use - [" in stderr
    for process in makers:
        _, stderr = process.communicate()
        assert process.returncode == 0, stderr
    assert names(cay) == volumes.directories(state) == ["same"]
    containers = cay.ok("ps", "-aq", "--no-trunc").split()
    assert len(containers) == 4
    result = cay("volume", "rm", "same")
    assert all(container in result.stderr for container in containers)
    cay.ok("rm", *containers)
    cay.ok("volume", "rm", "same")
