# SPDX-License-Identifier: Apache-2.0
"""What bridges do to traffic: its size, and what changes while it flows."""

import json

import pytest

from harness.network_peers import Way, converse, greeted, reach


def mtu(place, interface="eth0"):
    return place.links()[interface]["mtu"]


def test_a_network_has_the_mtu_that_was_asked_for(host, cay, peers):
    cay.ok("network", "create", "-o", "com.docker.network.driver.mtu=1280", "small")
    peers.start("one", "--network", "small", ports=["tcp:80"])
    peers.start("two", "--network", "bridge", ports=["tcp:80"])
    assert mtu(peers.running["one"].place) == 1280
    assert mtu(peers.running["two"].place) == 1500
    bridges = [link["mtu"] for name, link in host.links().items() if name.startswith("br-")]
    assert sorted(bridges) == [1280, 1500]


@pytest.mark.parametrize("family", (4, 6))
def test_a_narrow_path_is_found_by_both_sides(world, world_peers, family):
    """What a router says of packets that are too large must find its way through translation."""
    peers = world_peers[0]
    world.one.cay.ok("network", "create", "red")
    peers.start("web", "--network", "red", "-p", "80:80", ports=["tcp:80"])
    peers.serve_on(world.outside, "tcp:80")
    world.router.ip("link set to-outside mtu 1300")
    with greeted(world.outside.connect(world.address("one", family), 80)) as connection:
        converse(connection)
    with greeted(peers.running["web"].place.connect(world.address("outside", family), 80)) as out:
        converse(out)


def test_networks_come_and_go_under_traffic(host, cay, peers):
    """What flows through one is not disturbed by another; it ends with the one it flows through."""
    for name in "red", "blue":
        cay.ok("network", "create", name)
    for name in "server", "client":
        peers.start(name, "--network", "red", ports=["tcp:80"])
    server, client = peers.running["server"], peers.running["client"]
    with greeted(client.place.connect(server.address(), 80)) as red:
        converse(red)
        for _ in range(3):
            for name in "server", "client":
                cay.ok("network", "connect", "blue", name)
            converse(red)
            with greeted(client.place.connect(server.address(4, "eth1"), 80)) as blue:
                converse(blue)
                converse(red)
                cay.ok("network", "disconnect", "blue", "client")
            converse(red)
            cay.ok("network", "disconnect", "blue", "server")
        old = server.address()
        cay.ok("network", "disconnect", "red", "server")
        assert sorted(server.place.links()) == ["lo"]
        assert reach([Way(client.place, old, 80, None)]) == []
    cay.ok("network", "connect", "red", "server")
    with greeted(client.place.connect(server.address(), 80)) as again:
        converse(again)


def test_500_messages_pass_while_a_neighbour_comes_and_goes(host, cay, peers):
    cay.ok("network", "create", "red")
    for name in "server", "client", "guest":
        peers.start(name, "--network", "red", ports=["tcp:80"])
    with greeted(peers.running["client"].place.connect(peers.running["server"].address(),
                                                       80)) as connection:
        guests = [cay.spawn("network", action, "red", "guest")
                  for action in ("disconnect",)]
        for _ in range(500):
            converse(connection, 256)
        assert [guest.wait(60) for guest in guests] == [0]
    rows = json.loads(cay.ok("network", "inspect", "red"))[0]["Containers"]
    assert sorted(row["Name"] for row in rows.values()) == ["client", "server"]
