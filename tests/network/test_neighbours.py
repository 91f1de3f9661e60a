# SPDX-License-Identifier: Apache-2.0
"""Others who have rules and bridges on the same host: theirs stay as they are and go on working,
and what they do to ours is repaired."""

import contextlib
import dataclasses

import pytest

from harness import hosts, network_state
from harness.network_peers import Way, reach

# What Docker leaves on a host with one container, and what ufw does to all traffic.
DOCKER_RULES = """*filter
:INPUT ACCEPT [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
:DOCKER - [0:0]
:DOCKER-USER - [0:0]
-A FORWARD -j DOCKER-USER
-A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -o docker0 -j DOCKER
-A FORWARD -i docker0 ! -o docker0 -j ACCEPT
-A DOCKER -d 172.17.0.2/32 ! -i docker0 -o docker0 -p tcp -m tcp --dport 80 -j ACCEPT
-A DOCKER-USER -j RETURN
COMMIT
*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:DOCKER - [0:0]
-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE
-A DOCKER ! -i docker0 -p tcp -m tcp --dport 9000 -j DNAT --to-destination 172.17.0.2:80
COMMIT
"""
UFW_RULES = """*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
:ufw-before-input - [0:0]
:ufw-user-input - [0:0]
-A INPUT -j ufw-before-input
-A INPUT -j ufw-user-input
-A ufw-before-input -i lo -j ACCEPT
-A ufw-before-input -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A ufw-user-input -p tcp -m tcp --dport 22 -j ACCEPT
COMMIT
"""


def rules(host):
    """Without counters and remarks, which tell the time."""
    lines = host.run("iptables-nft-save").splitlines()
    return [line.partition(" [")[0] for line in lines if not line.startswith("#")]


@contextlib.contextmanager
def neighbour_with_a_bridge(host):
    """What Docker's container would be."""
    with hosts.Host() as other:
        host.ip("link add docker0 type bridge", "address add 172.17.0.1/16 dev docker0",
                f"link add to-other type veth peer name eth0 netns {other.network_namespace}",
                "link set to-other master docker0 up", "link set docker0 up")
        other.ip("address add 172.17.0.2/16 dev eth0", "link set eth0 up",
                 "route add default via 172.17.0.1")
        host.write("/proc/sys/net/ipv4/ip_forward", "1")
        yield other


def test_rules_of_docker_stay_and_go_on_working(world, world_peers):
    host, peers = world.one, world_peers[0]
    with neighbour_with_a_bridge(host) as other:
        host.run("iptables-nft-restore", input=DOCKER_RULES)
        before = rules(host)
        peers.serve_on(other, "tcp:80")
        peers.serve_on(world.outside, "tcp:80")
        ways = [Way(world.outside, world.address("one"), 9000, world.address("outside")),
                Way(other, world.address("outside"), 80, world.address("one"))]
        assert reach(ways) == []
        host.cay.ok("network", "create", "red")
        peers.start("web", "--network", "red", "-p", "8080:80", ports=["tcp:80"])
        peers.start("default", "--network", "bridge", "-p", "8081:80", ports=["tcp:80"])
        assert network_state.our_table(host)
        assert reach(ways) == [] and rules(host) == before
        assert reach([Way(host, "127.0.0.1", 8080, "*", "web"), Way(
            host, "127.0.0.1", 8081, "*", "default")]) == []
        ours = Way(world.outside, world.address("one"), 8080, world.address("outside"), "web")
        # A drop of others stands, until they let it through.
        assert reach([dataclasses.replace(ours, seen=None)]) == []
        for options in ("-i", "br-+"), ("-o", "br-+", "-m", "conntrack", "--ctstate", "DNAT"):
            host.run("iptables-nft", "-I", "FORWARD", *options, "-j", "ACCEPT")
        before = rules(host)
        assert reach([ours, *ways]) == []
        host.cay.ok("rm", "-f", "web", "default")
        assert reach(ways) == [] and rules(host) == before


def test_rules_of_ufw_stay_and_go_on_working(world, world_peers):
    host, peers = world.one, world_peers[0]
    host.run("iptables-nft-restore", input=UFW_RULES)
    before = rules(host)
    peers.serve_on(host, "tcp:22", "tcp:23")
    ways = [Way(world.outside, world.address("one"), 22, world.address("outside")),
            Way(world.outside, world.address("one"), 23, None)]
    assert reach(ways) == []
    peers.start("web", "--network", "bridge", "-p", "8080:80", ports=["tcp:80"])
    assert reach([*ways, Way(host, "127.0.0.1", 8080, "*", "web")]) == []
    host.cay.ok("rm", "-f", "web")
    assert reach(ways) == [] and rules(host) == before


@pytest.mark.parametrize("repair", (["network", "reload"], ["ps"]), ids=("reload", "ps"))
def test_what_a_flush_has_taken_is_made_again(world, world_peers, repair):
    host, peers = world.one, world_peers[0]
    host.cay.ok("network", "create", "red")
    host.cay.ok("network", "create", "--internal", "inner")
    peers.start_all({"web": (["--network", "red", "-p", "80:80"], ["tcp:80"]),
                     "inner": (["--network", "inner"], ["tcp:80"])})
    peers.serve_on(world.outside, "tcp:80")
    web, inner = (peers.running[name] for name in ("web", "inner"))
    world.router.ip(f"route add {web.address()} via {world.address('one')}")
    ways = [Way(world.outside, world.address("one"), 80, world.address("outside"), "web"),
            Way(host, "127.0.0.1", 80, "*", "web"),
            Way(web.place, world.address("outside"), 80, world.address("one")),
            Way(web.place, inner.address(), 80, None), Way(inner.place, web.address(), 80, None),
            Way(world.router, web.address(), 80, None)]
    assert reach(ways) == []
    host.run("nft", "flush", "ruleset")
    assert reach(ways) != []
    host.cay.ok(*repair)
    assert reach(ways) == [] and network_state.problems(host) == []


def test_what_nft_saves_of_ours_it_loads_and_that_is_made_anew(world, world_peers):
    """As a host does that keeps its rules in a file. Ports of that time are no longer right."""
    host, peers = world.one, world_peers[0]
    host.cay.ok("network", "create", "red")
    peers.start("web", "--network", "red", "-p", "80:80", "-p", "81:80/udp", "-p", "[::1]:82:80",
                "--publish-allow", f"{world.address('outside')}/32", "--publish-allow", "::1",
                ports=["tcp:80"])
    saved = host.run("nft", "list", "ruleset")
    host.cay.ok("rm", "-f", "web")
    host.run("nft", "-f", "-", input=f"flush ruleset\n{saved}")
    assert network_state.our_table(host)
    host.cay.ok("network", "reload")
    assert network_state.problems(host) == []


def test_a_bridge_that_was_deleted_is_made_again(host, cay, peers):
    cay.ok("network", "create", "red")
    peers.start("web", "--network", "red", "-p", "80:80", ports=["tcp:80"])
    (bridge,) = [name for name in host.links() if name.startswith("br-")]
    host.ip(f"link delete {bridge}")
    cay.ok("network", "reload")
    assert reach([Way(host, "127.0.0.1", 80, "*", "web")]) == []
    assert network_state.problems(host) == []
