# SPDX-License-Identifier: Apache-2.0
"""Cgroups on this machine's own hierarchies: limits as the kernel has them, seen from inside and
from outside, and what another process than the maker does with them."""

import os
import pathlib
import subprocess

import pytest

from harness import leaks


@pytest.fixture(scope="session")
def cgroup_run(build):
    def run(*arguments, check=True, env=None):
        done = subprocess.run([build / "tests/runtime/cgroup-run", *map(str, arguments)],
                              capture_output=True, text=True, timeout=60, check=False,
                              env=env or dict(os.environ, ASAN_OPTIONS="detect_leaks=0"))
        assert not check or done.returncode == 0, done
        return done.stdout if check else done.stderr

    return run


UNIFIED = pathlib.Path("/sys/fs/cgroup")


def hierarchy_v1(controller):
    """Where v1 has the controller, or None."""
    for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines():
        fields, kind, options = line.split(" ")[4], *line.split(" - ")[1].split(" ")[::2]
        if kind == "cgroup" and controller in options.split(",") and "/srv/" not in fields:
            return pathlib.Path(fields)
    return None


def hierarchy(controller):
    """Where the controller is: without v1, v2 has them all."""
    return hierarchy_v1(controller) or UNIFIED


HAS_V1 = hierarchy_v1("memory") is not None


def read_outside(created, controller, file):
    return (hierarchy(controller) / created.cgroup.lstrip("/") / file).read_text().strip()


MEBIBYTE = 1 << 20
# What is asked for, and the controller, file and text that it becomes in v1 and in v2.
LIMITS = [
    ({"memory": {"limit": 64 * MEBIBYTE}},
     ("memory", "memory.limit_in_bytes", 64 * MEBIBYTE), ("memory.max", 64 * MEBIBYTE)),
    ({"memory": {"limit": 64 * MEBIBYTE, "swap": 96 * MEBIBYTE}},
     ("memory", "memory.memsw.limit_in_bytes", 96 * MEBIBYTE), ("memory.swap.max", 32 * MEBIBYTE)),
    ({"memory": {"reservation": 32 * MEBIBYTE}},
     ("memory", "memory.soft_limit_in_bytes", 32 * MEBIBYTE), ("memory.low", 32 * MEBIBYTE)),
    ({"memory": {"kernelTCP": 4 * MEBIBYTE}},
     ("memory", "memory.kmem.tcp.limit_in_bytes", 4 * MEBIBYTE), "memory.kernelTCP"),
    ({"memory": {"swappiness": 17}}, ("memory", "memory.swappiness", 17), "memory.swappiness"),
    ({"memory": {"useHierarchy": True}},
     ("memory", "memory.use_hierarchy", 1), ("memory.max", "max")),
    ({"cpu": {"shares": 512}}, ("cpu", "cpu.shares", 512), ("cpu.weight", 59)),
    ({"cpu": {"quota": 50000}},
     ("cpu", "cpu.cfs_quota_us", 50000), ("cpu.max", "50000 100000")),
    ({"cpu": {"period": 200000}},
     ("cpu", "cpu.cfs_period_us", 200000), ("cpu.max", "max 200000")),
    ({"cpu": {"quota": 50000, "burst": 10000}},
     ("cpu", "cpu.cfs_burst_us", 10000), ("cpu.max.burst", 10000)),
    ({"cpu": {"idle": 1}}, ("cpu", "cpu.idle", 1), ("cpu.idle", 1)),
    ({"cpu": {"cpus": "0"}}, ("cpuset", "cpuset.cpus", 0), ("cpuset.cpus", 0)),
    ({"cpu": {"mems": "0"}}, ("cpuset", "cpuset.mems", 0), ("cpuset.mems", 0)),
    ({"pids": {"limit": 321}}, ("pids", "pids.max", 321), ("pids.max", 321)),
    ({"blockIO": {"weight": 300}},
     ("blkio", "blkio.bfq.weight", 300), ("io.weight", "default 2930")),
]


