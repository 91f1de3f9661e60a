# SPDX-License-Identifier: Apache-2.0
"""`cay inspect`: Docker's JSON, member for member, whatever the container is and does."""

import contextlib
import fcntl
import json
import os
import pathlib
import sqlite3

import pytest
from harness.cdi import alone

# Members and types of Docker's Engine API 1.51: b(oolean), i(nteger), s(tring), a(rray), o(bject).
# In brackets: members that are left out where they say nothing; null where Docker has it is "?".
RESPONSE = """
Id:s Created:s Path:s Args:a State:o Image:s ResolvConfPath:s HostnamePath:s HostsPath:s LogPath:s
Name:s RestartCount:i Driver:s Platform:s MountLabel:s ProcessLabel:s AppArmorProfile:s ExecIDs:a?
HostConfig:o GraphDriver:o [SizeRw:i] [SizeRootFs:i] Mounts:a Config:o NetworkSettings:o
"""
STATE = """
Status:s Running:b Paused:b Restarting:b OOMKilled:b Dead:b Pid:i ExitCode:i Error:s StartedAt:s
FinishedAt:s [Health:o]
"""
CONFIG = """
Hostname:s Domainname:s User:s AttachStdin:b AttachStdout:b AttachStderr:b [ExposedPorts:o] Tty:b
OpenStdin:b StdinOnce:b Env:a Cmd:a? [Healthcheck:o] Image:s Volumes:o? WorkingDir:s Entrypoint:a?
OnBuild:a? Labels:o [StopSignal:s] [StopTimeout:i] [Shell:a]
"""
HOST_CONFIG = """
CpuShares:i Memory:i CgroupParent:s BlkioWeight:i BlkioWeightDevice:a BlkioDeviceReadBps:a
BlkioDeviceWriteBps:a BlkioDeviceReadIOps:a BlkioDeviceWriteIOps:a CpuPeriod:i CpuQuota:i
CpuRealtimePeriod:i CpuRealtimeRuntime:i CpusetCpus:s CpusetMems:s Devices:a DeviceCgroupRules:a?
DeviceRequests:a? MemoryReservation:i MemorySwap:i MemorySwappiness:i? NanoCpus:i OomKillDisable:b?
[Init:b] PidsLimit:i? Ulimits:a CpuCount:i CpuPercent:i IOMaximumIOps:i IOMaximumBandwidth:i
Binds:a? ContainerIDFile:s LogConfig:o NetworkMode:s PortBindings:o RestartPolicy:o AutoRemove:b
VolumeDriver:s VolumesFrom:a? [Mounts:a] ConsoleSize:a [Annotations:o] CapAdd:a? CapDrop:a?
CgroupnsMode:s Dns:a DnsOptions:a DnsSearch:a ExtraHosts:a? GroupAdd:a? IpcMode:s Cgroup:s Links:a?
OomScoreAdj:i PidMode:s Privileged:b PublishAllPorts:b [PublishAllow:a] ReadonlyRootfs:b
SecurityOpt:a?
[StorageOpt:o] [Tmpfs:o] UTSMode:s UsernsMode:s [IDMappings:o] ShmSize:i [Sysctls:o]
Runtime:s Isolation:s
MaskedPaths:a? ReadonlyPaths:a?
"""
NETWORK_SETTINGS = """
Bridge:s SandboxID:s HairpinMode:b LinkLocalIPv6Address:s LinkLocalIPv6PrefixLen:i Ports:o
SandboxKey:s SecondaryIPAddresses:a? SecondaryIPv6Addresses:a? EndpointID:s Gateway:s
GlobalIPv6Address:s GlobalIPv6PrefixLen:i IPAddress:s IPPrefixLen:i IPv6Gateway:s MacAddress:s
Networks:o
"""
ENDPOINT = """
IPAMConfig:o? Links:a? MacAddress:s Aliases:a? DriverOpts:o? GwPriority:i NetworkID:s EndpointID:s
Gateway:s IPAddress:s IPPrefixLen:i IPv6Gateway:s GlobalIPv6Address:s GlobalIPv6PrefixLen:i
DNSNames:a? [IngressRate:i] [EgressRate:i]
"""
MOUNT = "Type:s Source:s Destination:s Mode:s RW:b Propagation:s"
TYPES = {"b": bool, "i": int, "s": str, "a": list, "o": dict}


