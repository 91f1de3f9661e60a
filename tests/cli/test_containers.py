# SPDX-License-Identifier: Apache-2.0
"""Containers after their end: ps, inspect, rm; names, ids, and what may not be done."""

import json
import os
import re

import pytest


def test_a_stopped_container_stays_until_it_is_removed(cay, image, no_leaks):
    assert cay("run", "--name", "kept", image, "sh", "-c", "echo x > /made; exit 7").returncode == 7
    assert cay.ok("ps", "-q") == ""
    assert re.fullmatch(r"[0-9a-f]{12}", cay.ok("ps", "-aq"))
    row = cay.ok("ps", "-a", "--format", "{{.Names}} {{.Image}} {{.State}} {{.Status}}")
    assert re.fullmatch(r"kept busybox:test exited Exited \(7\) .* ago", row)
    assert cay.ok("rm", "kept") == "kept"
    assert cay.ok("ps", "-aq") == ""


def test_the_table_is_docker_s(cay, image, no_leaks):
    cay("run", "--name", "one", image, "sh", "-c", "exit 0")
    header, row = cay.ok("ps", "-a").splitlines()
    assert header.split("  ")[0] == "CONTAINER ID"
    assert re.split(r"\s{2,}", header.strip()) == [
        "CONTAINER ID", "IMAGE", "COMMAND", "CREATED", "STATUS", "PORTS", "NAMES"]
    assert '"sh -c exit 0"' in row.replace("'", "") or '"sh -c' in row


def test_a_running_container_is_listed_and_not_removed(cay, image, spawn, no_leaks):
    process = spawn("run", "--name", "busy", "-i", image, "sh", "-c", "echo up; cat")
    assert process.stdout.readline() == b"up\n"
    assert cay.ok("ps", "--format", "{{.Names}} {{.State}}") == "busy running"
    result = cay("rm", "busy")
    assert result.returncode == 1
    assert "container 'busy' is running: stop it first, or remove it with force" in result.stderr
    process.stdin.close()
    assert process.wait() == 0
    cay.ok("rm", "busy")


def test_force_kills_first(cay, image, spawn, no_leaks):
    process = spawn("run", "--name", "busy", image, "sh", "-c", "echo up; while :; do :; done")
    assert process.stdout.readline() == b"up\n"
    assert cay.ok("rm", "-f", "busy") == "busy"
    assert process.wait() == 137
    assert cay.ok("ps", "-aq") == ""


def test_removing_what_is_not_there(cay, image):
    result = cay("rm", "nothing")
    assert result.returncode == 1 and "no such container: 'nothing'" in result.stderr
    assert cay("rm", "-f", "nothing").returncode == 0


def test_inspect_tells_what_happened(cay, image, no_leaks):
    cay("run", "--name", "seen", "-e", "A=b", "-l", "k=v", "-m", "64m", "-w", "/tmp",
        "--stop-signal", "QUIT", "--stop-timeout", "3", image, "sh", "-c", "exit 9")
    (container,) = json.loads(cay.ok("inspect", "seen"))
    assert container["Name"] == "/seen"
    assert container["Path"] == "sh" and container["Args"] == ["-c", "exit 9"]
    state = container["State"]
    assert state["Status"] == "exited" and state["ExitCode"] == 9 and not state["Running"]
    assert state["StartedAt"] < state["FinishedAt"]
    assert container["Created"] <= state["StartedAt"]
    assert "A=b" in container["Config"]["Env"]
    assert container["Config"]["Labels"] == {"k": "v"}
    assert container["Config"]["StopSignal"] == "QUIT" and container["Config"]["StopTimeout"] == 3
    assert container["HostConfig"]["Memory"] == 64 << 20
    assert cay.ok("inspect", "--format", "{{.State.ExitCode}} {{json .Config.Labels}}", "seen") == \
        '9 {"k":"v"}'


def test_inspect_finds_images_too_and_names_what_it_does_not_find(cay, image):
    assert json.loads(cay.ok("inspect", image))[0]["RepoTags"] == [image]
    result = cay("inspect", "nothing", image)
    assert result.returncode == 1
    assert "no such object: 'nothing'" in result.stderr
    assert len(json.loads(result.stdout)) == 1