@pytest.mark.vm_core
@pytest.mark.parametrize("resources, v1, v2", LIMITS, ids=[v1[1] for _, v1, _ in LIMITS])
def test_a_limit_is_what_the_container_and_the_host_read(bundle, resources, v1, v2):
    bundle.linux["resources"].update(resources)
    if not HAS_V1 and isinstance(v2, str):
        assert bundle.run("true").stderr.startswith(f"unsupported: limit '{v2}': ")
        return
    controller, file, value = v1 if HAS_V1 else ("", *v2)
    directory = f"/sys/fs/cgroup/{hierarchy(controller).name}" if HAS_V1 else "/sys/fs/cgroup"
    created = bundle.create("cat", f"{directory}/{file}")
    assert read_outside(created, controller, file) == str(value)
    assert created.finish().stdout == f"{value}\n"


def test_real_time_comes_from_what_the_cgroup_above_has(bundle):
    """The root has some; one below another takes it from there, and that one has none. v2 has
    none at all."""
    bundle.linux["resources"]["cpu"] = {"realtimeRuntime": 1000, "realtimePeriod": 500000}
    result = bundle.run("true")
    assert result.status == 125
    assert f"limit 'cpu.realtime{'Runtime' if HAS_V1 else 'Period'}'" in result.stderr
    if not HAS_V1:
        return
    bundle.linux["cgroupsPath"] = bundle.linux["cgroupsPath"].replace("/caytest/", "/caytest-rt-")
    created = bundle.create("true")
    assert read_outside(created, "cpu", "cpu.rt_runtime_us") == "1000"
    assert read_outside(created, "cpu", "cpu.rt_period_us") == "500000"
    assert created.finish().status == 0


def test_a_container_is_in_its_cgroup_in_every_hierarchy(bundle):
    bundle.remove_namespace("cgroup")
    lines = bundle.shell("cat /proc/self/cgroup").splitlines()
    assert len(lines) == len(pathlib.Path("/proc/self/cgroup").read_text().splitlines())
    assert {line.split(":", 2)[2] for line in lines} == {bundle.linux["cgroupsPath"]}


@pytest.mark.parametrize("field, v1, v2", [("throttleReadBpsDevice", "read_bps_device", "rbps"),
                                           ("throttleWriteBpsDevice", "write_bps_device", "wbps"),
                                           ("throttleReadIOPSDevice", "read_iops_device", "riops"),
                                           ("throttleWriteIOPSDevice", "write_iops_device",
                                            "wiops")])
def test_devices_are_throttled(bundle, field, v1, v2):
    device = next(path for path in sorted(pathlib.Path("/sys/block").iterdir()))
    number = (device / "dev").read_text().strip()
    major, minor = map(int, number.split(":"))
    bundle.linux["resources"]["blockIO"] = {
        field: [{"major": major, "minor": minor, "rate": 1048576}]}
    created = bundle.create("true")
    file = f"blkio.throttle.{v1}" if HAS_V1 else "io.max"
    expected = {"rbps": "max", "wbps": "max", "riops": "max", "wiops": "max", v2: "1048576"}
    rates = " ".join(f"{name}={rate}" for name, rate in expected.items())
    assert read_outside(created, "blkio", file) == f"{number} {'1048576' if HAS_V1 else rates}"
    assert created.finish().status == 0


REFUSED = [
    ({"memory": {"kernel": 16 * MEBIBYTE}}, "memory.kernel"),
    ({"memory": {"useHierarchy": False}}, "memory.useHierarchy"),
    ({"blockIO": {"leafWeight": 100}}, "blockIO.leafWeight"),
    ({"network": {"classID": 1}}, "network.classID"),
    ({"network": {"priorities": [{"name": "lo", "priority": 1}]}}, "network.priorities"),
    ({"rdma": {"mlx5_1": {"hcaHandles": 3}}}, "rdma"),
    ({"unified": {"memory.nothing": "1"}}, "unified.memory.nothing"),
    ({"hugepageLimits": [{"pageSize": "3MB", "limit": 6 * MEBIBYTE}]}, "hugepageLimits"),
    ({"blockIO": {"throttleReadBpsDevice": [{"major": 999, "minor": 9, "rate": 1}]}},
     "blockIO.throttleReadBpsDevice"),
]


@pytest.mark.parametrize("resources, field", REFUSED, ids=[field for _, field in REFUSED])
def test_what_this_machine_cannot_limit_is_an_error_that_names_it(bundle, resources, field):
    bundle.linux["resources"].update(resources)
    result = bundle.run("true")
    assert result.status == 125
    assert f"limit '{field}'" in result.stderr


