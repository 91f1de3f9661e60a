# SPDX-License-Identifier: Apache-2.0
"""`cay run`: devices, namespaces and limits, as the container and its cgroup see them."""

import json
import os
import pathlib
import stat
import tarfile

import pytest
from harness.cdi import alone

CGROUPS = pathlib.Path("/sys/fs/cgroup")
HAS_V1_MEMORY = (CGROUPS / "memory").is_dir()
HAS_REALTIME_GROUPS = (CGROUPS / "cpu" / "cpu.rt_runtime_us").exists()


@pytest.fixture
def run(cay, image, no_leaks):
    """run(*options, *command after the image) with --rm; the image stands where None is."""
    def call(*words, **options):
        words = [image if word is None else word for word in words]
        return cay("run", "--rm", *words, **options)
    return call


@pytest.fixture
def donor(cay, image, no_leaks):
    """donor(name, *options): a container, its first process a shell, until the test ends."""
    names = []

    def call(name, *options, script="cat; true"):
        names.append(name)
        cay.ok("run", "-d", "-i", "--name", name, *options, image, "sh", "-c", script)
        return name

    yield call
    for name in names:
        cay("rm", "-f", name)


def output(result):
    assert result.returncode == 0, str(result)
    return result.stdout


def refused(result, *complaints):
    assert result.returncode == 125 and result.stdout == "", str(result)
    for complaint in complaints:
        assert complaint in result.stderr, str(result)


def config(cay, name):
    (container,) = json.loads(cay.ok("inspect", name))
    directory = cay.state.directory / "containers" / container["Id"]
    return json.loads((directory / "config.json").read_bytes())


def own(kind):
    return os.readlink(f"/proc/self/ns/{kind}")


# --- limits ---

# What is asked for -> (v1 file, content), (v2 file, content); None: there is no such thing.
LIMITS = {
    ("--cpu-period", "50000"): (("cpu/cpu.cfs_period_us", "50000"), None),
    ("--cpu-quota", "25000"): (("cpu/cpu.cfs_quota_us", "25000"), ("cpu.max", "25000 50000")),
    ("--cpu-shares", "512"): (("cpu/cpu.shares", "512"), None),
    ("--cpuset-cpus", "0"): (("cpuset/cpuset.cpus", "0"), ("cpuset.cpus", "0")),
    ("--cpuset-mems", "0"): (("cpuset/cpuset.mems", "0"), ("cpuset.mems", "0")),
    ("--memory", "64m"): (("memory/memory.limit_in_bytes", "67108864"),
                          ("memory.max", "67108864")),
    ("--memory-reservation", "32m"): (("memory/memory.soft_limit_in_bytes", "33554432"),
                                      ("memory.low", "33554432")),
    ("--memory-swap", "96m"): (("memory/memory.memsw.limit_in_bytes", "100663296"),
                               ("memory.swap.max", "33554432")),
    ("--blkio-weight", "300"): (("blkio/blkio.bfq.weight", "300"), ("io.bfq.weight", "300")),
}


def test_limits_reach_the_cgroup(run):
    checks = [check for check in (limit[0 if HAS_V1_MEMORY else 1] for limit in LIMITS.values())
              if check and (HAS_V1_MEMORY or "weight" not in check[0])]
    script = "cd /sys/fs/cgroup; for file; do echo $file=$(cat $file); done"
    text = output(run(*(word for option in LIMITS for word in option), None, "sh", "-c", script,
                      "sh", *(file for file, _ in checks)))
    assert dict(line.split("=", 1) for line in text.splitlines()) == dict(checks)


@pytest.mark.skipif(not HAS_V1_MEMORY, reason="only v1 has them")
def test_swappiness_and_the_oom_killer_are_for_v1_to_set(run):
    text = output(run("--memory-swappiness", "7", "--oom-kill-disable", "-m", "64m", None, "sh",
                      "-c", "cd /sys/fs/cgroup/memory; cat memory.swappiness memory.oom_control"))
    assert text.splitlines()[:2] == ["7", "oom_kill_disable 1"]


def test_a_container_that_can_use_up_all_memory_is_warned_of(cay, image, no_leaks):
    result = cay("create", "--oom-kill-disable", image, "true")
    assert result.returncode == 0 and "'--oom-kill-disable' without '--memory'" in result.stderr


