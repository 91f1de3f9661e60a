# SPDX-License-Identifier: Apache-2.0
"""pause, resume, ps, update, events: what is asked of a container's cgroup."""

import json
import os
import signal

import pytest

from harness import leaks
from harness.oci import wait_for_end


@pytest.fixture
def running(oci, bundle):
    """The id of a container that runs."""
    oci.start("c1", bundle, "sleep", "1000")
    return "c1"


def cgroup_file(bundle, name):
    """The text of the first file of this name in the container's cgroups."""
    for cgroup in sorted(leaks.cgroups()):
        if cgroup.endswith(bundle.linux["cgroupsPath"]):
            path = os.path.join(cgroup, name)
            if os.path.exists(path):
                with open(path, encoding="ascii") as file:
                    return file.read().strip()
    raise AssertionError(f"no cgroup has a file '{name}'")


def memory_limit(bundle):
    try:
        return cgroup_file(bundle, "memory.limit_in_bytes")
    except AssertionError:
        return cgroup_file(bundle, "memory.max")


def test_a_paused_container_is_told_and_goes_on(oci, running):
    oci.ok("pause", running)
    assert oci.status(running) == "paused"
    assert json.loads(oci.ok("list", "-f", "json"))[0]["status"] == "paused"
    oci.ok("resume", running)
    assert oci.status(running) == "running"


def test_what_a_paused_container_refuses(oci, running):
    oci.ok("pause", running)
    assert oci.fails("pause", running) == "container not running: 'c1' is paused"
    assert oci.fails("start", running) == "cannot start a container in the paused state: 'c1'"
    assert (oci.fails("delete", running) ==
            "cannot delete container c1 that is not stopped: paused: use --force")
    assert (oci.fails("exec", running, "true", status=255) ==
            "cannot exec in a paused container (use --ignore-paused to override)")
    oci.ok("delete", "--force", running)


def test_what_is_not_paused_is_not_resumed(oci, running):
    assert oci.fails("resume", running) == "container not paused: 'c1' is running"
    oci.ok("kill", running, "KILL")
    oci.wait(running)
    assert oci.fails("resume", running) == "container not paused: 'c1' is stopped"
    assert oci.fails("pause", running) == "container not running: 'c1' is stopped"


def test_a_paused_container_can_be_killed(oci, running):
    pid = oci.state(running)["pid"]
    oci.ok("pause", running)
    oci.ok("kill", running, "KILL")
    wait_for_end(pid)
    assert oci.status(running) == "stopped"


def test_a_created_container_can_be_paused_and_is_created_after(oci, bundle):
    oci.create("c1", bundle, "sleep", "1000")
    oci.ok("pause", "c1")
    assert oci.status("c1") == "paused"
    oci.ok("resume", "c1")
    assert oci.status("c1") == "created"


def test_a_program_waits_in_a_paused_container_until_it_goes_on(oci, running):
    oci.ok("pause", running)
    process = oci.spawn("exec", "--ignore-paused", running, "echo", "hello")
    oci.ok("resume", running)
    assert process.wait(60) == 0
    assert process.stdout_path.read_text() == "hello\n"


def test_all_processes_get_a_signal(oci, bundle):
    os.mkfifo(bundle.rootfs / "ready")
    output = oci.start("c1", bundle, "sh", "-c",
                       "trap 'echo first; exit' USR1; "
                       "(trap 'echo second; exit' USR1; sleep 1000 & : > /ready; wait) & "
                       "while :; do wait; done")
    (bundle.rootfs / "ready").read_bytes()
    pid = oci.state("c1")["pid"]
    oci.ok("kill", "--all", "c1", "USR1")
    wait_for_end(pid)
    assert "first\n" in output.read_text()


def test_ps_lists_the_processes_of_the_container_alone(oci, bundle):
    os.mkfifo(bundle.rootfs / "ready")
    oci.start("c1", bundle, "sh", "-c", "sleep 1000 & : > /ready; wait")
    (bundle.rootfs / "ready").read_bytes()
    pids = json.loads(oci.ok("ps", "--format", "json", "c1"))
    assert oci.state("c1")["pid"] in pids
    assert len(pids) == 2
    title, *rows = oci.ok("ps", "c1").splitlines()
    assert title.split()[:2] == ["UID", "PID"]
    assert sorted(int(row.split()[1]) for row in rows) == pids
    title, *rows = oci.ok("ps", "c1", "-eo", "comm,pid").splitlines()
    assert sorted(row.split()[0] for row in rows) == ["sh", "sleep"]
    assert oci.fails("ps", "c1", "-eo", "comm") == "'ps' with these arguments lists no pids"
    assert oci.fails("ps", "-f", "xml", "c1") == "invalid format 'xml': write 'table' or 'json'"


def test_a_stopped_container_has_no_processes(oci, bundle):
    oci.start("c1", bundle, "true")
    oci.wait("c1")
    assert oci.ok("ps", "-f", "json", "c1") == "[]\n"


