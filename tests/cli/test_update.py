# SPDX-License-Identifier: Apache-2.0
"""`cay update`: limits and restart policies of containers that exist; and `cay port`."""

import json
import os
import pathlib
import signal
import subprocess

import faults
import pytest

CGROUPS = pathlib.Path("/sys/fs/cgroup")
KILLED = -9

# What a limit is called in v1 and in v2.
FILES = {
    "memory": ("memory/{}/memory.limit_in_bytes", "{}/memory.max"),
    "shares": ("cpu/{}/cpu.shares", "{}/cpu.weight"),
    "quota": ("cpu/{}/cpu.cfs_quota_us", "{}/cpu.max"),
    "pids": ("pids/{}/pids.max", "{}/pids.max"),
    "cpus": ("cpuset/{}/cpuset.cpus", "{}/cpuset.cpus"),
}


def inspect(cay, name):
    return json.loads(cay.ok("inspect", name))[0]


def limit(cay, name, limited):
    """What the kernel has."""
    cgroup = f"cay-{inspect(cay, name)['Id']}"
    for file in FILES[limited]:
        path = CGROUPS / file.format(cgroup)
        if path.exists():
            return path.read_text(encoding="ascii").split()[0]
    raise FileNotFoundError(f"{cgroup} has no limit of {limited}")


def config(cay, name):
    """linux.resources of config.json."""
    directory = cay.state.directory / "containers" / inspect(cay, name)["Id"]
    return json.loads((directory / "config.json").read_bytes())["linux"]["resources"]


def settings(cay, name):
    directory = cay.state.directory / "containers" / inspect(cay, name)["Id"]
    return json.loads((directory / "shim.json").read_bytes())


def everywhere(cay, name):
    """All that an update changes, in all places where it is kept."""
    host = inspect(cay, name)["HostConfig"]
    return {
        "row": (host["Memory"], host["PidsLimit"], host["RestartPolicy"]["Name"]),
        "config.json": (config(cay, name)["memory"]["limit"], config(cay, name)["pids"]["limit"]),
        "shim.json": settings(cay, name).get("restart"),
        "kernel": (int(limit(cay, name, "memory")), int(limit(cay, name, "pids"))),
    }


@pytest.fixture
def running(cay, image, no_leaks):
    """A container "box" that runs, with limits; removed at the end."""
    cay.ok("run", "-d", "-i", "--name", "box", "-m", "64m", "--pids-limit", "50", image, "cat")
    yield "box"
    cay("rm", "-f", "box")


def test_limits_of_a_running_container_change_at_once(cay, running):
    assert cay.ok("update", "-m", "96m", "-c", "512", "--cpu-quota", "50000", "--pids-limit", "20",
                  "--cpuset-cpus", "0", running) == running
    assert limit(cay, running, "memory") == str(96 << 20)
    assert limit(cay, running, "pids") == "20"
    assert limit(cay, running, "quota") == "50000"
    assert limit(cay, running, "cpus") == "0"
    host = inspect(cay, running)["HostConfig"]
    assert (host["Memory"], host["CpuShares"], host["CpuQuota"]) == (96 << 20, 512, 50000)
    assert (host["PidsLimit"], host["CpusetCpus"]) == (20, "0")
    assert config(cay, running)["memory"]["limit"] == 96 << 20
    assert config(cay, running)["cpu"]["shares"] == 512
    cay.ok("update", "--pids-limit", "0", running)
    assert limit(cay, running, "pids") == "max"


def test_what_is_not_named_stays(cay, running):
    cay.ok("update", "--cpu-shares", "100", running)
    assert limit(cay, running, "memory") == str(64 << 20)
    assert limit(cay, running, "pids") == "50"
    host = inspect(cay, running)["HostConfig"]
    assert (host["Memory"], host["PidsLimit"], host["CpuShares"]) == (64 << 20, 50, 100)