def test_real_time_limits_are_set_or_refused(run):
    result = run("--cpu-rt-period", "900000", "--cpu-rt-runtime", "1000", None, "sh", "-c",
                 "cat /sys/fs/cgroup/cpu/cpu.rt_period_us /sys/fs/cgroup/cpu/cpu.rt_runtime_us")
    if HAS_REALTIME_GROUPS and result.returncode == 0:
        assert result.stdout == "900000\n1000\n"
    else:
        assert result.returncode == 125, str(result)
        assert "rt_" in result.stderr or "realtimePeriod" in result.stderr


def test_the_oom_score(run):
    assert output(run("--oom-score-adj", "321", None, "cat", "/proc/self/oom_score_adj")) == "321\n"


def block_device():
    """(path, "major:minor") of a disk that the kernel lets be throttled."""
    for disk in sorted(pathlib.Path("/sys/block").iterdir(), reverse=True):
        path = pathlib.Path("/dev") / disk.name
        if path.is_block_device():
            return str(path), (disk / "dev").read_text(encoding="ascii").strip()
    return pytest.skip("no block device is here")


def test_rates_of_a_block_device(run):
    path, number = block_device()
    script = ("cd /sys/fs/cgroup; cat io.max 2>/dev/null || for what in read_bps write_bps "
              "read_iops write_iops; do cat blkio/blkio.throttle.${what}_device; done")
    text = output(run("--device-read-bps", f"{path}:1mb", "--device-write-bps", f"{path}:2mb",
                      "--device-read-iops", f"{path}:300", "--device-write-iops", f"{path}:400",
                      None, "sh", "-c", script))
    assert text.split() in (
        [number, "1048576", number, "2097152", number, "300", number, "400"],
        [number, "rbps=1048576", "wbps=2097152", "riops=300", "wiops=400"])


@pytest.mark.parametrize("options, complaint", [
    (["--blkio-weight", "9"], "blkio weight of 9 is not from 10 to 1000"),
    (["--blkio-weight-device", "/dev/x:5"], "weight of 5 is not from 10 to 1000"),
    (["--blkio-weight-device", "x:50"], "write it as DEVICE:VALUE"),
    (["--device-read-bps", "/dev/x:fast"], "'fast' is no rate"),
    (["--device-read-iops", "/dev/x:1.5"], "'1.5' is no rate"),
    (["--device-read-iops", "/dev/x:0"], "'0' is no rate"),
    (["--device-write-bps", "/dev/null:1mb"], "'/dev/null' is not a block device"),
    (["--cpu-period", "10"], "CPU period of 10 microseconds is not from 1000 to 1000000"),
    (["--cpu-quota", "10"], "CPU quota of 10 microseconds is below 1000"),
    (["--cpus", "1", "--cpu-quota", "5000"], "conflicting options: '--cpus'"),
    (["--cpu-rt-period", "10", "--cpu-rt-runtime", "20"], "the real-time runtime"),
    (["--cpuset-mems", "x"], "invalid list of memory nodes 'x'"),
    (["--memory-reservation", "1m"], "the minimum is 6MB"),
    (["-m", "16m", "--memory-reservation", "32m"], "cannot be above the memory limit"),
    (["--memory-swap", "32m"], "needs a memory limit"),
    (["--memory-swappiness", "101"], "memory swappiness of 101 is not from 0 to 100"),
    (["--oom-score-adj", "1001"], "OOM score adjustment of 1001 is not from -1000 to 1000"),
    (["--device", "relative"], "device 'relative' is not an absolute path"),
    (["--device", "/dev/null:/dev/x:rx"], "device permissions 'rx' are not of 'rwm'"),
    (["--device", "/dev/no-such-device"], "device '/dev/no-such-device': No such file"),
    (["--device", "/etc/passwd"], "device '/etc/passwd' is not a device node"),
    (["--device-cgroup-rule", "c 1:3"], "invalid device cgroup rule 'c 1:3'"),
    (["--pid", "private"], "invalid mode 'private' for '--pid'"),
    (["--pid", "container:"], "invalid mode 'container:' for '--pid'"),
    (["--ipc", "shared"], "there is 'host', 'private', 'shareable', 'none', "
     "'container:NAME'"),
    (["--uts", "private"], "invalid mode 'private' for '--uts'"),
    (["--cgroupns", "container:x"], "invalid mode 'container:x' for '--cgroupns'"),
    (["--userns", "remap"], "unknown user namespace 'remap', use one of auto[:size=N] host"),
    (["--uts", "host", "-h", "x"], "conflicting options: a hostname and the host's uts namespace"),
    (["--cgroup-parent", "/a/../b"], "invalid cgroup parent '/a/../b'"),
    (["--annotation", "name"], "write it as NAME=VALUE"),
    (["--expose", "80/icmp"], "write it as PORT[-PORT][/tcp|udp|sctp]"),
    (["--expose", "90-80"], "write it as PORT[-PORT][/tcp|udp|sctp]"),
    (["--expose", "65536"], "write it as PORT[-PORT][/tcp|udp|sctp]"),
    (["--restart", "sometimes"], "unknown restart policy 'sometimes'"),
    (["--restart", "always:3"], "restart policy 'always' has no maximum"),
    (["--restart", "on-failure:x"], "the maximum 'x' is not a whole number"),
    (["--restart", "on-failure:-1"], "the maximum number of restarts is negative"),
    (["--restart", "always"], "conflicting options: a restart policy and '--rm'"),
    (["--runtime", "/no/such/runtime"], "name an OCI runtime by its path"),
    (["--runtime", "no-such-runtime"], "name an OCI runtime by its path"),
    (["-a", "stdio"], "use 'stdin', 'stdout' or 'stderr'"),
    (["-d", "-a", "stdout"], "'--detach' and '--attach' contradict each other"),
    (["--gpus", "all"], "'--gpus' is not supported by this version: name a CDI device"),
    (["--kernel-memory", "16m"], "'--kernel-memory' is not supported by this version"),
    (["--link", "x"], "none type networking can't be used with links"),
])
def test_what_cannot_be_is_refused_by_name(run, options, complaint):
    refused(run(*options, None, "true"), complaint)