def test_containers_are_found_by_name_id_and_prefix(cay, image, no_leaks):
    cay.ok("run", "--name", "ab", image, "true")
    identifier = cay.ok("ps", "-aq", "--no-trunc")
    for name in ("ab", "/ab", identifier, identifier[:12], identifier[:3]):
        assert cay.ok("inspect", "--format", "{{.Id}}", name) == identifier


def test_a_failed_start_leaves_a_container_that_says_why(cay, image, no_leaks):
    assert cay("run", "--name", "broken", image, "no-such-program").returncode == 127
    (container,) = json.loads(cay.ok("inspect", "broken"))
    assert container["State"]["Status"] == "created"
    assert container["State"]["ExitCode"] == 127
    assert "no-such-program" in container["State"]["Error"]


def test_a_name_can_be_used_once(cay, image, no_leaks):
    assert cay("run", "--name", "one", image, "true").returncode == 0
    result = cay("run", "--name", "one", image, "true")
    assert result.returncode == 125
    assert "the container name 'one' is in use by container" in result.stderr
    cay.ok("rm", "one")
    assert cay("run", "--name", "one", image, "true").returncode == 0


def test_two_runs_that_claim_one_name_at_once(cay, image, spawn, no_leaks):
    processes = [spawn("run", "--name", "raced", image, "true") for _ in range(6)]
    codes = sorted(process.wait() for process in processes)
    assert codes == [0] + [125] * 5
    assert len(cay.ok("ps", "-aq").split()) == 1


def test_random_names_are_names(cay, image, no_leaks):
    cay("run", image, "true")
    assert re.fullmatch(r"[a-z]+_[a-z]+", cay.ok("ps", "-a", "--format", "{{.Names}}"))


def test_an_image_in_use_is_kept(cay, image, no_leaks):
    cay("run", "--name", "user", image, "true")
    result = cay("rmi", image)
    assert result.returncode == 1 and "busybox:test" in result.stderr
    cay.ok("rm", "user")
    cay.ok("rmi", image)


def test_an_image_removed_by_force_goes_with_its_last_container(cay, image, state, no_leaks):
    cay.ok("run", "--name", "user", image, "true")
    cay.ok("rmi", "-f", image)
    assert cay.ok("images", "-q") == ""
    layers = state.directory / "layers"
    assert len(list(layers.iterdir())) == 1
    cay.ok("rm", "user")
    assert not list(layers.iterdir())
    assert not list((state.directory / "content" / "blobs" / "sha256").iterdir())


def test_an_image_removed_by_force_leaves_a_running_container_alone(cay, image, spawn, no_leaks):
    process = spawn("run", "--rm", "-i", image, "sh", "-c", "echo up; read x; cat /etc/os-release")
    assert process.stdout.readline() == b"up\n"
    cay("rmi", "-f", image)
    process.stdin.write(b"\n")
    process.stdin.close()
    assert b"ID=busybox" in process.stdout.read()
    assert process.wait() == 0


@pytest.mark.parametrize("killed", ["cay", "shim"])
def test_whoever_is_killed_the_next_command_sees_the_truth(cay, image, spawn, no_leaks, killed):
    process = spawn("run", "--name", "orphan", image, "sh", "-c", "echo up; read x < /dev/ptmx")
    assert process.stdout.readline() == b"up\n"
    (container,) = json.loads(cay.ok("inspect", "orphan"))
    if killed == "cay":
        process.kill()
        process.wait()
        assert cay.ok("ps", "--format", "{{.Names}}") == "orphan"
        cay.ok("rm", "-f", "orphan")
        assert cay.ok("ps", "-aq") == ""
        return
    with open(f"/proc/{container['State']['Pid']}/stat", encoding="ascii") as stat:
        shim = int(stat.read().rsplit(")", 1)[1].split()[1])
    os.kill(shim, 9)
    assert process.wait() == 125
    (container,) = json.loads(cay.ok("inspect", "orphan"))
    assert container["State"]["ExitCode"] == 137 and container["State"]["Error"]


def test_with_rm_a_container_goes_even_when_its_cay_was_killed(cay, image, state, spawn, no_leaks):
    process = spawn("run", "--rm", "--name", "orphan", "-i", image, "sh", "-c", "echo up; cat")
    assert process.stdout.readline() == b"up\n"
    process.kill()
    process.wait() # its end closes the container's input, so the program ends too
    state.settle()
    assert state.containers() == []
    assert cay.ok("ps", "-aq") == ""