def test_update_changes_limits_by_options(oci, bundle, running):
    oci.ok("update", "--memory", "64m", "--pids-limit", "77", "--cpu-share", "512", running)
    assert memory_limit(bundle) == str(64 << 20)
    assert cgroup_file(bundle, "pids.max") == "77"
    oci.ok("update", "--pids-limit", "-1", running)
    assert cgroup_file(bundle, "pids.max") == "max"
    assert memory_limit(bundle) == str(64 << 20)


@pytest.mark.parametrize("by_file", [True, False])
def test_update_reads_limits_as_json(oci, bundle, running, by_file):
    text = json.dumps({"memory": {"limit": 48 << 20}, "pids": {"limit": 55}})
    path = oci.directory / "resources.json"
    path.write_text(text)
    if by_file:
        oci.ok("update", "--resources", path, running)
    else:
        oci.ok("update", "--resources=-", running, input=text)
    assert memory_limit(bundle) == str(48 << 20)
    assert cgroup_file(bundle, "pids.max") == "55"


@pytest.mark.parametrize("options, message", [
    (["--memory", "much"],
     "invalid value 'much' for option '--memory': not a size: write bytes, or '512m', '1.5g'"),
    (["--cpu-share", "-1"], "invalid value '-1' for option '--cpu-share': not a whole number"),
    (["--cpuset-cpus", "x"], "linux.resources.cpu.cpus: "),
    (["--kernel-memory", "1m"], "option '--kernel-memory' is not supported by this version"),
    (["--l3-cache-schema", "x"], "option '--l3-cache-schema' is not supported by this version"),
    (["--resources", "/none"], "read the resources '/none': No such file or directory"),
])
def test_a_wrong_limit_is_refused(oci, running, options, message):
    assert message in oci.fails("update", *options, running)


def test_a_stopped_container_has_no_limits_to_change(oci, bundle):
    oci.start("c1", bundle, "true")
    oci.wait("c1")
    assert oci.fails("update", "--memory", "1m", "c1") == "container not running: 'c1' is stopped"


def test_statistics_are_those_of_the_cgroup(oci, bundle, running):
    oci.ok("update", "--memory", "64m", "--pids-limit", "77", running)
    event = json.loads(oci.ok("events", "--stats", running))
    assert (event["type"], event["id"]) == ("stats", "c1")
    data = event["data"]
    assert {"cpu", "cpuset", "memory", "pids", "blkio", "hugetlb", "intel_rdt",
            "network_interfaces"} <= set(data)
    assert data["memory"]["usage"]["limit"] == 64 << 20
    assert data["memory"]["usage"]["usage"] > 0
    assert data["pids"] == {"current": 1, "limit": 77}
    assert data["cpu"]["usage"]["total"] > 0


def test_events_end_with_the_container(oci, bundle, running):
    process = oci.spawn("events", "--interval", "1ms", running)
    with open(process.stdout_path, encoding="ascii") as lines:
        while not lines.readline():  # the file grows: no pipe tells
            assert process.poll() is None
    oci.ok("kill", running, "KILL")
    assert process.wait(60) == 0
    events = [json.loads(line) for line in process.stdout_path.read_text().splitlines()]
    assert {event["type"] for event in events} == {"stats"}
    assert "container not running" in oci.fails("events", running)
    assert "not a time" in oci.fails("events", "--interval", "0s", running)


def test_a_lack_of_memory_is_an_event(oci, bundle):
    bundle.linux["resources"]["memory"] = {"limit": 16 << 20, "swap": 16 << 20}
    os.mkfifo(bundle.rootfs / "go")
    oci.start("c1", bundle, "sh", "-c",
              "read -r none < /go; dd if=/dev/zero of=/dev/null bs=64M count=1; :")
    process = oci.spawn("events", "--interval", "1ms", "c1")
    with open(process.stdout_path, encoding="ascii") as lines:
        while not lines.readline():
            assert process.poll() is None
        with open(bundle.rootfs / "go", "w", encoding="ascii") as go:
            go.write("\n")
        assert process.wait(60) == 0
    events = [json.loads(line) for line in process.stdout_path.read_text().splitlines()]
    assert {"type": "oom", "id": "c1"} in events


def test_features_has_what_its_schema_knows(oci):
    features = json.loads(oci.ok("features"))
    assert features["ociVersionMin"] == "1.0.0"
    assert features["ociVersionMax"] == "1.3.0"
    assert {"prestart", "createRuntime", "createContainer", "startContainer", "poststart",
            "poststop"} == set(features["hooks"])
    assert "rbind" in features["mountOptions"]
    linux = features["linux"]
    assert {"pid", "user", "time"} <= set(linux["namespaces"])
    assert "CAP_SYS_ADMIN" in linux["capabilities"]
    assert linux["cgroup"]["v1"] is True
    assert linux["seccomp"]["enabled"] is True
    assert "SCMP_ACT_ERRNO" in linux["seccomp"]["actions"]
    assert all(isinstance(value, str) for value in features["annotations"].values())


def test_a_container_of_the_foreground_passes_a_stop_on(oci, bundle):
    bundle.write_config(["sh", "-c", "trap 'exit 6' TERM; sleep 1000 & : > /ready; wait"])
    os.mkfifo(bundle.rootfs / "ready")
    process = oci.spawn("run", "--bundle", bundle.directory, "c1")
    (bundle.rootfs / "ready").read_bytes()
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 6
