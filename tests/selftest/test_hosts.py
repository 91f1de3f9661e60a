# SPDX-License-Identifier: Apache-2.0
"""The hosts that networks are tried on: what is on them, and that what stays there is found."""

import os
import subprocess

import pytest

from harness import hosts, leaks


def test_a_host_has_a_loopback_interface_and_nothing_else(host):
    links = host.links()
    assert list(links) == ["lo"] and "UP" in links["lo"]["flags"]
    assert host.inside(os.listdir, "/sys/class/net") == ["lo"]
    assert host.nft("list", "tables")[1:] == []


def test_commands_run_on_the_host(host, cay, image):
    output = cay.ok("run", "--rm", "--network", "host", image, "ls", "/proc/sys/net/ipv4/conf")
    assert output.split() == ["all", "default", "lo"]
    assert os.stat(host.network_namespace).st_ino != os.stat("/proc/self/ns/net").st_ino


def test_a_host_has_the_cgroups_of_the_machine(host):
    for hierarchy in leaks.hierarchies():
        assert host.inside(os.listdir, hierarchy) != []


def test_a_file_is_replaced_for_the_host_alone(host):
    with open("/etc/hostname", encoding="utf-8") as file:
        before = file.read()
    host.replace("/etc/hostname", "another\n")
    assert host.read("/etc/hostname") == "another\n"
    with open("/etc/hostname", encoding="utf-8") as file:
        assert file.read() == before


def test_a_link_that_stays_is_found(host, monkeypatch):
    monkeypatch.setattr(hosts, "_PATIENCE", 0.01)
    host.ip("link add veth0 type veth peer name veth1", "link set veth0 up", "link set veth1 up")
    assert host.problems() == ["network link veth0", "network link veth1"]
    host.ip("link delete veth0")
    assert host.problems() == []


def test_links_of_a_namespace_that_ends_are_waited_for(host):
    with hosts.Host() as other:
        host.ip(f"link add veth0 type veth peer name veth1 netns {other.network_namespace}",
                "link set veth0 up")
    assert list(host.wait_for_links(lambda links: "veth0" not in links)) == ["lo"]


def test_a_process_that_stays_is_found(host, monkeypatch):
    monkeypatch.setattr(leaks, "SETTLE_LIMIT", 0)
    with host.spawn("cat", stdin=subprocess.PIPE) as process:
        (problem,) = host.problems()
        assert problem == f"process {process.pid} (cat)"


def test_a_mount_that_stays_on_a_host_is_found(host, state):
    (state.base / "mounted").mkdir()
    host.run("mount", "-t", "tmpfs", "cay-test", state.base / "mounted")
    assert [problem.split()[0] for problem in state.watch.problems()] == ["mount"]
    host.run("umount", state.base / "mounted")
    assert state.watch.problems() == []


@pytest.mark.parametrize("family", (4, 6))
def test_all_in_the_world_reach_each_other(world, family):
    places = world.places()
    for name, place in places.items():
        for number in (0, 1):
            with place.listen(world.address(name, family, number)) as listener:
                for client_name, client in places.items():
                    with client.connect(*listener.getsockname()[:2],
                                        source=world.address(client_name, family)) as connection:
                        with listener.accept()[0] as accepted:
                            accepted.settimeout(20)
                            connection.sendall(b"x")
                            assert accepted.recv(1) == b"x"
                            assert accepted.getpeername()[0] == world.address(client_name, family)


def test_both_hosts_run_containers(world):
    for number, host in enumerate((world.one, world.two)):
        assert host.cay.ok("run", "--rm", "--network", "host", "busybox:test", "cat",
                           "/proc/sys/net/ipv4/conf/to-router/forwarding") == "0", number
