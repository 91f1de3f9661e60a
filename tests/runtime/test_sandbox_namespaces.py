# SPDX-License-Identifier: Apache-2.0
"""Namespaces, what they are named, and the settings that live in them."""

import contextlib
import os
import pathlib
import subprocess
import time

import pytest

FILES = {"mount": "mnt", "pid": "pid", "network": "net", "ipc": "ipc", "uts": "uts",
         "cgroup": "cgroup", "user": "user", "time": "time"}


def inside(bundle, name):
    return bundle.shell(f"readlink /proc/self/ns/{name}").strip()


@pytest.mark.vm_core
@pytest.mark.parametrize("kind", FILES)
def test_a_namespace_in_the_list_is_the_containers_own(bundle, kind):
    if kind == "user":
        bundle.add_user_namespace()
    if kind == "time":
        bundle.linux["namespaces"].append({"type": kind})
    own = os.readlink(f"/proc/self/ns/{FILES[kind]}")
    assert inside(bundle, FILES[kind]) != own


@pytest.mark.parametrize("kind", ["pid", "network", "ipc", "uts", "cgroup", "user", "time"])
def test_a_namespace_that_is_not_in_the_list_is_the_hosts(bundle, kind):
    if kind != "user":
        bundle.remove_namespace(kind)
    if kind == "uts":
        del bundle.config["hostname"]
    own = os.readlink(f"/proc/self/ns/{FILES[kind]}")
    assert inside(bundle, FILES[kind]) == own


def join(bundle, kind, path):
    bundle.remove_namespace(kind)
    bundle.linux["namespaces"].append({"type": kind, "path": str(path)})