def problems(value, table, path):
    """What is wrong with the members of @value."""
    found = []
    known = set()
    for entry in table.split():
        name, kind = entry.strip("[]").split(":")
        known.add(name)
        if name not in value:
            if not entry.startswith("["):
                found.append(f"{path}.{name} is missing")
        elif value[name] is None:
            if not kind.endswith("?"):
                found.append(f"{path}.{name} is null")
        elif type(value[name]) is not TYPES[kind[0]]:
            found.append(f"{path}.{name} is {value[name]!r}")
    return found + [f"{path}.{name} is not Docker's" for name in value.keys() - known]


def check(container):
    """Every member of @container is Docker's, and every one of Docker's is there."""
    found = problems(container, RESPONSE, "")
    found += problems(container["State"], STATE, "State")
    found += problems(container["Config"], CONFIG, "Config")
    found += problems(container["HostConfig"], HOST_CONFIG, "HostConfig")
    found += problems(container["NetworkSettings"], NETWORK_SETTINGS, "NetworkSettings")
    for name, endpoint in container["NetworkSettings"]["Networks"].items():
        found += problems(endpoint, ENDPOINT, f"Networks.{name}")
    for mount in container["Mounts"]:
        found += problems(mount, MOUNT, "Mounts")
    found += problems(container["GraphDriver"], "Data:o Name:s", "GraphDriver")
    assert not found, "\n".join(found)


@pytest.fixture
def inspect(cay):
    """inspect(name, *options) -> dict, whose members have been checked"""
    def call(name, *options):
        (container,) = json.loads(cay.ok("inspect", *options, name))
        check(container)
        return container
    return call


def state_of(container):
    """(Status, the flags that are set)"""
    state = container["State"]
    flags = {name for name in ("Running", "Paused", "Restarting", "Dead") if state[name]}
    return state["Status"], flags


def test_a_default_container_has_docker_s_members_and_values(cay, image, inspect, no_leaks):
    cay.ok("create", "--name", "plain", image, "true")
    container = inspect("plain")
    assert state_of(container) == ("created", set())
    assert container["State"]["Pid"] == 0 and "Health" not in container["State"]
    assert container["State"]["StartedAt"] == "0001-01-01T00:00:00Z"
    assert container["State"]["FinishedAt"] == "0001-01-01T00:00:00Z"
    host = container["HostConfig"]
    assert {name for name, value in host.items() if value is None} == {
        "Binds", "VolumesFrom", "CapAdd", "CapDrop", "ExtraHosts", "GroupAdd", "Links",
        "SecurityOpt", "DeviceCgroupRules", "DeviceRequests", "MemorySwappiness", "PidsLimit"}
    assert {name for name, value in host.items() if value == []} == {
        "Dns", "DnsOptions", "DnsSearch", "BlkioWeightDevice", "BlkioDeviceReadBps",
        "BlkioDeviceWriteBps", "BlkioDeviceReadIOps", "BlkioDeviceWriteIOps", "Devices", "Ulimits"}
    assert not {name for name, value in host.items() if value is True}
    assert {name: value for name, value in host.items() if isinstance(value, str) and value} == {
        "NetworkMode": "none", "CgroupnsMode": "private", "IpcMode": "private", "Runtime": "cay",
        "UsernsMode": "auto"}
    assert {name: value for name, value in host.items()
            if type(value) is int and value} == {"ShmSize": 64 << 20}
    assert host["RestartPolicy"] == {"Name": "no", "MaximumRetryCount": 0}
    assert host["LogConfig"] == {"Type": "json-file", "Config": {}}
    assert host["ConsoleSize"] == [0, 0] and host["PortBindings"] == {}
    assert "/proc/kcore" in host["MaskedPaths"] and "/proc/sys" in host["ReadonlyPaths"]
    config = container["Config"]
    assert {name for name, value in config.items() if value is None} == {
        "Entrypoint", "OnBuild", "Volumes"}
    assert config["AttachStdout"] and config["AttachStderr"] and not config["AttachStdin"]
    assert config["Cmd"] == ["true"] and config["Image"] == image
    assert config["Hostname"] == container["Id"][:12]
    assert container["LogPath"].endswith(f"/{container['Id']}-json.log")
    assert container["Driver"] == container["GraphDriver"]["Name"] == "overlay2"
    assert container["Mounts"] == [] and container["ExecIDs"] is None


