# SPDX-License-Identifier: Apache-2.0
"""
Who reaches whom through bridges and published ports, both ways: what must pass does, seen from the
address that it must be seen from, and what must not does not. One host has containers in all kinds
of networks, and all ways between them, the host, its neighbours and the world are tried at once.
"""

import json
import pathlib

import pytest

from harness.network_peers import TCP, UDP, Way, reach

OPEN = ["tcp:80", "udp:80"]
FAMILIES = (4, 6)
FILTERS_BRIDGES = {family: pathlib.Path(f"/proc/sys/net/bridge/bridge-nf-call-{family}tables")
                   for family in ("ip", "ip6")}
LOOPBACK = {4: "127.0.0.1", 6: "::1"}


def bracketed(address):
    return f"[{address}]" if ":" in address else address


class Town:
    """What there is on world.one: networks red and blue, an internal one, the default one."""

    def __init__(self, world, peers):
        self.world, self.peers, self.cay = world, peers, world.one.cay
        self.gateways = {}

    def build(self):
        for name, options in {"red": [], "blue": [], "inner": ["--internal"]}.items():
            self.cay.ok("network", "create", *options, name)
        second = [bracketed(self.world.address("one", family, 1)) for family in FAMILIES]
        publish = ["8080:80", "8080:80/udp", f"{second[0]}:8081:80", f"{second[1]}:8081:80",
                   "127.0.0.1:8082:80", "[::1]:8082:80"]
        self.peers.start_all({
            "red-1": (["--network", "red", *(word for port in publish for word in ("-p", port))],
                      OPEN),
            "red-2": (["--network", "red"], OPEN),
            "blue": (["--network", "blue", "-p", "9090:80"], OPEN),
            "inner-1": (["--network", "inner"], OPEN),
            "inner-2": (["--network", "inner"], OPEN),
            "default-1": (["--network", "bridge", "-p", "7070:80"], OPEN),
            "default-2": (["--network", "bridge"], OPEN),
        })
        self.peers.serve_on(self.world.outside, *OPEN)
        self.peers.serve_on(self.world.one, "tcp:5000", "udp:5000")
        for name in self.peers.running:
            for family in self.families(name):
                self._learn_the_way(name, family)

    def filters_bridges(self):
        """Do packets between containers meet the host's firewall already on the bridge?"""
        return self.world.one.inside(FILTERS_BRIDGES["ip6"].exists) and \
            self.world.one.read(FILTERS_BRIDGES["ip6"]).strip() == "1"

    @staticmethod
    def families(name):
        return (4,) if name.startswith("default") else FAMILIES

    def _learn_the_way(self, name, family):
        """To @name: the host's address beside it, and for its neighbours a route."""
        (route,) = json.loads(self.world.one.run("ip", "-json", f"-{family}", "route", "get",
                                                 self.address(name, family)))
        self.gateways[name, family] = route["prefsrc"]
        self.world.router.ip(f"route add {self.address(name, family)} via "
                             f"{self.world.address('one', family)}")

    def address(self, name, family):
        return self.peers.running[name].address(family)

    def place(self, name):
        if name in self.peers.running:
            return self.peers.running[name].place
        return getattr(self.world, name)

    def ways(self, family):
        """One for each line of a table that this family has, of both kinds of traffic."""
        for table in DIRECT, OUT, PUBLISHED:
            for line in table:
                who, to, port, seen, *answers = line
                if to == "loopback" and family == 6 and self.filters_bridges():
                    continue  # an answer would be for ::1 on the bridge, where that is dropped
                names = [name for name in (who, to, *answers) if name in self.peers.running]
                if any(family not in self.families(name) for name in names):
                    continue
                for kind in (TCP, UDP) if port in BOTH_KINDS else (TCP,):
                    yield Way(self.place(who), self._resolve(to, family, who), port,
                              seen and self._resolve(seen, family, who),
                              answers[0] if answers else None, kind, f"{who} -> {to}")

    def _resolve(self, name, family, who):
        """An address for a name of the tables."""
        if name == "loopback":
            return LOOPBACK[family]
        if name == "gateway":
            return self.gateways[who, family]
        if name == "*":
            return name
        if name.startswith("gateway of "):
            return self.gateways[name.removeprefix("gateway of "), family]
        if name in self.peers.running:
            return self.address(name, family)
        host, _, second = name.partition(" ")
        return self.world.address(host, family, 1 if second else 0)


@pytest.fixture
def town(world, world_peers, request):
    for path in FILTERS_BRIDGES.values():
        if world.one.inside(path.exists):
            world.one.write(path, getattr(request, "param", "0"))
    town = Town(world, world_peers[0])
    town.build()
    return town


BOTH_KINDS = (80, 8080)

