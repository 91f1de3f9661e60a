# SPDX-License-Identifier: Apache-2.0
"""`cay system df`, `prune`, `info`, and `image prune`: what there is, and what nobody needs."""

import json
import os
import re
import subprocess

import pytest


@pytest.fixture
def filled(cay, image, tmp_path, no_leaks):
    """A running and a stopped container, one image that is used, two that are not."""
    (tmp_path / "file").write_bytes(b"x" * 300_000)
    subprocess.run(["tar", "-cf", tmp_path / "a.tar", "-C", tmp_path, "file"], check=True)
    cay.ok("import", "-c", "LABEL kind=spare", tmp_path / "a.tar", "spare:1")
    (tmp_path / "file").write_bytes(b"y" * 300_000)
    subprocess.run(["tar", "-cf", tmp_path / "a.tar", "-C", tmp_path, "file"], check=True)
    cay.ok("import", tmp_path / "a.tar")
    cay.ok("run", "-d", "--name", "up", image, "sh", "-c",
           "head -c 100000 /dev/zero > /x; exec sleep 1000")
    cay.ok("run", "--name", "down", "-l", "keep=no", image, "sh", "-c",
           "head -c 200000 /dev/zero > /x")
    yield
    cay("rm", "-f", "up", "down")


def usage(cay):
    lines = cay.ok("system", "df", "--format", "json").splitlines()
    return {line["Type"]: line for line in map(json.loads, lines)}


def number(text):
    """Of a size as people read it, with its three digits."""
    value, unit = re.fullmatch(r"([\d.]+)(B|kB|MB|GB)", text).groups()
    return float(value) * {"B": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9}[unit]


def disk_usage(*paths):
    lines = subprocess.run(["du", "-sB1", *paths], capture_output=True, text=True, check=True)
    return sum(int(line.split()[0]) for line in lines.stdout.splitlines())


def names_of(cay):
    return set(cay.ok("images", "--format", "{{.Repository}}:{{.Tag}}").split())


def test_df_is_what_du_says(cay, state, filled):
    lines = usage(cay)
    assert list(lines) == ["Images", "Containers", "Local Volumes", "Build Cache"]
    images, containers = lines["Images"], lines["Containers"]
    assert (images["TotalCount"], images["Active"]) == ("3", "1")
    assert (containers["TotalCount"], containers["Active"]) == ("2", "1")
    measured = disk_usage(state.directory / "layers", state.directory / "content")
    assert number(images["Size"]) == pytest.approx(measured, rel=0.01)
    uppers = list((state.directory / "containers").glob("*/upper"))
    assert len(uppers) == 2
    assert number(containers["Size"]) == pytest.approx(disk_usage(*uppers), rel=0.01)
    text, percent = re.fullmatch(r"(\S+) \((\d+)%\)", containers["Reclaimable"]).groups()
    assert int(percent) == pytest.approx(100 * number(text) / number(containers["Size"]), abs=1)
    assert 200_000 <= number(text) < number(containers["Size"])
    assert lines["Build Cache"]["Size"] == lines["Local Volumes"]["Size"] == "0B"


def test_df_counts_what_an_interrupted_pull_has_left(cay, state, filled):
    before = usage(cay)["Images"]
    partial = state.directory / "content/partial" / ("5" * 64)
    partial.parent.mkdir(exist_ok=True)
    partial.write_bytes(os.urandom(40_000_000))
    after = usage(cay)["Images"]
    measured = disk_usage(state.directory / "layers", state.directory / "content")
    assert number(after["Size"]) == pytest.approx(measured, rel=0.01)
    assert number(after["Size"]) - number(before["Size"]) == pytest.approx(40e6, rel=0.05)
    gained = number(after["Reclaimable"].split()[0]) - number(before["Reclaimable"].split()[0])
    assert gained == pytest.approx(40e6, rel=0.05)
    cay.ok("image", "prune", "--force")
    assert number(usage(cay)["Images"]["Size"]) < number(before["Size"]) + 1e6


@pytest.mark.as_shipped
@pytest.mark.parametrize("directory", ["layers", "content"])
def test_what_goes_away_while_it_is_measured_takes_up_nothing(cay, image, state, directory):
    """Names in the directory are read, and are no more when they are looked at."""
    gone = ["strace", "-D", "-qqq", "-o", "/dev/null", "-P", state.directory / directory, "-e",
            "inject=newfstatat:error=ENOENT:when=3+"]
    whole = cay.ok("system", "df", "--format", "{{.Size}}")
    assert cay.ok("system", "df", "--format", "{{.Size}}", prefix=gone) != whole


def test_df_tells_each_image_and_container(cay, filled):
    text = cay.ok("system", "df", "--verbose")
    images, containers, _, _ = re.split(r"\n\n(?=\w+[\w ]* usage:)", text)
    assert re.split(r"\s{2,}", images.splitlines()[2].strip()) == [
        "REPOSITORY", "TAG", "IMAGE ID", "CREATED", "SIZE", "SHARED SIZE", "UNIQUE SIZE",
        "CONTAINERS"]
    rows = [re.split(r"\s{2,}", line.strip()) for line in images.splitlines()[3:]]
    assert {row[0]: row[-1] for row in rows} == {"busybox": "2", "spare": "0", "<none>": "0"}
    for row in rows:
        assert number(row[4]) == pytest.approx(number(row[5]) + number(row[6]), rel=0.02)
    assert re.split(r"\s{2,}", containers.splitlines()[2].strip()) == [
        "CONTAINER ID", "IMAGE", "COMMAND", "LOCAL VOLUMES", "SIZE", "CREATED", "STATUS", "NAMES"]
    assert {line.split()[-1] for line in containers.splitlines()[3:]} == {"up", "down"}