def test_unified_names_files_of_v2(bundle):
    bundle.linux["resources"]["unified"] = {"memory.high": str(64 * MEBIBYTE)}
    if HAS_V1:
        assert "limit 'unified.memory.high'" in bundle.run("true").stderr
    else:
        assert bundle.shell("cat /sys/fs/cgroup/memory.high") == f"{64 * MEBIBYTE}\n"


def test_huge_pages_are_limited_where_the_machine_counts_them(bundle):
    """Also on the v2 hierarchy of a hybrid host, which may have hugetlb and nothing else."""
    controllers = "".join(path.read_text() for path in
                          UNIFIED.glob("unified/cgroup.controllers" if HAS_V1
                                       else "cgroup.controllers"))
    bundle.linux["resources"]["hugepageLimits"] = [{"pageSize": "2MB", "limit": 4 * MEBIBYTE}]
    pattern = "/sys/fs/cgroup/*/" if HAS_V1 else "/sys/fs/cgroup/"
    result = bundle.run("sh", "-c", f"cat {pattern}hugetlb.2MB.rsvd.*max*")
    if "hugetlb" in controllers or hierarchy_v1("hugetlb"):
        assert result.stdout.splitlines()[-1] == str(4 * MEBIBYTE)
    else:
        assert "limit 'hugepageLimits'" in result.stderr


def test_a_relative_path_is_below_the_root(bundle):
    bundle.linux["cgroupsPath"] = bundle.linux["cgroupsPath"].lstrip("/")
    created = bundle.create("true")
    assert "/" + bundle.linux["cgroupsPath"] in created.path("cgroup").read_text()
    assert created.finish().status == 0


def test_a_parent_that_the_engine_made_is_kept(bundle):
    parent = hierarchy("pids") / f"caytest-parent-{os.getpid()}"
    parent.mkdir()
    bundle.linux["cgroupsPath"] = f"/{parent.name}/box"
    try:
        assert bundle.run("true").status == 0
        assert parent.exists()
        assert not HAS_V1 or not (hierarchy("memory") / parent.name).exists()
    finally:
        parent.rmdir()


@pytest.fixture
def running(bundle):
    """A container that answers each line with one, and its pid as the host has it."""
    created = bundle.create("sh", "-c", "while read line; do echo $line; done")
    created.start()

    def ask(text):
        created.process.stdin.write(f"{text}\n".encode())
        created.process.stdin.flush()
        return created.process.stdout.readline().decode().strip()

    created.ask = ask
    assert ask("ready") == "ready"
    yield created
    created.wait()


def test_another_process_lists_freezes_and_thaws(running, cgroup_run):
    assert cgroup_run("show", running.cgroup) == f"thawed\n{running.pid}\n"
    cgroup_run("freeze", running.cgroup)
    assert cgroup_run("show", running.cgroup) == f"frozen\n{running.pid}\n"
    cgroup_run("thaw", running.cgroup)
    assert cgroup_run("show", running.cgroup) == f"thawed\n{running.pid}\n"
    assert running.ask("still here") == "still here"


def test_another_process_kills_what_is_frozen(running, cgroup_run):
    cgroup_run("freeze", running.cgroup)
    cgroup_run("kill", running.cgroup)
    assert running.process.wait(30) == 137


def test_another_process_reads_what_was_used(bundle, running, cgroup_run):
    numbers = dict(line.split() for line in cgroup_run("stats", running.cgroup).splitlines())
    assert int(numbers["cpu"]) > 0
    assert numbers["pids"] == "1"
    assert int(numbers["memory"]) > 0


def test_another_process_updates_and_leaves_what_is_not_named(bundle, running, cgroup_run):
    bundle.linux["resources"] = {"pids": {"limit": 55}, "cpu": {"quota": 40000}}
    bundle.write_config(())
    cgroup_run("update", running.cgroup, bundle.directory)
    bundle.linux["resources"] = {"memory": {"limit": 96 * MEBIBYTE}, "cpu": {"period": 50000}}
    bundle.write_config(())
    cgroup_run("update", running.cgroup, bundle.directory)
    assert read_outside(running, "pids", "pids.max") == "55"
    if HAS_V1:
        assert read_outside(running, "cpu", "cpu.cfs_quota_us") == "40000"
        assert read_outside(running, "cpu", "cpu.cfs_period_us") == "50000"
    else:
        assert read_outside(running, "cpu", "cpu.max") == "40000 50000"
    limit = "memory.limit_in_bytes" if HAS_V1 else "memory.max"
    assert read_outside(running, "memory", limit) == str(96 * MEBIBYTE)


