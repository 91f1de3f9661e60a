# SPDX-License-Identifier: Apache-2.0
"""500 containers on one bridge: each has an address of its own and is reached, and when all of
their supervisors are killed at once, the next command gives back all that they had."""

import concurrent.futures

from harness import leaks, network_state
from harness.network_peers import IMAGE, PATH, Way, make_image, reach

COUNT = 500
SIDES = 4


def start(cay, number):
    cay.ok("run", "-d", "--network", "red", "--name", f"c{number}", "--hostname", f"c{number}",
           "-p", f"{10000 + number}:80", IMAGE, PATH, "tcp:80")


def test_500_containers_on_one_bridge_are_reached_and_given_back(host, cay, image, state, build):
    make_image(cay, build)
    cay.ok("network", "create", "red")
    with concurrent.futures.ThreadPoolExecutor(SIDES) as pool:
        list(pool.map(lambda number: start(cay, number), range(COUNT)))
    addresses = {name: address for (name, _), found in network_state.leases(state).items()
                 for address in found if ":" not in address}
    assert len(set(addresses.values())) == COUNT == len(network_state.veths(host.links()))
    assert network_state.problems(host) == []
    ways = [Way(host, address, 80, "*", name) for name, address in addresses.items()]
    ways += [Way(host, "127.0.0.1", 10000 + number, "*", f"c{number}") for number in range(COUNT)]
    assert reach(ways) == []

    state.kill()
    assert cay.ok("ps", "--quiet") == ""
    assert network_state.problems(host) == [] and network_state.targets(host) == []
    assert network_state.leases(state) == {}
    leaks.wait_for_end(host.processes, leaks.SETTLE_LIMIT)
    cay.ok("rm", *(f"c{number}" for number in range(COUNT)))
    cay.ok("network", "rm", "red")
    assert [name for name in host.links() if name != "lo"] == []
