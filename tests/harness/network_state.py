# SPDX-License-Identifier: Apache-2.0
"""
Do the database, the links and the firewall of a host say the same?

    assert network_state.problems(host) == []

Only what runs has addresses and links, nothing leads to an address that nobody has, and all that is
published leads somewhere.
"""

import contextlib
import ipaddress
import json

from harness import volumes

PORT_MAPS = ("published", "everywhere", "limited")
LIVING = ("running", "paused")


def rows(state, query, *parameters):
    with volumes.database(state) as database:
        return database.execute(query, parameters).fetchall()


def leases(state):
    """{(container's name, interface): {addresses as text}}"""
    found = {}
    for name, interface, address in rows(
            state, "SELECT c.name, e.interface, l.address FROM network_lease l"
            " JOIN network_endpoint e ON e.id = l.endpoint JOIN container c ON c.id = e.container"):
        found.setdefault((name, interface), set()).add(_text(address))
    return found


def _text(address):
    return str(ipaddress.ip_address(bytes(address)))


def our_table(host):
    """The name of the one table of nftables that cay has made, or None."""
    names = [entry["table"]["name"] for entry in host.nft("list", "tables") if "table" in entry]
    ours = [name for name in names if name == "cay" or name.startswith("cay-")]
    assert len(ours) <= 1
    return ours[0] if ours else None


def elements(host, *names):
    """Those of the sets and maps of our table that are called like one of @names, but for the
    family at the end: [(set's name, element)]."""
    table = our_table(host)
    if table is None:
        return []
    found = []
    for entry in host.nft("list", "table", "inet", table):
        for kind in "set", "map":
            one = entry.get(kind)
            if one and (not names or one["name"].rstrip("46") in names):
                found += [(one["name"], element) for element in one.get("elem", [])]
    return found


def targets(host):
    """[(address, port)] that published ports lead to."""
    return [tuple(element[1]["concat"]) for _, element in elements(host, *PORT_MAPS)]


def veths(links):
    """The hosts' ends of containers' links, as long as these live."""
    return {name for name, link in links.items() if "UP" in link["flags"]
            and link.get("linkinfo", {}).get("info_kind") == "veth" and name != "to-router"}


def ifbs(links):
    return {name for name, link in links.items()
            if link.get("linkinfo", {}).get("info_kind") == "ifb"}


def _row_problems(state):
    endings = rows(state, "SELECT c.name, c.state FROM network_lease l JOIN network_endpoint e"
                   " ON e.id = l.endpoint JOIN container c ON c.id = e.container")
    yield from (f"'{name}' is {status} and has an address" for name, status in endings
                if status not in LIVING)
    for what, query in {
            "addresses of no endpoint": "SELECT count(*) FROM network_lease WHERE endpoint NOT IN"
                                        " (SELECT id FROM network_endpoint)",
            "endpoints of no container": "SELECT count(*) FROM network_endpoint WHERE container"
                                         " NOT IN (SELECT id FROM container)",
            "endpoints of no network": "SELECT count(*) FROM network_endpoint WHERE network NOT IN"
                                       " (SELECT id FROM network)"}.items():
        ((count,),) = rows(state, query)
        if count:
            yield f"{count} {what}"


def _link_problems(host):
    told = {name for name, in rows(
        host.state, "SELECT host_interface FROM network_endpoint WHERE host_interface != ''")}
    found = veths(host.wait_for_links(lambda links: veths(links) <= told))
    yield from (f"no row knows the link {name}" for name in sorted(found - told))
    yield from (f"there is no link {name}" for name in sorted(told - found))


def _firewall_problems(host):
    leased = set().union(*leases(host.state).values()) if leases(host.state) else set()
    for address, port in targets(host):
        if address not in leased:
            yield f"a published port leads to {address}:{port}, which nobody has"


def _rate_problems(host):
    """The link that a container's outgoing traffic is slowed down on is there as long as it is."""
    links = host.wait_for_links(lambda links: len(ifbs(links)) <= len(veths(links)))
    if len(ifbs(links)) > len(veths(links)):
        yield f"{ifbs(links)} limit nothing"


def problems(host):
    """One line for each thing that does not fit."""
    return [*_row_problems(host.state), *_link_problems(host), *_firewall_problems(host),
            *_rate_problems(host)]


def inspect(cay, name):
    (found,) = json.loads(cay.ok("inspect", name))
    return found


def pid_of(host, name):
    """The first process called @name that is on this host; None if there is none."""
    with contextlib.suppress(StopIteration):
        return next(pid for pid in host.processes() if _command(pid) == name)
    return None


def _command(pid):
    with contextlib.suppress(OSError):
        with open(f"/proc/{pid}/comm", encoding="utf-8") as file:
            return file.read().strip()
    return ""