# --- devices ---

KMSG = os.makedev(1, 11)


@pytest.fixture
def nodes(tmp_path):
    """A directory with device nodes of the host."""
    os.mknod(tmp_path / "log", stat.S_IFCHR | 0o640, KMSG)
    (tmp_path / "below").mkdir()
    os.mknod(tmp_path / "below" / "fuse", stat.S_IFCHR | 0o600, os.makedev(10, 229))
    return tmp_path


def test_a_device_is_there_with_the_permissions_that_were_given(run, nodes):
    script = ("stat -c '%F %t:%T %a' /dev/kernel; : > /dev/kernel && echo written; "
              "true < /dev/kernel || true; mknod /made c 1 11; : > /made && echo made")
    result = run("--device", f"{nodes}/log:/dev/kernel:w", None, "sh", "-c", script)
    assert result.stdout.splitlines() == ["character special file 1:b 640", "written", "made"]
    assert "/dev/kernel: Operation not permitted" in result.stderr


def test_a_directory_s_devices_are_all_there(run, nodes):
    text = output(run("--device", f"{nodes}:/dev/all", None, "sh", "-c",
                      "cd /dev/all; stat -c '%n %t:%T' log below/fuse; : > log && echo written"))
    assert text.splitlines() == ["log 1:b", "below/fuse a:e5", "written"]


def test_what_was_not_given_cannot_be_opened_and_a_rule_lets_it(run):
    script = "mknod /made c 1 11 && : > /made && echo written"
    result = run(None, "sh", "-c", script)
    assert result.returncode != 0 and "/made: Operation not permitted" in result.stderr
    for rule in ("c 1:11 w", "c *:* rwm", "a *:* rwm"):
        assert output(run("--device-cgroup-rule", rule, None, "sh", "-c", script)) == "written\n"


# --- devices of vendors (CDI) ---

VENDOR = f"cay-test-{os.getpid()}.example"


