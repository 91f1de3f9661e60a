# SPDX-License-Identifier: Apache-2.0
"""Networks of drivers that few kernels of test machines have."""

import json
import os
import subprocess

import pytest

from harness import leaks

PARENT = "caytest0"

NETWORKS = {
    "ipvlan l2": ["-d", "ipvlan", "-o", f"parent={PARENT}"],
    "ipvlan l3s": ["-d", "ipvlan", "-o", f"parent={PARENT}", "-o", "ipvlan_mode=l3s"],
    "tagged macvlan": ["-d", "macvlan", "-o", f"parent={PARENT}.10"],
    "vlan": ["-d", "vlan", "-o", f"parent={PARENT}", "-o", "vlan=10"],
    "macvlan without parent": ["-d", "macvlan"],
    "vlan filtering bridge": ["-o", "vlan_filtering=true", "-o", "vlan=10"],
}


@pytest.fixture
def parent(host):
    """An interface of the host with somebody at its other end."""
    host.ip(f"link add {PARENT} type veth peer name caytest1", f"link set {PARENT} up",
            "link set caytest1 up")
    yield
    host.ip(f"link delete {PARENT}")


@pytest.mark.vm_core
def test_every_driver_connects_what_it_should(build):
    program = build / "tests/unit/network/test-network-network-drivers"
    result = subprocess.run([program], env={**os.environ, "CAY_TEST_ALL_DRIVERS": "1"},
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                            check=False, timeout=leaks.SETTLE_LIMIT * 10)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize("options", NETWORKS.values(), ids=NETWORKS.keys())
def test_containers_of_a_network_reach_each_other(host, cay, image, parent, options):
    before = set(host.links())
    cay.ok("network", "create", *options, "--subnet", "10.5.0.0/24", "lan")
    cay.ok("run", "-d", "--name", "one", "--network", "lan", "--ip", "10.5.0.7", image,
           "sleep", "999")
    cay.ok("run", "--rm", "--network", "lan", image, "ping", "-c", "1", "-W", "30", "10.5.0.7")
    (one,) = json.loads(cay.ok("inspect", "one"))
    assert one["NetworkSettings"]["Networks"]["lan"]["IPAddress"] == "10.5.0.7"
    cay.ok("rm", "-f", "one")
    cay.ok("network", "rm", "lan")
    assert {name for name in host.links() if not name.startswith("veth")} == before


def test_a_dummy_has_its_addresses_and_nobody_else(host, cay, image):
    cay.ok("network", "create", "-d", "dummy", "--subnet", "10.5.0.0/24", "alone")
    out = cay.ok("run", "--rm", "--network", "alone", "--ip", "10.5.0.7", image, "sh", "-c",
                 "ip -4 address show eth0; ping -c 1 -W 30 10.5.0.7")
    assert "inet 10.5.0.7/24" in out and "1 packets received" in out


@pytest.mark.vm_core
def test_the_hardware_address_of_ipvlan_is_its_parents(host, cay, image, parent):
    cay.ok("network", "create", "-d", "ipvlan", "-o", f"parent={PARENT}", "lan")
    result = cay("run", "--rm", "--network", "lan", "--mac-address", "02:42:0a:05:00:07", image,
                 "true")
    assert result.returncode == 125 and "hardware address of its parent" in result.stderr
    out = cay.ok("run", "--rm", "--network", "lan", image, "cat", "/sys/class/net/eth0/address")
    assert out.strip() == host.links()[PARENT]["address"]