def test_a_stopped_container_has_its_new_limits_from_its_next_start(cay, image, no_leaks):
    cay.ok("create", "-i", "--name", "box", image, "cat")
    cay.ok("update", "-m", "96m", "--restart", "on-failure:2", "box")
    assert inspect(cay, "box")["State"]["Status"] == "created"
    cay.ok("start", "box")
    assert limit(cay, "box", "memory") == str(96 << 20)
    assert inspect(cay, "box")["HostConfig"]["RestartPolicy"] == {
        "Name": "on-failure", "MaximumRetryCount": 2}
    cay.ok("rm", "-f", "box")


def test_a_restart_policy_holds_for_the_run_that_goes_on(cay, image, tmp_path, no_leaks):
    started = tmp_path / "started"
    os.mkfifo(started)

    def await_start():
        return subprocess.run(["cat", started], capture_output=True, check=True, timeout=30).stdout

    cay.ok("run", "-d", "-i", "--name", "box", "-m", "64m", "-v", f"{tmp_path}:/gate", image, "sh",
           "-c", "echo up > /gate/started; exec cat")
    assert await_start() == b"up\n"
    cay.ok("update", "-m", "96m", "--restart", "always", "box")
    os.kill(inspect(cay, "box")["State"]["Pid"], signal.SIGKILL)
    assert await_start() == b"up\n" # again
    assert inspect(cay, "box")["RestartCount"] == 1
    assert limit(cay, "box", "memory") == str(96 << 20)
    cay.ok("rm", "-f", "box")


def test_several_containers_are_updated_whatever_becomes_of_one(cay, running, image):
    cay.ok("create", "--name", "other", image, "true")
    result = cay("update", "-m", "96m", "other", "nothing", running)
    assert result.returncode == 1
    assert result.stdout.split() == ["other", running]
    assert "no such container: 'nothing'" in result.stderr
    assert inspect(cay, "other")["HostConfig"]["Memory"] == 96 << 20


def test_updates_and_a_restart_at_once_agree_in_the_end(cay, release, running):
    cay = cay.on(release)
    for size in (70, 71, 72, 73):
        processes = [cay.spawn("update", "-m", f"{size}m", running),
                     cay.spawn("restart", "-t", "0", running),
                     cay.spawn("update", "--pids-limit", str(size), running)]
        for process in processes:
            _, problem = process.communicate()
            assert process.returncode == 0 or b"in use by another command" in problem
        cay("start", running)
        now = everywhere(cay, running)
        assert now["row"][:2] == now["config.json"] == now["kernel"]


@pytest.mark.parametrize("options, message", [
    (["-m", "1k"], "memory limit of 1024 bytes is too low: the minimum is 6MB"),
    (["--cpu-shares", "1"], "cpu shares of 1 are not from 2"),
    (["--cpus", "0.5", "--cpu-quota", "50000"], "conflicting options"),
    (["--restart", "sometimes"], "sometimes"),
    (["--restart", "always:3"], "restart policy 'always' has no maximum"),
    (["--blkio-weight", "5"], "blkio"),
    (["--cpuset-cpus", "8000"], "limit 'cpu.cpus': the kernel refuses '8000'"),
    (["-m", "128m", "--pids-limit", "9", "--cpuset-cpus", "8000"], "the kernel refuses '8000'"),
])
def test_what_is_refused_changes_nothing(cay, running, options, message):
    before = everywhere(cay, running)
    result = cay("update", *options, running)
    assert result.returncode == 1 and result.stdout == "", str(result)
    assert message in result.stderr and f"cannot update container '{running}'" in result.stderr
    assert everywhere(cay, running) == before