def test_df_refuses_what_conflicts(cay):
    result = cay("system", "df", "-v", "--format", "json")
    assert result.returncode != 0
    assert "the verbose and the format options conflict" in result.stderr


def test_prune_removes_what_nobody_uses_and_says_so(cay, filled):
    down = cay.ok("inspect", "-f", "{{.Id}}", "down")
    before = number(usage(cay)["Images"]["Size"])
    lines = cay.ok("system", "prune", "--force").splitlines()
    assert lines[:4] == ["Deleted Containers:", down, "", "Deleted Images:"]
    assert re.fullmatch(r"deleted: sha256:[0-9a-f]{64}", lines[4])
    reclaimed = number(lines[-1].removeprefix("Total reclaimed space: "))
    after = number(usage(cay)["Images"]["Size"])
    rounding = 10_000 # of each of the two, as sizes have three digits
    assert reclaimed + 2 * rounding >= before - after + 200_000 > 300_000
    assert cay.ok("ps", "-a", "--format", "{{.Names}}") == "up"
    assert names_of(cay) == {"busybox:test", "spare:1"}
    assert cay.ok("system", "prune", "-f") == "Total reclaimed space: 0B"


def test_prune_all_removes_images_that_no_container_is_made_from(cay, filled):
    text = cay.ok("system", "prune", "--all", "--force")
    assert "untagged: spare:1" in text
    assert names_of(cay) == {"busybox:test"}
    cay.ok("rm", "-f", "up")
    cay.ok("system", "prune", "-af")
    assert names_of(cay) == set()
    assert usage(cay)["Images"]["TotalCount"] == "0"
    assert usage(cay)["Images"]["Reclaimable"].startswith("0B")


def test_prune_keeps_what_a_filter_does_not_hold_for(cay, filled):
    assert cay.ok("system", "prune", "-af", "--filter", "until=2000-01-01") == \
        "Total reclaimed space: 0B"
    assert "spare:1" not in cay.ok("system", "prune", "-af", "--filter", "label!=kind")
    assert names_of(cay) == {"busybox:test", "spare:1"}
    assert "untagged: spare:1" in cay.ok("image", "prune", "-af", "--filter", "label=kind=spare")
    result = cay("system", "prune", "-f", "--filter", "colour=red")
    assert result.returncode != 0 and "invalid filter 'colour=red'" in result.stderr


def test_prune_asks_first(cay, filled):
    for command, warning in ((("system",), "  - all dangling images\n"),
                             (("image",), "all dangling images."),
                             (("container",), "all stopped containers.")):
        result = cay(*command, "prune", input="n\n")
        assert result.returncode == 1 and warning in result.stdout
        assert f"{command[0]} prune has been cancelled" in result.stderr
    assert len(cay.ok("ps", "-aq").split()) == 2
    assert "Deleted Images:" in cay.ok("image", "prune", input="y\n")


def test_image_prune_takes_those_without_a_name(cay, filled):
    assert cay.ok("image", "prune", "-f").startswith("Deleted Images:\ndeleted: sha256:")
    assert names_of(cay) == {"busybox:test", "spare:1"}
    assert "untagged: spare:1" in cay.ok("image", "prune", "-f", "--filter", "dangling=false")
    assert names_of(cay) == {"busybox:test"}


def test_info_counts_containers_by_their_state(cay, state, filled):
    cay.ok("pause", "up")
    info = json.loads(cay.ok("info", "--format", "json"))
    cay.ok("unpause", "up")
    assert (info["Containers"], info["ContainersRunning"], info["ContainersPaused"],
            info["ContainersStopped"], info["Images"]) == (2, 0, 1, 1, 3)
    assert info["DockerRootDir"] == str(state.directory)
    assert info["CgroupVersion"] in ("1", "2") and info["NCPU"] >= 1 and info["MemTotal"] > 0
    assert info == {**json.loads(cay.ok("system", "info", "--format", "{{json .}}")),
                    **{name: info[name] for name in ("ContainersRunning", "ContainersPaused",
                                                     "SystemTime")}}


def test_info_reads_well(cay, image):
    lines = cay.ok("info").splitlines()
    assert "Containers: 0" in lines and " Running: 0" in lines and "Images: 1" in lines
    assert any(re.fullmatch(r"Total Memory: [\d.]+GiB", line) for line in lines)
    assert cay.ok("info", "--format", "{{.Driver}} {{.ServerVersion}}") == \
        "overlay2 " + cay.ok("version", "--format", "{{.Server.Version}}")


def test_version_is_asked_for_as_docker_s(cay):
    version = json.loads(cay.ok("version", "--format", "json"))
    assert version["Client"]["Version"] == version["Server"]["Version"]
    assert version["Server"]["Os"] == "linux"
    assert cay.ok("version", "--format", "{{.Client.Version}}") == version["Client"]["Version"]
    assert version["Client"]["Version"] in cay.ok("--version")