@contextlib.contextmanager
def holder(*unshare):
    """A process that waits in namespaces of its own; yields its directory in /proc."""
    process = subprocess.Popen(["unshare", *unshare, "sh", "-c", "echo $$; exec cat"],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        process.stdout.readline()
        yield pathlib.Path("/proc") / str(process.pid)
    finally:
        process.communicate()


@pytest.mark.parametrize("kind", ["pid", "network", "ipc", "uts", "cgroup", "time"])
def test_a_namespace_with_a_path_is_joined(new_bundle, kind):
    owner, guest = new_bundle(), new_bundle()
    if kind == "time":
        owner.linux["namespaces"].append({"type": "time"})
    first = owner.create("cat")
    path = first.path(f"ns/{FILES[kind]}")
    join(guest, kind, path)
    assert inside(guest, FILES[kind]) == os.readlink(path)
    assert first.finish().status == 0


def test_a_process_in_a_joined_pid_namespace_is_another_one_there(new_bundle):
    owner, guest = new_bundle(), new_bundle()
    first = owner.create("cat")
    join(guest, "pid", first.path("ns/pid"))
    second = guest.create("sh", "-c", "echo $$; ls -d /proc/1 /proc/$$")
    inner = second.path("status").read_text().split("NSpid:")[1].split("\n")[0].split()[-1]
    assert int(inner) > 1
    assert second.finish().stdout.split() == [inner, "/proc/1", f"/proc/{inner}"]
    assert first.finish().status == 0


def test_a_joined_user_namespace_has_its_own_maps(new_bundle):
    owner, guest = new_bundle(), new_bundle()
    owner.add_user_namespace()
    first = owner.create("cat")
    join(guest, "user", first.path("ns/user"))
    guest.process["user"] = {"uid": 7, "gid": 8, "additionalGids": [9]}
    second = guest.create("sh", "-c", "id -u; id -G; cat /proc/self/uid_map")
    fields = second.path("status").read_text().split("Uid:\t")[1].split("\n")[0]
    assert fields.split() == ["100000"] * 4
    assert os.readlink(second.path("ns/user")) == os.readlink(first.path("ns/user"))
    assert second.finish().stdout.split() == ["7", "8", "9", "0", "100000", "65536"]
    assert first.finish().status == 0


def test_all_namespaces_of_another_container_can_be_joined_at_once(new_bundle):
    """What belongs to the user namespace takes the rights in it, so it is joined in between."""
    owner, guest = new_bundle(), new_bundle()
    owner.add_user_namespace()
    owner.linux["namespaces"].append({"type": "time"})
    first = owner.create("cat")
    kinds = ["time", "uts", "ipc", "cgroup", "network", "pid", "user"]
    for kind in kinds:
        join(guest, kind, first.path(f"ns/{FILES[kind]}"))
    del guest.config["hostname"]
    second = guest.create("cat")
    for kind in kinds:
        assert os.readlink(second.path(f"ns/{FILES[kind]}")) == \
            os.readlink(first.path(f"ns/{FILES[kind]}")), kind
    assert second.finish().status == 0
    assert first.finish().status == 0


@pytest.mark.parametrize("kind", ["network", "ipc", "uts", "time"])
def test_a_namespace_of_the_hosts_is_joined_by_a_new_user_namespace(new_bundle, kind):
    """Its owner is the host's user namespace, which nobody in the new one has any rights in."""
    with holder("--net", "--ipc", "--uts", "--time", "--fork") as process:
        child = (process / f"task/{process.name}/children").read_text().split()[0]
        path = pathlib.Path("/proc") / child / "ns" / FILES[kind]
        bundle = new_bundle()
        bundle.add_user_namespace()
        join(bundle, kind, path)
        if kind == "uts":
            del bundle.config["hostname"]
        # What shows a namespace is mounted by its owner.
        kept_out = {"network": "/sys", "ipc": "/dev/mqueue"}.get(kind, "/none")
        bundle.config["mounts"] = [mount for mount in bundle.config["mounts"]
                                   if not mount["destination"].startswith(kept_out)]
        assert inside(bundle, FILES[kind]) == os.readlink(path)


def test_a_joined_mount_namespace_gets_the_mounts(bundle):
    """Documented: its root becomes the container's, for whoever else is in it."""
    with holder("--mount", "--propagation", "private") as process:
        join(bundle, "mount", process / "ns/mnt")
        bundle.write("/etc/mine", "here")
        created = bundle.create("cat", "/etc/mine")
        assert os.readlink(created.path("ns/mnt")) == os.readlink(process / "ns/mnt")
        assert " /dev/shm " in (process / "mountinfo").read_text()
        assert "mine" in os.listdir(process / "root/etc")
        assert created.finish().stdout == "here"


def test_the_runtimes_own_mount_namespace_is_not_given_away(bundle):
    """Its root would become the container's."""
    join(bundle, "mount", "/proc/self/ns/mnt")
    assert bundle.run("true").stderr == \
        "invalid: mounts: the mount namespace '/proc/self/ns/mnt' is the runtime's own\n"


@pytest.mark.parametrize("kind, setting, value, member", [
    ("uts", "hostname", "other", "hostname"),
    ("uts", "domainname", "other", "domainname"),
    ("network", "sysctl", {"net.ipv4.ip_forward": "1"}, "linux.sysctl"),
    ("ipc", "sysctl", {"kernel/shmmax": "1"}, "linux.sysctl"),
    ("network", "netDevices", {"eth0": {}}, "linux.netDevices"),
])
def test_settings_of_the_runtimes_own_namespace_are_refused(bundle, kind, setting, value, member):
    """A path that leads back to the host is no namespace of the container's own."""
    bundle.prefix = ["unshare", "--uts", "--net", "--ipc"]  # what a mistake would change
    del bundle.config["hostname"]
    join(bundle, kind, f"/proc/self/ns/{FILES[kind]}")
    (bundle.config if setting == member else bundle.linux)[setting] = value
    assert bundle.run("true").stderr == (f"invalid: {member}: the {kind} namespace "
                                         f"'/proc/self/ns/{FILES[kind]}' is the runtime's own\n")


@pytest.mark.parametrize("kind", ["pid", "network", "ipc", "uts", "cgroup", "user", "time"])
def test_the_runtimes_own_namespace_by_its_path_is_shared(bundle, kind):
    del bundle.config["hostname"]
    join(bundle, kind, f"/proc/self/ns/{FILES[kind]}")
    assert inside(bundle, FILES[kind]) == os.readlink(f"/proc/self/ns/{FILES[kind]}")


def test_a_namespace_that_cannot_be_joined_is_named(new_bundle):
    """A pid namespace above ours, seen from inside one of our own."""
    owner, guest = new_bundle(), new_bundle()
    first = owner.create("cat")
    path = first.path("ns/pid")
    join(guest, "pid", path)
    guest.write_config(["true"])
    done = subprocess.run(["unshare", "--pid", "--fork", *guest.command()], capture_output=True,
                          env=guest.environment(), check=False, text=True)
    assert done.stderr == f"system: join the pid namespace '{path}': Invalid argument\n"
    assert first.finish().status == 0


def clock(name):
    return time.clock_gettime(getattr(time, name))


def test_a_time_namespace_has_its_offsets(bundle):
    bundle.linux["namespaces"].append({"type": "time"})
    bundle.linux["timeOffsets"] = {"boottime": {"secs": 1000000, "nanosecs": 5},
                                   "monotonic": {"secs": -3, "nanosecs": 999999999}}
    before = clock("CLOCK_BOOTTIME")
    output = bundle.shell("cat /proc/self/timens_offsets; cat /proc/uptime").split("\n")
    assert [line.split() for line in output[:2]] == [["monotonic", "-3", "999999999"],
                                                     ["boottime", "1000000", "5"]]
    assert before + 1000000 <= float(output[2].split()[0]) + 1
    assert float(output[2].split()[0]) <= clock("CLOCK_BOOTTIME") + 1000001


def test_a_time_namespace_in_a_user_namespace_has_its_offsets(bundle):
    bundle.add_user_namespace()
    bundle.linux["namespaces"].append({"type": "time"})
    bundle.linux["timeOffsets"] = {"monotonic": {"secs": 86400}}
    assert bundle.shell("cat /proc/self/timens_offsets").split() == \
        ["monotonic", "86400", "0", "boottime", "0", "0"]


def test_time_offsets_that_the_kernel_refuses_are_named(bundle):
    bundle.linux["namespaces"].append({"type": "time"})
    bundle.linux["timeOffsets"] = {"boottime": {"secs": -(1 << 40)}}
    assert bundle.run("true").stderr == \
        "invalid: linux.timeOffsets: a clock would begin before 0 or go too far\n"


def test_time_offsets_need_a_new_time_namespace(bundle):
    bundle.linux["timeOffsets"] = {"boottime": {"secs": 1}}
    assert "linux.timeOffsets: needs a 'time' namespace" in bundle.run("true").stderr
    bundle.linux["namespaces"].append({"type": "time", "path": "/proc/self/ns/time"})
    assert "linux.timeOffsets: a joined 'time' namespace has its own" in bundle.run("true").stderr


def test_a_path_must_be_a_namespace_of_that_kind(bundle, outside):
    bundle.remove_namespace("network")
    bundle.linux["namespaces"].append({"type": "network", "path": "/proc/self/ns/ipc"})
    assert "'/proc/self/ns/ipc' is not a network namespace" in bundle.run("true").stderr
    (outside / "file").write_text("")
    bundle.linux["namespaces"][-1]["path"] = str(outside / "file")
    assert "is not a network namespace" in bundle.run("true").stderr
    bundle.linux["namespaces"][-1]["path"] = str(outside / "none")
    assert bundle.run("true").stderr.startswith("not-found: join the network namespace")


def test_a_mount_namespace_is_not_optional(bundle):
    bundle.remove_namespace("mount")
    assert "needs a mount namespace of its own" in bundle.run("true").stderr


def test_the_program_is_process_1(bundle):
    assert bundle.shell("echo $$") == "1\n"
    assert bundle.shell("ls /proc").split()[0] == "1"


@pytest.mark.vm_core
def test_the_loopback_interface_of_a_new_network_is_up(bundle):
    assert "inet 127.0.0.1/8" in bundle.shell("ip address show dev lo up")
    bundle.add_user_namespace()
    assert "inet 127.0.0.1/8" in bundle.shell("ip address show dev lo up")


def test_host_and_domain_name_are_set_inside_only(bundle):
    before = os.uname()
    bundle.config.update(hostname="inside", domainname="example")
    assert bundle.shell("hostname; cat /proc/sys/kernel/domainname") == "inside\nexample\n"
    assert os.uname() == before


def test_a_host_name_without_a_uts_namespace_is_refused(bundle):
    bundle.remove_namespace("uts")
    result = bundle.run("true")
    assert result.status == 125
    assert "hostname: needs a 'uts' namespace" in result.stderr


def test_sysctls_are_set_in_the_containers_namespaces(bundle):
    with open("/proc/sys/net/ipv4/ip_forward", encoding="ascii") as file:
        before = file.read()
    bundle.linux["sysctl"] = {"net.ipv4.ip_forward": "1", "kernel.shmmax": "12345678",
                              "net/ipv4/conf/lo/forwarding": "0",
                              "net.ipv4.ping_group_range": "7 9"}
    assert bundle.shell("cd /proc/sys; cat net/ipv4/conf/lo/forwarding kernel/shmmax "
                        "net/ipv4/ping_group_range").split() == ["0", "12345678", "7", "9"]
    with open("/proc/sys/net/ipv4/ip_forward", encoding="ascii") as file:
        assert file.read() == before


def test_sysctls_are_set_when_interfaces_were_plugged_in(bundle):
    bundle.linux["sysctl"] = {"net.ipv4.conf.plugged.forwarding": "1"}
    created = bundle.create("cat", "/proc/sys/net/ipv4/conf/plugged/forwarding")
    subprocess.run(["nsenter", f"--net=/proc/{created.pid}/ns/net", "ip", "link", "add", "plugged",
                    "type", "veth", "peer", "name", "plugged-peer"], check=True)
    assert created.finish().stdout == "1\n"


@pytest.mark.parametrize("name, without, message", [
    ("kernel.panic", None, "'kernel.panic' is not a container's own"),
    ("net.ipv4.ip_forward", "network", "'net.ipv4.ip_forward' is the host's"),
    ("kernel.shmmax", "ipc", "'kernel.shmmax' is the host's"),
    ("net/../kernel/panic", None, "'net/../kernel/panic' is not a sysctl's name"),
])
def test_a_sysctl_of_the_hosts_is_refused(bundle, name, without, message):
    if without:
        bundle.remove_namespace(without)
    bundle.linux["sysctl"] = {name: "1"}
    result = bundle.run("true")
    assert result.status == 125
    assert message in result.stderr


def test_a_sysctl_that_the_kernel_refuses_is_named(bundle):
    bundle.linux["sysctl"] = {"net.ipv4.ip_forward": "maybe"}
    assert "set sysctl 'net/ipv4/ip_forward' to 'maybe': Invalid argument" in \
        bundle.run("true").stderr


@pytest.mark.vm_core
def test_root_of_a_user_namespace_is_nobody_outside(bundle):
    bundle.add_user_namespace()
    created = bundle.create("sh", "-c", "id -u; cat /proc/self/uid_map; touch /tmp/made")
    fields = created.path("status").read_text().split("Uid:\t")[1].split("\n")[0]
    assert fields.split() == ["100000"] * 4
    result = created.finish()
    assert result.stdout.split() == ["0", "0", "100000", "65536"], result
    assert os.stat(bundle.rootfs / "tmp/made").st_uid == 100000


def test_a_user_namespace_has_its_own_users_and_groups(bundle):
    bundle.add_user_namespace()
    bundle.process["user"] = {"uid": 1000, "gid": 1000, "additionalGids": [7]}
    assert bundle.shell("id -u; id -G").splitlines() == ["1000", "1000 7"]


def test_a_user_namespace_needs_its_mappings_and_mappings_need_it(bundle):
    bundle.linux["uidMappings"] = [{"containerID": 0, "hostID": 100000, "size": 1}]
    assert "linux.uidMappings: needs a 'user' namespace" in bundle.run("true").stderr
    del bundle.linux["uidMappings"]
    bundle.linux["namespaces"].append({"type": "user"})
    assert "linux.uidMappings: a new 'user' namespace needs" in bundle.run("true").stderr


def test_several_ranges_are_mapped(bundle):
    bundle.add_user_namespace()
    ranges = [(0, 100000, 10), (10, 200000, 1), (4000000000, 300000, 5)]
    bundle.linux["uidMappings"] = bundle.linux["gidMappings"] = [
        {"containerID": inner, "hostID": outer, "size": size} for inner, outer, size in ranges]
    for mount in bundle.config["mounts"]:
        mount["options"] = [option for option in mount["options"] if option != "gid=5"]
    maps = bundle.shell("cat /proc/self/uid_map /proc/self/gid_map").split("\n")[:-1]
    assert [tuple(map(int, line.split())) for line in maps] == ranges * 2


def test_a_user_namespace_without_a_root_has_its_user(bundle):
    bundle.add_user_namespace(101000)
    bundle.linux["uidMappings"] = [{"containerID": 1000, "hostID": 101000, "size": 10}]
    bundle.linux["gidMappings"] = [{"containerID": 2000, "hostID": 101000, "size": 10}]
    bundle.process["user"] = {"uid": 1000, "gid": 2000}
    bundle.find_mount("/dev/pts")["options"].remove("gid=5")
    assert bundle.shell("id -u; id -g; touch /tmp/made").split() == ["1000", "2000"]
    assert os.stat(bundle.rootfs / "tmp/made").st_uid == 101000


@pytest.mark.parametrize("user, message", [
    ({"uid": 65536, "gid": 0}, "process.user.uid: 65536 is not mapped in linux.uidMappings"),
    ({"uid": 0, "gid": 65536}, "process.user.gid: 65536 is not mapped in linux.gidMappings"),
    ({"uid": 0, "gid": 0, "additionalGids": [1, 70000]},
     "process.user.additionalGids: 70000 is not mapped in linux.gidMappings"),
])
def test_a_user_that_is_not_mapped_is_named(bundle, user, message):
    bundle.add_user_namespace()
    bundle.process["user"] = user
    assert bundle.run("true").stderr == f"invalid: {message}\n"