def test_a_process_joins_where_another_is(running, cgroup_run):
    lines = cgroup_run("join", running.cgroup, running.pid).splitlines()
    assert {line.split(":", 2)[2] for line in lines} == {running.cgroup}


def test_what_is_not_there_cannot_be_opened(cgroup_run):
    assert cgroup_run("show", "/caytest-nothing", check=False).startswith("not-found: ")


@pytest.fixture
def systemd(bundle, worker_directory, numbers):
    """A stand-in for systemd; containers of the bundle are its units."""
    from harness.systemd import FakeSystemd

    number = next(numbers)
    directory = worker_directory / f"systemd-{number}"
    directory.mkdir()
    hierarchies = [path for path in leaks.hierarchies()
                   if os.path.basename(path) in ("unified", "systemd")] or leaks.hierarchies()
    fake = FakeSystemd(directory, f"/caytest-systemd-{os.getpid()}-{number}", hierarchies)
    bundle.linux["cgroupsPath"] = "machine.slice:cay:box"
    environment = bundle.environment
    bundle.environment = lambda: dict(environment(), DBUS_SYSTEM_BUS_ADDRESS=fake.address)
    yield fake
    bundle.linux["cgroupsPath"] = fake.slice_path
    fake.close()


UNIT = "cay-box.scope"


def test_systemd_makes_a_scope_with_what_was_asked_for(bundle, systemd):
    bundle.remove_namespace("cgroup")
    bundle.linux["resources"].update({
        "memory": {"limit": 64 * MEBIBYTE, "swap": 96 * MEBIBYTE},
        "cpu": {"shares": 1024, "quota": 50000, "period": 100000, "cpus": "0"},
        "pids": {"limit": 99}})
    places = {line.split(":", 2)[2] for line in
              bundle.shell("cat /proc/self/cgroup", options=("--systemd",)).splitlines()}
    assert places == {f"{systemd.slice_path}/{UNIT}"}

    properties = systemd.properties("StartTransientUnit", 2)
    expected = {"Slice": "machine.slice", "Delegate": 1, "DefaultDependencies": 0,
                "CollectMode": "inactive-or-failed", "MemoryMax": 64 * MEBIBYTE,
                "MemorySwapMax": 32 * MEBIBYTE, "CPUWeight": 100, "CPUQuotaPeriodUSec": 100000,
                "CPUQuotaPerSecUSec": 500000, "AllowedCPUs": [1], "TasksMax": 99,
                "DevicePolicy": "strict", "Description": "cay-oci container " + UNIT}
    assert {name: properties[name][0] for name in expected} == expected
    reset, allowed = properties["DeviceAllow"]
    assert reset == []
    assert {("/dev/char/1:3", "rwm"), ("char-pts", "rwm"), ("char-*", "m"),
            ("block-*", "m")} <= set(allowed)
    [(name, mode)] = systemd.called("StopUnit")
    assert (name, mode) == (UNIT, "replace")
    assert not systemd.units


def test_only_the_container_is_in_the_scope_once_it_was_created(bundle, systemd, cgroup_run):
    created = bundle.create("true", options=("--systemd",))
    assert cgroup_run("show", systemd.units[UNIT]) == f"thawed\n{created.pid}\n"
    assert created.finish().status == 0


def test_the_limits_of_a_scope_are_also_written_to_its_cgroup(bundle, systemd):
    bundle.linux["resources"]["pids"] = {"limit": 99}
    created = bundle.create("true", options=("--systemd",))
    path = hierarchy("pids") / systemd.units[UNIT].lstrip("/")
    assert (path / "pids.max").read_text() == "99\n"
    assert created.finish().status == 0
    assert not path.exists()


def test_the_end_of_a_job_may_come_before_its_name(bundle, systemd):
    systemd.job_first = True
    assert bundle.run("true", options=("--systemd",)).status == 0


