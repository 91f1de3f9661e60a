# SPDX-License-Identifier: Apache-2.0
"""Containers as units of a systemd that is not played."""

import pathlib
import subprocess

import pytest

MEBIBYTE = 1 << 20
UNIT = "cay-box.scope"
SYSTEMD = ("--systemd",)


def show(unit, *properties):
    """{property: text} as systemd has it."""
    output = subprocess.run(["systemctl", "show", "--property", ",".join(properties), unit],
                            check=True, capture_output=True, text=True).stdout
    return dict(line.split("=", 1) for line in output.splitlines())


@pytest.fixture
def scope(bundle):
    """A bundle whose container will be the scope UNIT, of which nothing is left at the end."""
    bundle.linux["cgroupsPath"] = "machine.slice:cay:box"
    yield bundle
    bundle.linux["cgroupsPath"] = f"/machine.slice/{UNIT}"
    assert show(UNIT, "LoadState", "ActiveState") == {"LoadState": "not-found",
                                                      "ActiveState": "inactive"}


def test_a_container_is_a_scope_with_its_limits(scope):
    scope.linux["resources"].update({
        "memory": {"limit": 64 * MEBIBYTE, "swap": 96 * MEBIBYTE},
        "cpu": {"shares": 1024, "quota": 50000, "period": 100000, "cpus": "0"},
        "pids": {"limit": 99}})
    created = scope.create("cat", options=SYSTEMD)
    created.start()
    expected = {"ActiveState": "active", "Slice": "machine.slice", "Delegate": "yes",
                "ControlGroup": f"/machine.slice/{UNIT}", "MemoryMax": str(64 * MEBIBYTE),
                "MemorySwapMax": str(32 * MEBIBYTE), "CPUWeight": "100",
                "CPUQuotaPerSecUSec": "500ms", "AllowedCPUs": "0", "TasksMax": "99",
                "DevicePolicy": "strict"}
    assert show(UNIT, *expected) == expected
    cgroup = pathlib.Path(f"/sys/fs/cgroup/machine.slice/{UNIT}")
    assert (cgroup / "cgroup.procs").read_text() == f"{created.pid}\n"
    assert (cgroup / "pids.max").read_text() == "99\n"
    assert (cgroup / "cpu.max").read_text() == "50000 100000\n"
    assert created.wait().status == 0


def test_limits_outlive_what_makes_systemd_write_its_own(scope):
    scope.linux["resources"].update({"pids": {"limit": 99}, "memory": {"limit": 64 * MEBIBYTE}})
    created = scope.create("cat", "/sys/fs/cgroup/pids.max", "/sys/fs/cgroup/memory.max",
                           options=SYSTEMD)
    subprocess.run(["systemctl", "daemon-reload"], check=True)
    assert created.finish().stdout == f"99\n{64 * MEBIBYTE}\n"


def test_devices_are_denied_by_systemd_and_by_us(scope):
    script = "mknod /tmp/vcs c 7 0; if (: < /tmp/vcs); then echo opened; else echo refused; fi"
    assert scope.shell(f"echo > /dev/null; {script}", options=SYSTEMD) == "refused\n"


def test_a_container_whose_program_fails_leaves_no_failed_unit(scope):
    assert scope.run("sh", "-c", "exit 3", options=SYSTEMD).status == 3


def test_a_scope_that_is_there_already_is_a_conflict(scope):
    created = scope.create("cat", options=SYSTEMD)
    result = scope.run("true", options=SYSTEMD)
    assert result.status == 125
    assert "StartTransientUnit" in result.stderr
    assert created.finish().status == 0