# From whom, to whom, port, what the server sees (None: must not pass), who answers.
DIRECT = [
    ("red-1", "red-2", 80, "red-1", "red-2"),
    ("red-1", "red-1", 80, "red-1", "red-1"),
    ("inner-1", "inner-2", 80, "inner-1", "inner-2"),
    ("default-1", "default-2", 80, "default-1", "default-2"),
    ("one", "red-2", 80, "gateway of red-2", "red-2"),
    ("one", "inner-1", 80, "gateway of inner-1", "inner-1"),
    ("one", "default-1", 80, "gateway of default-1", "default-1"),
    ("red-1", "blue", 80, None),
    ("blue", "red-1", 80, None),
    ("blue", "red-2", 80, None),
    ("red-1", "inner-1", 80, None),
    ("inner-1", "red-1", 80, None),
    ("inner-1", "default-1", 80, None),
    ("default-1", "red-1", 80, None),
    ("default-1", "inner-1", 80, None),
    ("red-1", "default-1", 80, None),
    # Neighbours who know the way to the containers' own addresses.
    ("router", "red-1", 80, None),
    ("router", "red-2", 80, None),
    ("router", "inner-1", 80, None),
    ("router", "default-2", 80, None),
]

OUT = [
    ("red-2", "outside", 80, "one"),
    ("blue", "outside", 80, "one"),
    ("default-1", "outside", 80, "one"),
    ("inner-1", "outside", 80, None),
    ("red-2", "gateway", 5000, "red-2"),
    ("red-2", "one", 5000, "red-2"),
    ("default-2", "one", 5000, "default-2"),
    ("inner-1", "one", 5000, None),
]

PUBLISHED = [
    # At all addresses.
    ("outside", "one", 8080, "outside", "red-1"),
    ("outside", "one second", 8080, "outside", "red-1"),
    ("two", "one", 8080, "two", "red-1"),
    ("outside", "one", 9090, "outside", "blue"),
    ("outside", "one", 7070, "outside", "default-1"),
    ("outside", "one", 9091, None),
    ("outside", "two", 8080, None),
    # From the host itself.
    ("one", "one", 8080, "*", "red-1"),
    ("one", "loopback", 8080, "*", "red-1"),
    ("one", "loopback", 7070, "*", "default-1"),
    # From containers: the same one, one beside it, ones in other networks.
    ("red-1", "one", 8080, "*", "red-1"),
    ("red-1", "gateway", 8080, "*", "red-1"),
    ("red-2", "one", 8080, "*", "red-1"),
    ("red-2", "gateway", 8080, "*", "red-1"),
    ("blue", "one", 8080, "*", "red-1"),
    ("default-1", "one", 8080, "*", "red-1"),
    ("red-1", "one", 9090, "*", "blue"),
    ("inner-1", "one", 8080, None),
    ("inner-1", "gateway", 8080, None),
    # At one address of the host.
    ("outside", "one second", 8081, "outside", "red-1"),
    ("one", "one second", 8081, "*", "red-1"),
    ("red-2", "one second", 8081, "*", "red-1"),
    ("outside", "one", 8081, None),
    ("one", "one", 8081, None),
    ("one", "loopback", 8081, None),
    # At the loopback.
    ("one", "loopback", 8082, "*", "red-1"),
    ("outside", "one", 8082, None),
    ("two", "one second", 8082, None),
    ("red-2", "gateway", 8082, None),
    ("red-2", "one", 8082, None),
    ("red-2", "loopback", 8082, None),
]


@pytest.mark.parametrize("town", ("0", "1"), ids=("", "bridges-filter"), indirect=True)
def test_who_reaches_whom(town):
    wrong = [line for family in FAMILIES for line in reach(town.ways(family))]
    assert not wrong, "\n".join(wrong)


def send_loopback_away(place, gateway, interface):
    """From now on @place has no loopback address: it is @gateway's that it talks to."""
    place.ip("address delete 127.0.0.1/8 dev lo", f"route add 127.0.0.1 via {gateway}")
    place.write(f"/proc/sys/net/ipv4/conf/{interface}/route_localnet", "1")


def test_the_loopback_of_a_host_is_out_of_reach_for_those_who_route_to_it(town):
    host = town.world.address("one")
    send_loopback_away(town.world.router, host, "to-one")
    ways = [Way(town.world.router, "127.0.0.1", port, None, label="router")
            for port in (8080, 8082)]
    for name in ("red-2", "blue", "default-2"):
        send_loopback_away(town.place(name), town.gateways[name, 4], "eth0")
        ways += [Way(town.place(name), "127.0.0.1", port, None, label=name)
                 for port in (5000, 8080, 8082)]
    assert reach([*ways, Way(town.world.outside, host, 8080, "*")]) == []