def test_another_process_updates_and_removes_a_unit(bundle, systemd, cgroup_run):
    created = bundle.create("true", options=("--systemd",))
    path = systemd.units[UNIT]
    bundle.linux["resources"] = {"pids": {"limit": 12}, "memory": {"limit": -1}}
    bundle.write_config(())
    cgroup_run("--systemd", "update", path, bundle.directory, env=bundle.environment())
    [(name, runtime, properties)] = systemd.called("SetUnitProperties")
    assert (name, runtime) == (UNIT, 1)
    assert dict(properties) == {"TasksMax": 12, "MemoryMax": (1 << 64) - 1}
    assert (hierarchy("pids") / path.lstrip("/") / "pids.max").read_text() == "12\n"

    created.kill()
    cgroup_run("--systemd", "kill", path, env=bundle.environment())
    cgroup_run("--systemd", "remove", path, env=bundle.environment())
    assert len(systemd.called("StopUnit")) == 1
    assert not (hierarchy("pids") / path.lstrip("/")).exists()


def test_a_unit_that_is_gone_is_removed(bundle, systemd):
    systemd.failures["StopUnit"] = "org.freedesktop.systemd1.NoSuchUnit"
    assert bundle.run("true", options=("--systemd",)).status == 0
    systemd.units.clear()


@pytest.mark.parametrize("path, message", [
    ("/absolute", "is not 'slice:prefix:name'"),
    ("a.slice:b", "is not 'slice:prefix:name'"),
    ("a.slice:b:", "is not 'slice:prefix:name'"),
    ("notaslice:b:c", "is not the name of a slice"),
    ("a.slice:b:c/d", "is not the name of a unit"),
    ("a.slice:b:" + "c" * 300, "is not the name of a unit"),
])
def test_a_path_that_is_no_units_is_refused(bundle, systemd, path, message):
    bundle.linux["cgroupsPath"] = path
    result = bundle.run("true", options=("--systemd",))
    assert result.status == 125
    assert message in result.stderr
    assert not systemd.calls


def test_without_systemd_the_bus_that_is_missing_is_named(bundle, worker_directory):
    bundle.linux["cgroupsPath"] = ":cay:box"
    address = worker_directory / "no-bus"
    environment = bundle.environment
    bundle.environment = lambda: dict(environment(), DBUS_SYSTEM_BUS_ADDRESS=f"unix:path={address}")
    result = bundle.run("true", options=("--systemd",))
    assert (result.status, result.stderr) == (
        125, f"unavailable: systemd cgroup driver: no systemd bus at {address}\n")


@pytest.mark.parametrize("member", ["Hello", "AddMatch", "Subscribe", "StartTransientUnit",
                                    "GetUnit", "Get"])
def test_what_systemd_refuses_is_told_and_leaves_nothing(bundle, systemd, member):
    systemd.failures[member] = "org.freedesktop.DBus.Error.AccessDenied"
    result = bundle.run("true", options=("--systemd",))
    assert (result.status, result.stderr) == (
        125, f"denied: systemd cgroup driver: {member}: {member} failed\n")


def test_a_job_that_fails_is_an_error(bundle, systemd):
    systemd.job_result = "canceled"
    result = bundle.run("true", options=("--systemd",))
    assert "the job for 'cay-box.scope' ended as 'canceled'" in result.stderr
    assert result.status == 125


@pytest.mark.parametrize("garbage", [b"x" * 64, b"l\2\0\1" + b"\xff" * 60,
                                     b"l\2\0\1\0\0\0\0\1\0\0\0\10\0\0\0\5\3uuu\0\0\0"],
                         ids=["text", "endless", "of another type"])
def test_an_answer_that_is_none_is_an_error(bundle, systemd, garbage):
    systemd.garbage = garbage
    result = bundle.run("true", options=("--systemd",))
    assert result.status == 125
    assert "systemd cgroup driver: Hello at" in result.stderr


def test_a_bus_that_hangs_up_is_an_error(bundle, systemd):
    systemd.silent = True
    result = bundle.run("true", options=("--systemd",))
    assert result.status == 125
    assert "systemd cgroup driver: AddMatch at" in result.stderr
