# SPDX-License-Identifier: Apache-2.0
"""
Containers with all that networks can give them start and end, over and over, and nothing grows:
neither rows, links and elements of the firewall, nor what the server of names keeps. CAY_TEST_SOAK
is how many there are.
"""

import concurrent.futures
import os

from harness import leaks, network_state
from harness.network_peers import IMAGE, PATH, make_image

CYCLES = int(os.environ.get("CAY_TEST_SOAK", "150"))
WARM_UP = 50
SIDES = 4
KEPT_LINKS = 4  # the loopback, two bridges, and that of the one that stays
MAY_GROW = 64  # KiB; of memory, which is given out in pages


def live(cay, number):
    cay.ok("run", "--rm", "--network", "red", "--network", "blue", "-p", f"{20000 + number}:80",
           "--net-rate", "egress=1gbit", "--network-alias", f"alias-{number}", "--hostname",
           f"c{number}", IMAGE, "nslookup", "stays")


def live_often(cay, count):
    with concurrent.futures.ThreadPoolExecutor(SIDES) as pool:
        list(pool.map(lambda number: live(cay, number), range(count)))


def server_memory(pid):
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
        return sum(int(line.split()[1]) for line in file if line.startswith("Private_Dirty:"))


def measure(host):
    """{what: how many}"""
    (server,) = [pid for pid in host.processes() if leaks.program_name(pid) == "cay-dns"]
    links = host.wait_for_links(lambda links: len(links) == KEPT_LINKS)
    tables = [name for name, in network_state.rows(
        host.state, "SELECT name FROM sqlite_schema WHERE type = 'table'")]
    found = {f"rows of {table}": network_state.rows(host.state, f"SELECT count(*) FROM {table}")
             for table in tables if not table.startswith("sqlite")}
    return {**found, "links": sorted(links), "elements": len(network_state.elements(host)),
            "descriptors of cay-dns": len(os.listdir(f"/proc/{server}/fd")),
            "processes": len(host.processes())}, server_memory(server)


def test_nothing_grows(host, cay, image, build):
    make_image(cay, build)
    for network in "red", "blue":
        cay.ok("network", "create", network)
    cay.ok("run", "-d", "--name", "stays", "--network", "red", "-p", "80:80", IMAGE, PATH)
    live_often(cay, WARM_UP)
    before, memory = measure(host)
    live_often(cay, CYCLES)
    after, memory_after = measure(host)
    assert after == before
    assert memory_after - memory <= MAY_GROW
    assert network_state.problems(host) == []
    cay.ok("rm", "-f", "stays")
