# SPDX-License-Identifier: Apache-2.0
"""
Commands about networks that are killed at each step that changes something, or find no room.

A network is there or it is not, and nothing is on the host for one that is not. What is left is
swept by the next command.
"""

import contextlib
import json
import sqlite3

import faults
import pytest
from harness import debris

# A lock of a range of the database is nothing without what is written under it.
CHANGES = [*faults.FILES, "flock", "sendto", "sendmsg", "exit_group"]

pytestmark = pytest.mark.as_shipped


@pytest.fixture
def state_directory(state_directory_in_memory):
    return state_directory_in_memory


def networks(cay):
    """name -> id."""
    lines = cay.ok("network", "ls", "--no-trunc", "--filter", "type=custom",
                   "--format", "{{.Name}} {{.ID}}").splitlines()
    return dict(line.split() for line in lines)


def bridges(host):
    return {name for name, link in host.links().items()
            if link.get("linkinfo", {}).get("info_kind") == "bridge"}


def assert_whole(host, cay, fault):
    """Nothing is on the host but for the networks that there are."""
    found = networks(cay)
    assert bridges(host) <= {f"br-{identity[:12]}" for identity in found.values()}, str(fault)
    assert debris.of_state(cay.state) == [], str(fault)
    return sorted(found)


def test_a_create_that_is_killed_leaves_a_network_or_none_and_needs_no_sweep(host, cay):
    command = ["network", "create", "--subnet", "10.1.0.0/24", "-o",
               "com.docker.network.bridge.name=caytest0", "same"]
    found = list(faults.kills(cay, *command, calls=CHANGES))
    cay.ok("network", "rm", "same")
    seen = set()
    for fault in found:
        fault.run()
        result = cay(*command)
        seen.add(result.returncode)
        is_taken = "network with name 'same' already exists" in result.stderr
        assert result.returncode == 0 or is_taken, f"{fault}: {result}"
        cay.ok("network", "rm", "same")
        assert bridges(host) == set() and debris.of_state(cay.state) == [], str(fault)
    assert seen == {0, 1}


@pytest.mark.parametrize("command", [["rm", "same"], ["prune", "-f"]])
def test_a_removal_that_is_killed_leaves_a_network_or_nothing(host, cay, command):
    create = ["network", "create", "--subnet", "10.1.0.0/24", "-o",
              "com.docker.network.bridge.name=caytest0", "same"]
    cay.ok(*create)
    seen = set()
    for fault in faults.kills(cay, "network", *command, calls=CHANGES):
        if not networks(cay):
            cay.ok(*create)  # at once after one that was killed: its bridge is not in the way
        fault.run()
        left = "same" in networks(cay)
        assert bridges(host) == ({"caytest0"} if left else set()), str(fault)
        seen.add(left)
    assert seen == {True, False}


def test_a_create_without_room_makes_nothing(host, cay):
    found = list(faults.failures(cay, "network", "create", "same", errno="ENOSPC",
                                 calls=["pwrite64", "openat", "ftruncate"]))
    cay.ok("network", "rm", "same")
    seen = set()
    for fault in found:
        result = fault.run()
        seen.add(result.returncode)
        expected = ["same"] if result.returncode == 0 else []
        assert assert_whole(host, cay, fault) == expected, f"{fault}: {result}"
        if result.returncode != 0:
            assert len(result.stderr.splitlines()) == 1, f"{fault}: {result}"
            assert bridges(host) == set(), str(fault)
        cay.ok("network", "rm", "-f", "same")
    assert 1 in seen


def test_a_removal_without_room_removes_all_or_nothing(host, cay):
    cay.ok("network", "create", "same")
    seen = set()
    for fault in faults.failures(cay, "network", "rm", "same", errno="ENOSPC",
                                 calls=["pwrite64", "openat"]):
        if not networks(cay):
            cay.ok("network", "create", "same")
        result = fault.run()
        seen.add(result.returncode)
        left = assert_whole(host, cay, fault)
        assert left == ([] if result.returncode == 0 else ["same"]), f"{fault}: {result}"
        (network,) = json.loads(cay.ok("network", "inspect", left[0])) if left else (None,)
        assert not network or bridges(host) == {f"br-{network['Id'][:12]}"}, str(fault)
    assert 1 in seen


def forget_default_network(host, state):
    """As if no container had ever been in it."""
    with contextlib.closing(sqlite3.connect(state.directory / "cay.db")) as database, database:
        database.execute("UPDATE network SET spec = ? WHERE name = 'bridge'",
                         ['{"Driver":"bridge","EnableIPv4":true}'])
        for table in "network_gap", "network_cursor":
            database.execute(f"DELETE FROM {table}")
    for bridge in bridges(host):
        host.ip(f"link delete {bridge}")


def test_a_first_use_of_the_default_network_that_is_killed_is_gone_on_with(host, cay, image):
    run = ["run", "--rm", "--network", "bridge", image, "ping", "-c", "1", "-W", "5", "172.17.0.1"]
    for fault in faults.kills(cay, *run, calls=["flock", "sendto", "sendmsg"]):
        cay.state.settle()
        assert cay.ok("ps", "-aq") == ""
        forget_default_network(host, cay.state)
        fault.run()
        cay.state.settle()
        result = cay(*run)
        assert result.returncode == 0 and len(bridges(host)) == 1, f"{fault}: {result}"


def test_what_one_that_was_killed_had_is_free_for_the_next(host, cay, image):
    """No command has looked after it in between."""
    cay.ok("network", "create", "--ipv6=false", "--subnet", "10.1.0.0/30", "same")
    run = ["run", "--rm", "--network", "same", "-p", "80:80", image, "true"]
    for fault in faults.kills(cay, *run, calls=["sendto", "sendmsg"]):
        fault.run()
        cay.state.settle()
        assert cay(*run).returncode == 0, str(fault)