OPTIONS = {
    "Config": {
        "Hostname": (["-h", "host"], "host"), "Domainname": (["--domainname", "d.test"], "d.test"),
        "User": (["-u", "1:2"], "1:2"), "Tty": (["-t"], True),
        "OpenStdin": (["-i"], True), "ExposedPorts": (["--expose", "80"], {"80/tcp": {}}),
        "Labels": (["-l", "a=b"], {"a": "b"}), "WorkingDir": (["-w", "/tmp"], "/tmp"),
        "Entrypoint": (["--entrypoint", "echo"], ["echo"]),
        "StopSignal": (["--stop-signal", "SIGQUIT"], "SIGQUIT"),
        "StopTimeout": (["--stop-timeout", "0"], 0),
        "Healthcheck": (["--health-cmd", "true", "--health-interval", "2s", "--health-retries", "5",
                         "--health-timeout", "3s", "--health-start-period", "1m",
                         "--health-start-interval", "1s"],
                        {"Test": ["CMD-SHELL", "true"], "Interval": 2000000000, "Retries": 5,
                         "Timeout": 3000000000, "StartPeriod": 60000000000,
                         "StartInterval": 1000000000}),
    },
    "HostConfig": {
        "Binds": (["-v", "/etc:/mnt:ro"], ["/etc:/mnt:ro"]),
        "Tmpfs": (["--tmpfs", "/run:size=1m"], {"/run": "size=1m"}),
        "LogConfig": (["--log-driver", "local", "--log-opt", "max-size=1m"],
                      {"Type": "local", "Config": {"max-size": "1m"}}),
        "RestartPolicy": (["--restart", "on-failure:3"],
                          {"Name": "on-failure", "MaximumRetryCount": 3}),
        "Annotations": (["--annotation", "x=y"], {"x": "y"}),
        "CapAdd": (["--cap-add", "NET_ADMIN"], ["NET_ADMIN"]),
        "CapDrop": (["--cap-drop", "CHOWN"], ["CHOWN"]),
        "GroupAdd": (["--group-add", "7"], ["7"]), "OomScoreAdj": (["--oom-score-adj", "5"], 5),
        "ReadonlyRootfs": (["--read-only"], True), "ShmSize": (["--shm-size", "1m"], 1 << 20),
        "SecurityOpt": (["--security-opt", "no-new-privileges"], ["no-new-privileges"]),
        "Sysctls": (["--sysctl", "net.core.somaxconn=9"], {"net.core.somaxconn": "9"}),
        "Init": (["--init"], True), "PidsLimit": (["--pids-limit", "9"], 9),
        "CpuShares": (["-c", "9"], 9), "CpusetCpus": (["--cpuset-cpus", "0"], "0"),
        "CpuPeriod": (["--cpu-period", "50000"], 50000),
        "CpuQuota": (["--cpu-quota", "20000"], 20000),
        "Memory": (["-m", "64m"], 64 << 20), "MemorySwap": (["--memory-swap", "96m"], 96 << 20),
        "MemoryReservation": (["--memory-reservation", "32m"], 32 << 20),
        "Ulimits": (["--ulimit", "core=0:1"], [{"Name": "core", "Hard": 1, "Soft": 0}]),
        "Devices": (["--device", "/dev/full:/dev/x:r"],
                    [{"PathOnHost": "/dev/full", "PathInContainer": "/dev/x",
                      "CgroupPermissions": "r"}]),
        "DeviceCgroupRules": (["--device-cgroup-rule", "c 1:7 r"], ["c 1:7 r"]),
        "UTSMode": ([], ""), "NetworkMode": (["--network", "none"], "none"),
    },
}


def test_every_option_shows_where_docker_shows_it(cay, image, inspect, tmp_path, no_leaks):
    options = [word for part in OPTIONS.values() for words, _ in part.values() for word in words]
    identifier = tmp_path / "id"
    cay.ok("create", "--name", "full", "--cidfile", identifier, "--mount",
           "type=bind,source=/usr,target=/opt,readonly", *options, image, "word")
    container = inspect("full")
    for part, members in OPTIONS.items():
        for name, (_, expected) in members.items():
            assert container[part][name] == expected, name
    assert container["HostConfig"]["ContainerIDFile"] == str(identifier)
    assert container["HostConfig"]["Mounts"][0]["Target"] == "/opt"
    assert container["Config"]["AttachStdin"] and container["Config"]["StdinOnce"] is False
    assert container["Path"] == "echo" and container["Args"] == ["word"]
    assert container["LogPath"] == ""
    assert container["Mounts"] == [
        {"Type": "bind", "Source": "/etc", "Destination": "/mnt", "Mode": "ro", "RW": False,
         "Propagation": "rprivate"},
        {"Type": "bind", "Source": "/usr", "Destination": "/opt", "Mode": "", "RW": False,
         "Propagation": "rprivate"}]


