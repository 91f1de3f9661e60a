# SPDX-License-Identifier: Apache-2.0
"""
Commands about a container in a network that are killed at each step that tells others of it.

What it has there, address, port and link, is its own while it runs and nobody's afterwards.
"""

import contextlib
import sqlite3

import faults
import pytest

CHANGES = ["sendto", "sendmsg", "bind", "setns", "flock", "ftruncate", "exit_group"]
GATEWAY = "10.1.0.1"
OWN = "--network", "own", "-p", "8080:80"

pytestmark = pytest.mark.as_shipped


@pytest.fixture
def state_directory(state_directory_in_memory):
    return state_directory_in_memory


@pytest.fixture(autouse=True)
def network(host, cay, image):
    cay.ok("network", "create", "--subnet", "10.1.0.0/24", "--gateway", GATEWAY, "own")
    cay.ok("network", "create", "--subnet", "10.2.0.0/24", "other")


def _rows(cay, table):
    with contextlib.closing(sqlite3.connect(cay.state.directory / "cay.db")) as database:
        return database.execute(f"SELECT count(*) FROM {table}").fetchone()[0]


def _status(cay):
    return cay.ok("inspect", "--format", "{{.State.Status}}", "same")


def _is_published(host):
    return "8080" in str(host.nft("list", "ruleset"))


def _assert_over(host, cay, fault):
    assert not _is_published(host), str(fault)
    assert _rows(cay, "network_lease") == 0, str(fault)
    assert _rows(cay, "published_port WHERE host_port IS NOT NULL") == 0, str(fault)


def test_a_start_that_is_killed_leaves_what_it_had_to_others(host, cay, image):
    cay.ok("create", "--name", "same", *OWN, image, "sleep", "1000")
    found = list(faults.kills(cay, "start", "same", calls=CHANGES))
    cay.ok("stop", "-t", "0", "same")
    seen = set()
    for fault in found:
        fault.run()
        cay.ok("ps", "-a")
        seen.add(_status(cay))
        if _status(cay) == "running":
            assert _is_published(host), str(fault)
        else:
            assert not cay.state.settle(), str(fault)
            cay.ok("ps", "-a")
            _assert_over(host, cay, fault)
        cay.ok("start", "same")
        cay.ok("exec", "same", "ping", "-c", "1", "-W", "5", GATEWAY)
        cay.ok("stop", "-t", "0", "same")
        _assert_over(host, cay, fault)
    assert seen == {"exited", "running"}


def test_a_run_that_is_killed_leaves_nothing(host, cay, image):
    arguments = "run", "--rm", *OWN, image, "true"
    for fault in faults.kills(cay, *arguments, calls=CHANGES):
        fault.run()
        assert not cay.state.settle(), str(fault)
        assert cay.ok("ps", "-aq") == "", str(fault)
        _assert_over(host, cay, fault)


@pytest.mark.parametrize("command", ["connect", "disconnect"])
def test_what_is_killed_between_two_networks_can_be_done_again(host, cay, image, command):
    undo = {"connect": "disconnect", "disconnect": "connect"}[command]
    cay.ok("run", "-d", "--name", "same", *OWN, image, "sleep", "1000")
    if command == "disconnect":
        cay.ok("network", "connect", "other", "same")
    found = list(faults.kills(cay, "network", command, "other", "same", calls=CHANGES))
    cay.ok("network", undo, "other", "same")
    for fault in found:
        fault.run()
        cay.ok("ps")
        cay("network", command, "other", "same")
        expected = ["10.1.0"] if command == "disconnect" else ["10.1.0", "10.2.0"]
        addresses = cay.ok("exec", "same", "ip", "-4", "-o", "address", "show", "scope", "global")
        assert sorted(line.split()[3].rpartition(".")[0] for line in addresses.splitlines()) == (
            expected), str(fault)
        assert _is_published(host), str(fault)
        cay.ok("network", undo, "other", "same")
    cay.ok("rm", "-f", "same")
    _assert_over(host, cay, "at the end")
