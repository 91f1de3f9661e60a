# SPDX-License-Identifier: Apache-2.0
"""Updates of ports and rates that are killed, or find no room: afterwards specification, rows,
firewall and links say the same, what was or what was to be."""

import json

import faults
import pytest

CHANGES = [*faults.FILES, *faults.LOCKS, "sendto", "sendmsg", "bind", "exit_group"]

pytestmark = pytest.mark.as_shipped


@pytest.fixture
def state_directory(state_directory_in_memory):
    return state_directory_in_memory


@pytest.fixture
def web(host, cay, image, no_leaks):
    cay.ok("run", "-d", "--name", "web", "--network", "bridge", "-p", "8080:80", "--net-rate",
           "ingress=8mbit", image, "sh", "-c", "trap 'exit 0' TERM; sleep 9999 & wait")
    yield "web"
    cay("rm", "-f", "web")


def update(port, rate):
    return ["update", "--publish-rm", "80", "--publish-add", f"{port}:80", "--net-rate",
            f"ingress={rate}mbit", "web"]


def elements(host):
    """Which of the two ports the firewall leads anywhere."""
    rules = json.dumps(host.nft("list", "ruleset"))
    return {port for port in ("8080", "9090") if port in rules}


def everywhere(host, cay):
    """Each place's ports and rate."""
    (container,) = json.loads(cay.ok("inspect", "web"))
    settings = container["NetworkSettings"]
    queues = json.loads(host.run("tc", "-j", "qdisc", "show"))
    return {
        "specification": {binding["HostPort"] for binding in
                          container["HostConfig"]["PortBindings"].get("80/tcp", [])},
        "rows": {binding["HostPort"] for binding in settings["Ports"].get("80/tcp") or []},
        "firewall": elements(host),
        "endpoint": settings["Networks"]["bridge"].get("IngressRate"),
        "kernel": [8 * queue["options"]["rate"] for queue in queues if queue["kind"] == "tbf"],
    }


def expected(port, rate):
    return {"specification": {port}, "rows": {port}, "firewall": {port},
            "endpoint": rate * 1000000, "kernel": [rate * 1000000]}


BEFORE, AFTER = expected("8080", 8), expected("9090", 16)


def test_an_update_of_ports_that_is_killed_anywhere_is_done_or_undone(host, cay, web):
    seen = []
    for fault in faults.kills(cay, *update(9090, 16), calls=CHANGES):
        if everywhere(host, cay) != BEFORE:
            cay.ok(*update(8080, 8))
        fault.run()
        cay.ok("ps", "-q")
        now = everywhere(host, cay)
        assert now in (BEFORE, AFTER), str(fault)
        seen.append(now == AFTER)
    assert True in seen and False in seen


def test_an_update_of_ports_without_room_is_done_or_undone(host, cay, web):
    seen = set()
    for fault in faults.failures(cay, *update(9090, 16), errno="ENOSPC",
                                 calls=["write", "pwrite64", "fdatasync"]):
        if everywhere(host, cay) != BEFORE:
            cay.ok(*update(8080, 8))
        result = fault.run()
        cay.ok("ps", "-q")
        now = everywhere(host, cay)
        assert now == AFTER or (result.returncode == 1 and now == BEFORE), f"{fault}: {result}"
        seen.add(result.returncode)
    assert 1 in seen