@pytest.fixture
def vendor_device():
    """The name of a device that a vendor's specification describes, of this process alone."""
    directory = pathlib.Path("/run/cdi")
    specification = directory / f"cay-test-{os.getpid()}.json"
    with alone():
        directory.mkdir(exist_ok=True)
        specification.write_text(json.dumps({
            "cdiVersion": "0.6.0", "kind": f"test{os.getpid()}.example/thing",
            "devices": [{"name": "one",
                         "containerEdits": {"deviceNodes": [{"path": "/dev/full"}]}}],
        }), encoding="ascii")
        yield f"test{os.getpid()}.example/thing=one"
        specification.unlink()
        with contextlib.suppress(OSError): # an administrator may have some there
            directory.rmdir()


def test_a_device_of_a_vendor_is_a_request(cay, image, inspect, vendor_device, no_leaks):
    cay.ok("create", "--name", "vendors", "--device", vendor_device, image, "true")
    host = inspect("vendors")["HostConfig"]
    assert host["DeviceRequests"] == [{"Driver": "cdi", "Count": 0, "DeviceIDs": [vendor_device],
                                       "Capabilities": None, "Options": None}]
    assert host["Devices"] == []


def test_swap_is_limited_to_as_much_as_memory_unless_asked_for(cay, image, inspect, no_leaks):
    cay.ok("create", "--name", "half", "-m", "64m", image, "true")
    assert inspect("half")["HostConfig"]["MemorySwap"] == 128 << 20
    cay.ok("create", "--name", "open", "-m", "64m", "--memory-swap", "-1", image, "true")
    assert inspect("open")["HostConfig"]["MemorySwap"] == -1
    result = cay("run", "--rm", "-m", "64m", image, "sh", "-c", "cd /sys/fs/cgroup; cat "
                 "memory/memory.memsw.limit_in_bytes 2>/dev/null || cat memory.swap.max")
    assert result.stdout.strip() in (str(128 << 20), str(64 << 20)) # v1: of both, v2: of swap


def test_a_privileged_container_hides_nothing(cay, image, inspect, no_leaks):
    cay.ok("create", "--name", "bare", "--privileged", image, "true")
    host = inspect("bare")["HostConfig"]
    assert host["Privileged"] and host["MaskedPaths"] is None and host["ReadonlyPaths"] is None


def test_networks_and_ports_have_docker_s_members(host, cay, image, inspect, no_leaks):
    cay.ok("network", "create", "--ipv6", "lan")
    cay.ok("run", "-d", "--name", "web", "--network", "lan:alias=www,ifname=lan0",
           "--network", "bridge", "--link", "web:self", "-p", "8080:80", "-P", "--expose", "443",
           "--publish-allow", "192.0.2.0/24", "--net-rate", "lan:ingress=1mbit", "--dns",
           "192.0.2.53", "--add-host", "db:192.0.2.7", image, "sleep", "9999")
    running = inspect("web")
    assert list(running["NetworkSettings"]["Networks"]) == ["lan", "bridge"]
    assert running["NetworkSettings"]["Networks"]["lan"]["Links"] == ["web:self"]
    assert running["HostConfig"]["PublishAllow"] == ["192.0.2.0/24"]
    assert set(running["NetworkSettings"]["Ports"]) == {"80/tcp", "443/tcp"}
    assert all(running["NetworkSettings"]["Ports"].values())
    cay.ok("kill", "web")
    assert inspect("web")["NetworkSettings"]["Ports"] == {}
    cay.ok("rm", "web")
    cay.ok("network", "rm", "lan")


def test_the_state_follows_a_container_through_its_life(cay, image, inspect, no_leaks):
    cay.ok("run", "-d", "-i", "--name", "alive", image, "cat")
    running = inspect("alive")
    pid = running["State"]["Pid"]
    assert state_of(running) == ("running", {"Running"})
    assert running["State"]["StartedAt"] >= running["Created"]
    assert running["NetworkSettings"]["SandboxKey"] == f"/proc/{pid}/ns/net"
    assert os.path.exists(running["GraphDriver"]["Data"]["MergedDir"] + "/bin/busybox")
    assert not running["Config"]["AttachStdout"]
    cay.ok("pause", "alive")
    assert state_of(inspect("alive")) == ("paused", {"Running", "Paused"})
    cay.ok("unpause", "alive")
    cay.ok("kill", "alive")
    cay.ok("wait", "alive")
    exited = inspect("alive")
    assert state_of(exited) == ("exited", set())
    assert exited["State"]["ExitCode"] == 137 and exited["State"]["Pid"] == 0
    assert exited["State"]["FinishedAt"] > exited["State"]["StartedAt"]