@pytest.fixture
def cdi():
    """cdi(text, directory): writes a specification, which goes with the test."""
    written = []

    def call(text, directory="/var/run/cdi", name="cay-test.yaml", mode=0o644):
        directory = pathlib.Path(directory)
        if not directory.exists():
            directory.mkdir()
            written.append(directory)
        path = directory / f"{os.getpid()}-{name}"
        path.write_text(text, encoding="utf-8")
        path.chmod(mode)
        written.append(path)
        return path

    with alone():
        yield call
        for path in reversed(written):
            if path.is_dir():
                path.rmdir()
            else:
                path.unlink(missing_ok=True)


def specification(devices, version="0.7.0", **more):
    """JSON is YAML, too."""
    return json.dumps({"cdiVersion": version, "kind": f"{VENDOR}/thing", "devices": [
        {"name": name, "containerEdits": edits} for name, edits in devices.items()], **more})


def test_a_vendor_s_device_brings_all_that_it_needs(cay, run, cdi, nodes):
    (nodes / "library").write_text("theirs\n", encoding="ascii")
    cdi(f"""
cdiVersion: 0.7.0
kind: {VENDOR}/thing
containerEdits:
  env: [THING_DRIVER=1.2]
devices:
- name: one
  containerEdits:
    env:
    - THING=one
    deviceNodes:
    - path: /dev/thing
      hostPath: {nodes}/log
      fileMode: 0620
      permissions: w
    mounts:
    - hostPath: {nodes}/library
      containerPath: /usr/lib/thing
      options: [ro, nosuid]
    additionalGids: [4242]
""")
    script = ("echo $THING_DRIVER $THING; id -G; stat -c '%t:%T %a %u' /dev/thing; "
              ": > /dev/thing && echo written; cat /usr/lib/thing; : > /usr/lib/thing")
    result = run("-u", "1000:1000", "-e", "THING=mine", "--device", f"{VENDOR}/thing=one", None,
                 "sh", "-c", script)
    assert result.stdout.splitlines() == ["1.2 one", "1000 4242", "1:b 620 1000", "written",
                                          "theirs"]
    assert "/usr/lib/thing: Read-only file system" in result.stderr


def test_a_vendor_s_device_is_looked_up_at_each_start(cay, image, no_leaks, cdi):
    path = cdi(specification({"one": {"env": ["THING=first"]}}), name="thing.json")
    cay.ok("create", "--name", "box", "--device", f"{VENDOR}/thing=one", image, "sh", "-c",
           "echo $THING")
    (container,) = json.loads(cay.ok("inspect", "box"))
    (request,) = container["HostConfig"]["DeviceRequests"]
    assert (request["Driver"], request["DeviceIDs"]) == ("cdi", [f"{VENDOR}/thing=one"])
    path.write_text(specification({"one": {"env": ["THING=second"]}}), encoding="ascii")
    assert cay.ok("start", "-a", "box") == "second"
    path.write_text(specification({"two": {"env": ["THING=second"]}}), encoding="ascii")
    result = cay("start", "-a", "box")
    assert result.returncode != 0 and f"no CDI device '{VENDOR}/thing=one'" in result.stderr


def test_a_vendor_s_hooks_see_the_root_and_the_state(cay, image, no_leaks, cdi, tmp_path):
    hook = tmp_path / "hook"
    hook.write_text(f"#!/bin/sh\ncat > {tmp_path}/state\n"
                    f"cd {cay.state.directory}/containers/*/rootfs && echo $1 > from-hook\n",
                    encoding="ascii")
    hook.chmod(0o755)
    cdi(specification({"one": {"hooks": [
        {"hookName": "createContainer", "path": str(hook), "args": ["hook", "said"]}]}}))
    cay.ok("create", "--name", "box", "--device", f"{VENDOR}/thing=one", image, "cat",
           "/from-hook")
    for _ in range(2):
        assert cay.ok("start", "-a", "box") == "said"
    (container,) = json.loads(cay.ok("inspect", "box"))
    state = json.loads((tmp_path / "state").read_bytes())
    assert state["id"] == container["Id"] and state["bundle"].endswith(container["Id"])


