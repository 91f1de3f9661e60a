# SPDX-License-Identifier: Apache-2.0
"""Many ports, and addresses that change hands."""

import concurrent.futures

import pytest

from harness import network_state
from harness.network_peers import TCP, UDP, Way, reach

PORTS = 10_000


def test_10000_ports_are_published_by_one_container(host, cay, peers):
    first = 20_000
    ports = f"{first}-{first + PORTS - 1}"
    peers.start("web", "--network", "bridge", "-p", f"{ports}:{ports}",
                ports=[f"tcp:{first}", f"tcp:{first + PORTS - 1}"])
    assert {port for _, port in network_state.targets(host)} == set(range(first, first + PORTS))
    address = peers.running["web"].address()
    assert reach([Way(host, "127.0.0.1", first, "*", "web"),
                  Way(host, "127.0.0.1", first + PORTS - 1, "*", "web"),
                  Way(host, address, first, "*", "web")]) == []
    peers.forget("web")
    cay.ok("rm", "-f", "web")
    assert network_state.targets(host) == [] and network_state.problems(host) == []


def test_an_address_that_changes_hands_takes_no_port_along(world, world_peers):
    """Also not for a client whose connection is still known to the host."""
    host, peers = world.one, world_peers[0]
    host.cay.ok("network", "create", "--subnet", "172.30.0.0/29", "--gateway", "172.30.0.1",
                "--ip-range", "172.30.0.4/32", "tiny")
    me, there = world.address("outside"), world.address("one")
    peers.start("old", "--network", "tiny", "-p", "80:80", "-p", "80:80/udp",
                ports=["tcp:80", "udp:80"])
    datagrams = world.outside.connect(there, 80, UDP)
    datagrams.send(b"?")
    assert datagrams.recv(100).split()[:2] == [b"old", me.encode()]
    address = peers.running["old"].address()
    refused = host.cay("run", "--rm", "--network", "tiny", "peer:test", "true")
    assert refused.returncode == 125 and "address" in refused.stderr
    peers.forget("old")
    host.cay.ok("kill", "old")
    host.cay.ok("wait", "old")
    peers.start("new", "--network", "tiny", ports=["tcp:80", "udp:80"])
    assert peers.running["new"].address() == address
    datagrams.setblocking(False)
    datagrams.send(b"?")
    assert reach([Way(world.outside, there, 80, None, kind=kind) for kind in (TCP, UDP)]) == []
    try:
        answer = datagrams.recv(100)
    except OSError:
        answer = None
    assert answer is None
    datagrams.close()


def test_a_dead_container_does_not_answer_for_its_address(host, cay, peers):
    """Nor for one that it shares with its next life, though a connection that nobody has any more
    keeps its network for minutes."""
    cay.ok("network", "create", "red")
    for name in "server", "client":
        peers.start(name, "--network", "red", ports=["tcp:80"])
    server, client = peers.running["server"], peers.running["client"]
    old = server.address()
    with client.place.connect(old, 80) as connection:
        connection.setblocking(False)
        with pytest.raises(BlockingIOError):
            while True:  # as long as the answers find a place
                connection.send(bytes(65536))
        peers.forget("server")
        cay.ok("kill", "server")
        cay.ok("wait", "server")
        assert reach([Way(host, old, 80, None)]) == []
        peers.start("next", "--network", "red", "--ip", old, ports=["tcp:80"])
        for _ in range(20):
            host.ip("neigh flush all")
            assert reach([Way(host, old, 80, "*", "next")], grace=0) == []
    assert network_state.problems(host) == []


def test_no_two_containers_ever_have_the_same_address(host, cay, image):
    """As many start at once as there are addresses, over and over."""
    cay.ok("network", "create", "--subnet", "172.30.0.0/28", "small")

    def life(_):
        return cay.ok("run", "--rm", "--network", "small", image, "sh", "-c",
                      "ip -4 -o address show dev eth0 && arping -D -c 1 -w 1 -I eth0 "
                      "$(ip -4 -o address show dev eth0 | sed 's/.*inet \\([0-9.]*\\).*/\\1/')")

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        assert len(list(pool.map(life, range(16)))) == 16
    assert network_state.leases(host.state) == {} and network_state.problems(host) == []
