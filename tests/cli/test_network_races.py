# SPDX-License-Identifier: Apache-2.0
"""Commands about networks at the same time, of one installation and of several on one host."""

import contextlib
import ipaddress
import json

import pytest
from harness import images
from harness.program import Cay, State


@pytest.fixture
def state_directory(state_directory_in_memory):
    return state_directory_in_memory


def end(process):
    stdout, stderr = process.communicate(timeout=60)
    return process.returncode, stdout.decode(), stderr.decode()


def at_once(cay, *commands):
    return [end(process) for process in [cay.spawn(*command) for command in commands]]


def networks(cay):
    """name -> id."""
    lines = cay.ok("network", "ls", "--no-trunc", "--filter", "type=custom",
                   "--format", "{{.Name}} {{.ID}}").splitlines()
    return dict(line.split() for line in lines)


def bridges(host):
    return {name for name, link in host.links().items()
            if link.get("linkinfo", {}).get("info_kind") == "bridge"}


def bridges_of(cay):
    return {f"br-{identity[:12]}" for identity in networks(cay).values()}


def subnets(cay):
    found = json.loads(cay.ok("network", "inspect", *networks(cay)))
    return [ipaddress.ip_network(config["Subnet"])
            for network in found for config in network["IPAM"]["Config"]]


def assert_disjoint(found):
    assert not [(a, b) for i, a in enumerate(found) for b in found[i + 1:]
                if a.version == b.version and a.overlaps(b)]


def test_one_name_is_given_once(host, cay):
    results = at_once(cay, *[["network", "create", "same"]] * 8)
    assert sorted(code for code, _, _ in results) == [0, *[1] * 7]
    assert all("network with name 'same' already exists" in stderr
               for code, _, stderr in results if code != 0)
    assert bridges(host) == bridges_of(cay) and len(bridges(host)) == 1


def test_one_subnet_is_given_once(host, cay):
    results = at_once(cay, *(["network", "create", "--subnet", "10.1.0.0/24", f"web{number}"]
                             for number in range(8)))
    assert sorted(code for code, _, _ in results) == [0, *[1] * 7]
    assert all("pool overlaps" in stderr for code, _, stderr in results if code != 0)
    assert bridges(host) == bridges_of(cay) and len(bridges(host)) == 1


def test_networks_that_are_made_at_once_have_subnets_of_their_own(host, cay):
    results = at_once(cay, *(["network", "create", f"web{number}"] for number in range(8)))
    assert [code for code, _, _ in results] == [0] * 8, results
    assert_disjoint(subnets(cay))
    assert bridges(host) == bridges_of(cay)


@pytest.fixture
def installations(host, cay, build, state):
    """Four of them on one host, of which none knows of the others."""
    with contextlib.ExitStack() as stack:
        cays = [cay]
        for number in range(3):
            other = State(f"{state.base}-{number}")
            stack.callback(other.remove)
            other.place = state.place
            cays.append(Cay(build, other))
            stack.callback(cays[-1].end)
        yield cays


def test_so_have_those_of_several_installations_on_one_host(host, installations):
    processes = [cay.spawn("network", "create", f"web{number}")
                 for number in range(3) for cay in installations]
    results = [end(process) for process in processes]
    assert [code for code, _, _ in results] == [0] * 12, results
    assert_disjoint([subnet for cay in installations for subnet in subnets(cay)])
    assert len(bridges(host)) == 12
    for cay in installations:
        cay.ok("network", "prune", "-f")
    assert bridges(host) == set()


def test_so_have_their_default_networks(host, installations):
    for cay in installations:
        images.make_busybox(cay)
    processes = [cay.spawn("run", "--rm", "--network", "bridge", images.BUSYBOX_REFERENCE, "true")
                 for cay in installations]
    results = [end(process) for process in processes]
    assert [code for code, _, _ in results] == [0] * 4, results
    configs = [json.loads(cay.ok("network", "inspect", "-f", "{{json .IPAM.Config}}", "bridge"))
               for cay in installations]
    assert_disjoint([ipaddress.ip_network(config["Subnet"]) for (config,) in configs])
    assert len(bridges(host)) == 4


def test_a_network_that_is_made_and_removed_at_once_is_whole_or_gone(host, cay):
    for _ in range(5):
        results = at_once(cay, *[["network", "create", "same"], ["network", "rm", "same"]] * 3)
        assert all(code in (0, 1) and len(stderr.splitlines()) <= 1 for code, _, stderr in results)
        assert bridges(host) == bridges_of(cay)
        cay.ok("network", "rm", "-f", "same")
    assert bridges(host) == set()


def test_one_that_is_removed_by_several_is_removed_once(host, cay):
    cay.ok("network", "create", "same")
    results = at_once(cay, *[["network", "rm", "same"]] * 6)
    assert sorted(code for code, _, _ in results) == [0, *[1] * 5]
    assert all("no such network: 'same'" in stderr for code, _, stderr in results if code != 0)


def test_a_network_is_joined_or_removed_but_not_both(host, cay, image):
    for number in range(5):
        cay.ok("network", "create", "same")
        name = f"one{number}"
        created, removed = at_once(cay, ["create", "--name", name, "--network", "same", image,
                                         "true"],
                                   ["network", "rm", "same"])
        assert (created[0], removed[0]) in ((0, 1), (1, 0)), (created, removed)
        if removed[0] == 0:
            assert "no such network: 'same'" in created[2], created
        else:
            assert f"it is in use by container '{name}'" in removed[2], removed
            cay.ok("rm", name)
            cay.ok("network", "rm", "same")
        assert cay.ok("ps", "-aq") == "" and bridges(host) == set()
