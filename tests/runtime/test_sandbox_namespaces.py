# SPDX-License-Identifier: Apache-2.0
"""Namespaces, what they are named, and the settings that live in them."""

import os
import subprocess

import pytest

FILES = {"mount": "mnt", "pid": "pid", "network": "net", "ipc": "ipc", "uts": "uts",
         "cgroup": "cgroup", "user": "user"}


def inside(bundle, name):
    return bundle.shell(f"readlink /proc/self/ns/{name}").strip()


@pytest.mark.parametrize("kind", FILES)
def test_a_namespace_in_the_list_is_the_containers_own(bundle, kind):
    if kind == "user":
        bundle.add_user_namespace()
    own = os.readlink(f"/proc/self/ns/{FILES[kind]}")
    assert inside(bundle, FILES[kind]) != own


@pytest.mark.parametrize("kind", ["pid", "network", "ipc", "uts", "cgroup", "user"])
def test_a_namespace_that_is_not_in_the_list_is_the_hosts(bundle, kind):
    if kind != "user":
        bundle.remove_namespace(kind)
    if kind == "uts":
        del bundle.config["hostname"]
    own = os.readlink(f"/proc/self/ns/{FILES[kind]}")
    assert inside(bundle, FILES[kind]) == own


@pytest.mark.parametrize("kind", ["pid", "network", "ipc", "uts", "cgroup"])
def test_a_namespace_with_a_path_is_joined(new_bundle, kind):
    owner, guest = new_bundle(), new_bundle()
    first = owner.create("cat")
    path = first.path(f"ns/{FILES[kind]}")
    guest.remove_namespace(kind)
    guest.linux["namespaces"].append({"type": kind, "path": str(path)})
    assert inside(guest, FILES[kind]) == os.readlink(path)
    assert first.finish().status == 0


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
