# SPDX-License-Identifier: Apache-2.0
"""
linux.netDevices: devices of the host move into the container. The host is a network namespace that
the test has made, in which sandbox-run is started: no device of the machine is ever touched.
"""

import json
import pathlib
import subprocess

import pytest


class Network:
    """A network namespace, kept by a process that waits in it."""

    def __init__(self):
        self.process = subprocess.Popen(["unshare", "--net", "sh", "-c", "echo; exec cat"],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.process.stdout.readline()
        self.path = pathlib.Path(f"/proc/{self.process.pid}/ns/net")

    def ip(self, *arguments):
        return subprocess.run(["nsenter", f"--net={self.path}", "ip", *arguments], check=True,
                              capture_output=True, text=True).stdout

    def devices(self):
        return sorted(link["ifname"] for link in json.loads(self.ip("-json", "link")))

    def device(self, name):
        return json.loads(self.ip("-json", "address", "show", "dev", name))[0]

    def run(self, bundle, *arguments):
        bundle.write_config(arguments)
        return subprocess.run(["nsenter", f"--net={self.path}", *bundle.command()], check=False,
                              capture_output=True, text=True, stdin=subprocess.DEVNULL,
                              env=bundle.environment(), timeout=60)

    def end(self):
        self.process.communicate()


@pytest.fixture
def host():
    network = Network()
    network.ip("link", "add", "one", "address", "02:00:00:00:00:01", "mtu", "1400", "type", "veth",
               "peer", "name", "peer")
    network.ip("link", "set", "peer", "up")
    yield network
    network.end()


def show(host, bundle, name):
    """What the container sees of its device @name, as `ip address` prints it."""
    result = host.run(bundle, "ip", "address", "show", "dev", name)
    assert result.returncode == 0, result
    return result.stdout


def test_a_device_moves_and_keeps_what_it_is(bundle, host):
    bundle.linux["netDevices"] = {"one": {}}
    output = show(host, bundle, "one")
    assert "02:00:00:00:00:01" in output and "mtu 1400" in output
    assert ",UP" in output.split(">")[0]
    assert "one" not in host.devices()


def test_a_device_gets_another_name(bundle, host):
    bundle.linux["netDevices"] = {"one": {"name": "eth0"}}
    result = host.run(bundle, "sh", "-c", "cat /sys/class/net/eth0/address; ls /sys/class/net")
    assert result.stdout.split() == ["02:00:00:00:00:01", "eth0", "lo"], result


def test_a_name_can_be_a_template(bundle, host):
    host.ip("link", "set", "peer", "address", "02:00:00:00:00:02")
    bundle.linux["netDevices"] = {"one": {"name": "eth%d"}, "peer": {"name": "eth%d"}}
    result = host.run(bundle, "sh", "-c", "cat /sys/class/net/eth*/address")
    assert sorted(result.stdout.split()) == ["02:00:00:00:00:01", "02:00:00:00:00:02"], result
    assert host.run(bundle, "true").returncode == 125  # they are gone by now


def test_permanent_global_addresses_are_kept_and_no_others(bundle, host):
    for address in (["192.0.2.1/24"], ["192.0.2.2/24"], ["198.51.100.1/32", "scope", "link"],
                    ["203.0.113.1", "peer", "203.0.113.2/32"],
                    ["192.0.2.9/24", "valid_lft", "1000", "preferred_lft", "1000"]):
        host.ip("address", "add", *address, "dev", "one")
    for address in ("2001:db8::1/64", "fe80::5/64"):
        host.ip("address", "add", address, "nodad", "dev", "one")
    host.ip("link", "set", "one", "up")
    bundle.linux["netDevices"] = {"one": {"name": "eth0"}}
    found = [line.split() for line in show(host, bundle, "eth0").splitlines() if "inet" in line]
    kept = [" ".join(words[1:4]) if "peer" in words else words[1] for words in found
            if not words[1].startswith("fe80")]
    assert kept == ["192.0.2.1/24", "203.0.113.1 peer 203.0.113.2/32", "192.0.2.2/24",
                    "2001:db8::1/64"]
    assert "fe80::5/64" not in [words[1] for words in found]


def test_hooks_and_sysctls_find_the_device_in_its_place(bundle, host, outside):
    bundle.linux["netDevices"] = {"one": {"name": "eth0"}}
    bundle.linux["sysctl"] = {"net.ipv4.conf.eth0.forwarding": "1"}
    bundle.config["hooks"] = {"createContainer": [
        {"path": "/bin/sh", "args": ["sh", "-c", f"cat /proc/self/net/dev >{outside}/dev"]}]}
    result = host.run(bundle, "cat", "/proc/sys/net/ipv4/conf/eth0/forwarding")
    assert result.stdout == "1\n", result
    assert "eth0:" in (outside / "dev").read_text()


def test_a_device_that_is_not_there_is_named(bundle, host):
    bundle.linux["netDevices"] = {"none": {}}
    assert host.run(bundle, "true").stderr == \
        "not-found: linux.netDevices.none: the host has no such network device\n"


def test_a_name_that_is_taken_inside_is_refused(bundle, host):
    bundle.linux["netDevices"] = {"one": {"name": "lo"}}
    assert host.run(bundle, "true").stderr == (
        "conflict: linux.netDevices.one: the container's network has a device 'lo' already\n")
    assert host.devices() == ["lo", "one", "peer"]


def test_a_host_name_that_is_taken_inside_is_no_obstacle_with_another_one(bundle, host):
    bundle.remove_namespace("network")
    network = Network()
    try:
        network.ip("link", "add", "one", "type", "veth", "peer", "name", "other")
        bundle.linux["namespaces"].append({"type": "network", "path": str(network.path)})
        bundle.linux["netDevices"] = {"one": {"name": "new"}}
        assert host.run(bundle, "true").returncode == 0
        assert network.devices() == ["lo", "new", "one", "other"]
        assert network.device("new")["address"] == "02:00:00:00:00:01"
    finally:
        network.end()


@pytest.mark.parametrize("failure", ["second device", "hook", "later"])
def test_after_a_failure_the_devices_are_back_as_they_were(bundle, host, failure):
    host.ip("address", "add", "192.0.2.1/24", "dev", "one")
    host.ip("address", "add", "2001:db8::1/64", "nodad", "dev", "one")
    host.ip("link", "set", "one", "up")
    before = host.device("one")
    bundle.linux["netDevices"] = {"one": {"name": "eth0"}}
    if failure == "second device":
        bundle.linux["netDevices"]["peer"] = {"name": "lo"}
    elif failure == "hook":
        bundle.config["hooks"] = {"createContainer": [{"path": "/bin/false"}]}
    else:
        bundle.write("/file", "")
        bundle.process["cwd"] = "/file"
    assert host.run(bundle, "true").returncode == 125
    after = host.device("one")
    assert host.devices() == ["lo", "one", "peer"]

    def seen(device):
        addresses = [{key: entry[key] for key in ("local", "prefixlen", "scope")}
                     for entry in device["addr_info"] if entry["scope"] == "global"]
        return device["address"], device["mtu"], "UP" in device["flags"], addresses

    assert seen(after) == seen(before)


@pytest.mark.parametrize("names, message", [
    ({"a/b": {}}, "netDevices.a/b: is not an interface's name"),
    ({"one": {"name": "a" * 16}}, "netDevices.one: is not an interface's name"),
    ({"one": {"name": "a b"}}, "netDevices.one: is not an interface's name"),
    ({"one": {"name": "eth%s"}}, "netDevices.one: is not an interface's name"),
    ({"one": {"name": "%d%d"}}, "netDevices.one: is not an interface's name"),
    ({"eth%d": {}}, "netDevices.eth%d: is not an interface's name"),
    ({"one": {"name": "x"}, "two": {"name": "x"}}, "netDevices.two: the name 'x' is there twice"),
])
def test_names_that_are_none_are_refused(bundle, host, names, message):
    bundle.linux["netDevices"] = names
    assert host.run(bundle, "true").stderr == \
        f"invalid: config.json: linux.{message}\n"


def test_devices_need_a_network_namespace(bundle, host):
    bundle.remove_namespace("network")
    bundle.linux["netDevices"] = {"one": {}}
    assert "linux.netDevices: needs a 'network' namespace" in host.run(bundle, "true").stderr


def test_a_device_moves_into_a_user_namespaces_network(bundle, host):
    bundle.add_user_namespace()
    host.ip("address", "add", "192.0.2.1/24", "dev", "one")
    bundle.linux["netDevices"] = {"one": {"name": "eth0"}}
    assert "192.0.2.1/24" in show(host, bundle, "eth0")