def test_a_container_between_two_runs_is_restarting(cay, image, inspect, no_leaks):
    cay.ok("run", "-d", "--name", "again", "--restart", "always", image, "sh", "-c", "exit 3")
    for _ in range(5): # each pause is twice the last one: this one is long enough to look
        cay.ok("wait", "again")
    container = inspect("again")
    assert state_of(container) == ("restarting", {"Running", "Restarting"})
    assert container["State"]["ExitCode"] == 3 and container["State"]["Pid"] == 0
    assert container["RestartCount"] >= 3
    cay.ok("rm", "-f", "again")


def test_a_container_that_is_being_removed_is_dead(cay, state, image, inspect, no_leaks):
    cay.ok("run", "--name", "going", image, "true")
    identifier = inspect("going")["Id"]
    runtime = state.runtime / "containers" / identifier
    runtime.mkdir(mode=0o700)
    with open(runtime / "lock", "w", encoding="ascii") as lock: # as who removes it does
        fcntl.flock(lock, fcntl.LOCK_EX)
        with sqlite3.connect(state.directory / "cay.db") as database:
            database.execute("UPDATE container SET state = 'removing'")
        database.close()
        assert state_of(inspect("going")) == ("removing", {"Dead"})
    assert cay.ok("ps", "-aq") == ""


def test_health_shows_from_the_first_start(cay, image, inspect, no_leaks):
    cay.ok("create", "-i", "--name", "checked", "--health-cmd", "true", "--health-interval", "1h",
           "--health-start-interval", "1h", image, "cat")
    assert "Health" not in inspect("checked")["State"]
    cay.ok("start", "checked")
    health = inspect("checked")["State"]["Health"]
    assert health == {"Status": "starting", "FailingStreak": 0, "Log": []}
    cay.ok("kill", "checked")
    cay.ok("wait", "checked")
    assert inspect("checked")["State"]["Health"]["Status"] == "unhealthy"


def test_a_check_that_is_disabled_is_no_health(cay, image, inspect, no_leaks):
    cay.ok("run", "--name", "unchecked", "--no-healthcheck", image, "true")
    container = inspect("unchecked")
    assert container["Config"]["Healthcheck"] == {"Test": ["NONE"]}
    assert "Health" not in container["State"]


def test_sizes_are_told_when_asked_for(cay, image, inspect, no_leaks):
    cay.ok("run", "--name", "sized", image, "sh", "-c",
           "dd if=/dev/zero of=/made bs=1024 count=100 && ln /made /same")
    assert "SizeRw" not in inspect("sized")
    container = inspect("sized", "--size")
    assert 102400 <= container["SizeRw"] < 204800 # hard links are one file
    assert container["SizeRootFs"] > container["SizeRw"]
    size = cay.ok("inspect", "-s", "--format", "{{.SizeRw}}", "sized")
    assert size == str(container["SizeRw"])


def test_a_type_finds_only_its_own(cay, image, no_leaks):
    cay.ok("create", "--name", "thing", image, "true")
    assert json.loads(cay.ok("inspect", "--type", "container", "thing"))[0]["Name"] == "/thing"
    assert json.loads(cay.ok("container", "inspect", "thing"))[0]["Name"] == "/thing"
    result = cay("inspect", "--type", "image", "thing")
    assert result.returncode == 1 and "no such image: 'thing" in result.stderr
    result = cay("container", "inspect", image)
    assert result.returncode == 1 and f"no such container: '{image}'" in result.stderr
    assert result.stdout.strip() == "[]"
    assert "unknown option" in cay("container", "inspect", "--type", "image", image).stderr


def test_templates_reach_every_member(cay, image, inspect, no_leaks):
    cay.ok("create", "--name", "plain", "-l", "k=v", image, "true")
    container = inspect("plain")
    members = [(part, name) for part in ("State", "Config", "HostConfig", "NetworkSettings")
               for name in container[part]]
    template = "\n".join(f"{{{{json .{part}.{name}}}}}" for part, name in members)
    shown = cay.ok("inspect", "--format", template, "plain").splitlines()
    for (part, name), value in zip(members, shown, strict=True):
        assert json.loads(value) == container[part][name], name
    template = "{{range $k, $v := .Config.Labels}}{{$k}}={{$v}}{{end}} {{len .Args}}"
    assert cay.ok("inspect", "-f", template, "plain") == "k=v 0"