def test_docker_s_rules_about_what_goes_together(cay, image, no_leaks):
    cay.ok("create", "--name", "swap", "-m", "64m", "--memory-swap", "80m", image, "true")
    result = cay("update", "-m", "96m", "swap")
    assert "memory limit should be smaller than already set memoryswap limit: update the " \
           "memoryswap at the same time" in result.stderr
    cay.ok("update", "-m", "96m", "--memory-swap", "128m", "swap")
    cay.ok("create", "--name", "cpus", "--cpus", "0.5", image, "true")
    assert "'--cpu-quota' cannot be updated as '--cpus' has already been set" in \
        cay("update", "--cpu-quota", "5000", "cpus").stderr
    cay.ok("create", "--name", "quota", "--cpu-quota", "5000", image, "true")
    assert "'--cpus' cannot be updated as '--cpu-quota' has already been set" in \
        cay("update", "--cpus", "0.5", "quota").stderr
    cay.ok("create", "--name", "brief", "--rm", image, "true")
    assert "restart policy cannot be updated because AutoRemove is enabled for the container" in \
        cay("update", "--restart", "always", "brief").stderr


def test_something_has_to_be_asked_for(cay, image):
    result = cay("update", "anything")
    assert result.returncode == 1
    assert "you must provide one or more flags when using this command" in result.stderr
    result = cay("update", "--kernel-memory", "1m", "x")
    assert result.returncode != 0 and "'--kernel-memory' is not supported" in result.stderr


def test_updates_of_one_container_take_turns(cay, running, spawn):
    processes = [spawn("update", "-m", f"{size}m", running) for size in (70, 80, 90, 100)]
    assert [process.wait() for process in processes] == [0] * 4
    now = everywhere(cay, running)
    assert now["row"][0] == now["config.json"][0] == now["kernel"][0]
    assert now["row"][0] in [size << 20 for size in (70, 80, 90, 100)]


def test_an_event_tells_of_what_was_changed(cay, running):
    def count():
        return sum(json.loads(record.strip("\x1e"))["action"] == "update"
                   for record in (cay.state.directory / "events/current").open(encoding="utf-8"))

    assert cay("update", "-m", "1k", running).returncode == 1
    assert count() == 0
    cay.ok("update", "--cpu-shares", "100", running)
    assert count() == 1


def test_an_update_that_is_killed_anywhere_is_done_or_undone(cay, release, running):
    """The next command finds one of the two states in all places at once."""
    cay = cay.on(release)
    number = 0
    for fault in faults.kills(cay, "update", "-m", "96m", "--pids-limit", "20", "--restart",
                              "always", running, calls=faults.FILES + faults.LOCKS):
        number += fault.run().returncode == KILLED
        cay.ok("ps", "-q")
        now = everywhere(cay, running)
        assert now in (
            {"row": (64 << 20, 50, "no"), "config.json": (64 << 20, 50), "shim.json": "no",
             "kernel": (64 << 20, 50)},
            {"row": (96 << 20, 20, "always"), "config.json": (96 << 20, 20), "shim.json": "always",
             "kernel": (96 << 20, 20)}), str(fault)
        cay.ok("update", "-m", "64m", "--pids-limit", "50", "--restart", "no", running)
    assert number > 10


def test_an_update_without_space_changes_nothing(cay, release, running):
    cay = cay.on(release)
    before = everywhere(cay, running)
    for fault in faults.failures(cay, "update", "-m", "64m", "--pids-limit", "50", running,
                                 errno="ENOSPC", calls=["write", "pwrite64", "fdatasync"]):
        fault.run()
        cay.ok("ps", "-q")
        assert everywhere(cay, running) == before, str(fault)


def test_ports_are_not_published_without_networks(cay, image, no_leaks):
    cay.ok("create", "--name", "box", "--expose", "80", image, "true")
    assert cay.ok("port", "box") == ""
    result = cay("port", "box", "80")
    assert result.returncode == 1
    assert "no public port '80/tcp' published for 'box'" in result.stderr
    assert "no public port '53/udp' published" in cay("container", "port", "box", "53/udp").stderr
    assert "invalid port 'web': write it as PORT[/PROTOCOL]" in cay("port", "box", "web").stderr
    assert "no such container: 'nothing'" in cay("port", "nothing").stderr
