# SPDX-License-Identifier: Apache-2.0
"""Who reaches whom in networks that are not bridges, on hosts with a wire between them."""

import pytest

from harness.network_peers import TCP, UDP, Way, converse, greeted, reach

OPEN = ["tcp:80", "udp:80"]


def both(*arguments, **options):
    return [Way(*arguments, kind=kind, **options) for kind in (TCP, UDP)]


@pytest.mark.parametrize("mode", ("bridge", "private", "vepa"))
def test_macvlan_puts_containers_on_the_wire(world, world_peers, mode):
    """Each at an address of its own, which all but its host reach; the mode says whether containers
    reach each other (a wire, unlike a switch that reflects, sends nothing back)."""
    peers = world_peers[0]
    world.one.cay.ok("network", "create", "-d", "macvlan", "--subnet", "192.0.2.16/28", "--gateway",
                     world.gateway("one"), "--ipv6", "--subnet", "2001:db8:1::/64", "--gateway",
                     world.gateway("one", 6), "-o", "parent=to-router", "-o", f"mode={mode}", "lan")
    mine = {"left": {4: "192.0.2.24", 6: "2001:db8:1::24"},
            "right": {4: "192.0.2.25", 6: "2001:db8:1::25"}}
    peers.start_all({name: (["--network", f"lan:ip={addresses[4]},ip6={addresses[6]}"], OPEN)
                     for name, addresses in mine.items()})
    peers.serve_on(world.outside, *OPEN)
    left, right = (peers.running[name].place for name in ("left", "right"))
    ways, seen = [], mode == "bridge"
    for family in (4, 6):
        outside = world.address("outside", family)
        to_left, to_right = (addresses[family] for addresses in mine.values())
        ways += both(world.outside, to_left, 80, outside, "left", label="outside -> left")
        ways += both(left, outside, 80, to_left, label="left -> outside")
        ways += both(left, to_right, 80, to_left if seen else None,
                     label="left -> right")
        ways += both(right, to_left, 80, to_right if seen else None,
                     label="right -> left")
        ways += both(world.one, to_left, 80, None, label="host -> left")
    assert reach(ways) == []


@pytest.fixture
def wide(world, world_peers):
    """A network with a part on each host, and its containers "one" and "two"."""
    for number, (name, other) in enumerate((("one", "two"), ("two", "one"))):
        host = getattr(world, name)
        host.cay.ok("network", "create", "-d", "vxlan", "-o", "vni=42", "-o",
                    f"peers={world.address(other)}", "--subnet", "10.9.0.0/24", "--ip-range",
                    f"10.9.0.{128 * number}/25", "--gateway", f"10.9.0.{128 * number + 1}",
                    "--ipv6=false", "wide")
        host.cay.ok("network", "create", "--ipv6=false", "narrow")
        world_peers[number].start(name, "--network", "wide", "-p", "8080:80", ports=OPEN)
        world_peers[number].start(f"other-{name}", "--network", "narrow", ports=OPEN)
    return {name: peers.running[name] for name, peers in zip(("one", "two"), world_peers)}


def test_vxlan_is_one_network_on_two_hosts(world, world_peers, wide):
    world_peers[0].serve_on(world.outside, *OPEN)
    one, two = wide["one"], wide["two"]
    outside, address = world.address("outside"), world.address("one")
    other = world_peers[0].running["other-one"]
    assert reach([
        *both(one.place, two.address(), 80, one.address(), "two"),
        *both(two.place, one.address(), 80, two.address(), "one"),
        *both(one.place, outside, 80, address),
        *both(world.outside, address, 8080, outside, "one")[:1],
        *both(world.outside, world.address("two"), 8080, outside, "two")[:1],
        *both(two.place, address, 8080, world.address("two"), "one")[:1],
        *both(other.place, one.address(), 80, None),
        *both(other.place, two.address(), 80, None),
        *both(one.place, other.address(), 80, None),
        *both(two.place, other.address(), 80, None)]) == []


def test_large_packets_find_place_in_a_tunnel(wide):
    one, two = wide["one"], wide["two"]
    assert one.place.links()["eth0"]["mtu"] == 1450
    with greeted(one.place.connect(two.address(), 80)) as connection:
        converse(connection)