@pytest.mark.parametrize("edits, complaint", [
    ({"hooks": [{"hookName": "poststop", "path": "/bin/true"}]}, "hook 'poststop' is not support"),
    ({"intelRdt": {"closID": "x"}}, "'intelRdt' is not supported"),
    ({"deviceNodes": [{"path": "/dev/no-such-device"}]}, "'/dev/no-such-device': No such file"),
    ({"mounts": [{"hostPath": "/no/such", "containerPath": "/x"}]}, "'/no/such': No such file"),
    ({"mount": []}, "devices[0].containerEdits.mount: there is no such member"),
])
def test_what_a_vendor_wants_and_cannot_have_is_named(run, cdi, edits, complaint):
    cdi(specification({"one": edits}))
    refused(run("--device", f"{VENDOR}/thing=one", None, "true"), complaint, VENDOR)


def test_of_two_directories_the_later_wins_and_of_two_files_none(run, cdi):
    cdi(specification({"one": {"env": ["THING=etc"]}}), "/etc/cdi")
    words = ["--device", f"{VENDOR}/thing=one", None, "sh", "-c", "echo $THING"]
    assert output(run(*words)) == "etc\n"
    cdi(specification({"one": {"env": ["THING=run"]}}))
    assert output(run(*words)) == "run\n"
    cdi(specification({"one": {"env": ["THING=other"]}}), name="other.yaml")
    refused(run(*words), f"'{VENDOR}/thing=one' is both in")


def test_what_anybody_may_write_is_no_specification(run, cdi):
    cdi(specification({"one": {"env": ["THING=1"]}}), mode=0o666)
    refused(run("--device", f"{VENDOR}/thing=one", None, "true"), "anybody may write it")
    refused(run("--device", f"{VENDOR}=one", None, "true"), "write it as 'vendor.com/class=name'")


# --- namespaces ---

@pytest.mark.parametrize("option, kind", [
    ("--pid", "pid"), ("--ipc", "ipc"), ("--uts", "uts"), ("--cgroupns", "cgroup"),
])
def test_the_host_s_namespaces(run, option, kind):
    assert output(run(option, "host", None, "readlink", f"/proc/self/ns/{kind}")).strip() == \
        own(kind)


def test_the_host_s_processes_and_names_and_shared_memory(run):
    shared = pathlib.Path(f"/dev/shm/cay-test-{os.getpid()}")
    shared.write_text("host's\n", encoding="ascii")
    try:
        text = output(run("--pid", "host", "--uts", "host", "--ipc", "host", "--userns", "host",
                          None, "sh", "-c", f"cat /proc/{os.getpid()}/comm {shared}; hostname"))
    finally:
        shared.unlink()
    comm = pathlib.Path("/proc/self/comm").read_text(encoding="ascii")
    assert text == f"{comm}host's\n{os.uname().nodename}\n"


def test_without_ipc_there_is_no_shared_memory(run):
    text = output(run("--ipc", "none", None, "sh", "-c",
                      "readlink /proc/self/ns/ipc; grep -c /dev/shm /proc/mounts || true"))
    namespace, mounts = text.split()
    assert namespace != own("ipc") and mounts == "0"


def test_processes_and_shared_memory_of_another_container(cay, run, donor, image):
    donor("donor", "--ipc", "shareable", script="echo theirs > /dev/shm/file; cat; true")
    (theirs,) = json.loads(cay.ok("inspect", "donor"))
    pid = theirs["State"]["Pid"]
    expected = [os.readlink(f"/proc/{pid}/ns/{kind}") for kind in ("pid", "ipc")]
    text = output(run("--pid", "container:donor", "--ipc", f"container:{theirs['Id'][:12]}", None,
                      "sh", "-c", "readlink /proc/self/ns/pid; readlink /proc/self/ns/ipc; "
                      "cat /proc/1/comm; until cat /dev/shm/file; do true; done 2>/dev/null; "
                      "echo ours > /dev/shm/file"))
    assert text.splitlines() == [*expected, "sh", "theirs"]
    assert cay.ok("exec", "donor", "cat", "/dev/shm/file") == "ours"


def test_only_what_runs_and_shares_can_be_joined(cay, run, donor, image):
    donor("private")
    cay.ok("create", "--name", "stopped", image, "true")
    refused(run("--ipc", "container:private", None, "true"),
            "'private' does not share its ipc namespace", "--ipc shareable")
    refused(run("--pid", "container:stopped", None, "true"), "'stopped'", "not running")
    refused(run("--pid", "container:nobody", None, "true"), "no such container: 'nobody'")


def test_a_container_finds_the_other_one_anew_at_each_start(cay, donor, image):
    donor("donor")
    cay.ok("create", "--name", "guest", "--pid", "container:donor", image, "cat", "/proc/1/comm")
    assert cay.ok("start", "-a", "guest") == "sh"
    cay.ok("stop", "-t", "0", "donor")
    result = cay("start", "-a", "guest")
    assert result.returncode != 0 and "'donor'" in result.stderr and "not running" in result.stderr
    cay.ok("start", "donor")
    assert cay.ok("start", "-a", "guest") == "sh"


def test_a_restart_without_the_other_one_is_tried_and_joins_nothing_else(cay, donor):
    donor("donor")
    donor("guest", "--restart", "always", "--pid", "container:donor")
    cay.ok("stop", "-t", "0", "donor")
    state = {"RestartCount": 0}
    while state["RestartCount"] < 2:
        (state,) = json.loads(cay.ok("inspect", "guest"))
    assert state["State"]["Restarting"] and state["State"]["Pid"] == 0
    assert state["State"]["ExitCode"] == 128
    assert "Restarting (128)" in cay.ok("ps", "--format", "{{.Names}} {{.Status}}")
    cay.ok("stop", "guest")
    (state,) = json.loads(cay.ok("inspect", "guest"))
    assert state["State"]["Status"] == "exited"


def test_the_domain_s_name(run):
    assert output(run("--domainname", "example.org", None, "cat",
                      "/proc/sys/kernel/domainname")) == "example.org\n"


def test_a_cgroup_below_another_one(run):
    parent = f"caytest-parent-{os.getpid()}-cli"  # no watch of another test is for it
    text = output(run("--cgroupns", "host", "--cgroup-parent", f"/{parent}", None, "cat",
                      "/proc/self/cgroup"))
    try:
        paths = {line.split(":", 2)[2] for line in text.splitlines()
                 if line.split(":", 2)[1] != "name=systemd"}
        assert any(f"/{parent}/cay-" in path for path in paths), text
    finally:
        for left in [*CGROUPS.glob(f"*/{parent}"), *CGROUPS.glob(parent)]:
            left.rmdir()


# --- what others are told ---

def test_ports_and_annotations_are_told(cay, no_leaks, state):
    archive = state.directory.parent / f"{state.directory.name}-root.tar"
    tarfile.open(archive, "w").close()
    cay.ok("import", "-c", "EXPOSE 443", "-c", "EXPOSE 53/udp", archive, "with-ports")
    archive.unlink()
    cay.ok("create", "--name", "server", "--expose", "443", "--expose", "8000-8002/tcp",
           "--annotation", "com.example/owner=me", "with-ports", "true")
    (container,) = json.loads(cay.ok("inspect", "server"))
    assert sorted(container["Config"]["ExposedPorts"]) == \
        ["443/tcp", "53/udp", "8000/tcp", "8001/tcp", "8002/tcp"]
    assert container["HostConfig"]["Annotations"] == {"com.example/owner": "me"}
    assert config(cay, "server")["annotations"]["com.example/owner"] == "me"


@pytest.mark.parametrize("policy, name, maximum", [
    ("no", "no", 0), ("always", "always", 0), ("unless-stopped", "unless-stopped", 0),
    ("on-failure", "on-failure", 0), ("on-failure:3", "on-failure", 3),
    ("unhealthy:2", "unhealthy", 2),
])
def test_restart_policies(cay, image, no_leaks, policy, name, maximum):
    cay.ok("create", "--name", "box", "--restart", policy, image, "true")
    (container,) = json.loads(cay.ok("inspect", "box"))
    assert container["HostConfig"]["RestartPolicy"] == {"Name": name, "MaximumRetryCount": maximum}


def test_only_the_streams_that_were_asked_for_are_attached(run):
    result = run("-a", "stdout", None, "sh", "-c", "echo out; echo err >&2")
    assert (result.returncode, result.stdout, result.stderr) == (0, "out\n", "")
    result = run("-a", "stderr", "-a", "stdin", None, "sh", "-c", "cat >&2; echo out",
                 input="given\n")
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "given\n")
