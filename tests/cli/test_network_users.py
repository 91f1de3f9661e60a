# SPDX-License-Identifier: Apache-2.0
"""What networks have of the containers in them: addresses, names, and that they are needed."""

import json

import pytest

SLEEP = ("sleep", "1000")


def fails(result, message, code=1):
    assert result.returncode == code and message in result.stderr, str(result)


def run(cay, image, name, *options):
    return cay.ok("run", "-d", "--name", name, *options, image, *SLEEP)


def containers(cay, network):
    return json.loads(cay.ok("network", "inspect", "-f", "{{json .Containers}}", network))


def address(cay, network, container):
    """Of the container with this id."""
    return containers(cay, network)[container]["IPv4Address"]


def bridges(host):
    return {name for name, link in host.links().items()
            if link.get("linkinfo", {}).get("info_kind") == "bridge"}


def test_inspect_shows_who_runs_in_a_network(host, cay, image):
    cay.ok("network", "create", "--subnet", "10.1.0.0/24", "--subnet", "fd00:1::/64", "web")
    identity = run(cay, image, "one", "--network", "web")
    cay.ok("create", "--name", "two", "--network", "web", image, "true")
    (shown,) = containers(cay, "web").items()
    assert shown[0] == identity and len(shown[1].pop("EndpointID")) == 64
    assert shown[1] == {"Name": "one", "MacAddress": "02:42:0a:01:00:02",
                        "IPv4Address": "10.1.0.2/24", "IPv6Address": "fd00:1::2/64"}
    assert "link/ether 02:42:0a:01:00:02" in cay.ok("exec", "one", "ip", "link", "show", "eth0")
    cay.ok("kill", "one")
    cay.ok("wait", "one")
    assert containers(cay, "web") == {}


def test_the_predefined_networks_show_their_containers_too(host, cay, image):
    with_host = run(cay, image, "one", "--network", "host")
    with_bridge = run(cay, image, "two", "--network", "bridge")
    assert {key: value["Name"] for key, value in containers(cay, "host").items()} == {
        with_host: "one"}
    assert containers(cay, "none") == {}
    assert address(cay, "bridge", with_bridge) == "172.17.0.2/16"
    (config,) = json.loads(cay.ok("network", "inspect", "-f", "{{json .IPAM.Config}}", "bridge"))
    assert config == {"Subnet": "172.17.0.0/16", "Gateway": "172.17.0.1"}


def test_a_network_that_is_in_use_stays_and_says_by_whom(host, cay, image):
    cay.ok("network", "create", "web")
    run(cay, image, "one", "--network", "web")
    fails(cay("network", "rm", "web"), "it is in use by container 'one'")
    cay.ok("create", "--name", "another", "--network", "web", image, "true")
    fails(cay("network", "rm", "web"), "it is in use by containers 'another', 'one'")
    fails(cay("network", "rm", "-f", "web"), "'another', 'one'")
    assert cay.ok("network", "prune", "-f") == ""
    assert cay.ok("network", "ls", "-q", "--filter", "dangling=true") == ""
    cay.ok("rm", "-f", "one", "another")
    assert cay.ok("network", "rm", "web") == "web"
    assert bridges(host) == set()


def test_a_removed_network_is_none_of_the_firewall_s(host, cay, image):
    cay.ok("network", "create", "web")
    cay.ok("network", "create", "db")
    cay.ok("run", "--rm", "--network", "web", image, "true")
    cay.ok("run", "--rm", "--network", "db", image, "true")
    web, db = (f"br-{cay.ok('network', 'inspect', '-f', '{{.Id}}', name)[:12]}"
               for name in ("web", "db"))
    rules = json.dumps(host.nft("list", "ruleset"))
    assert web in rules and db in rules
    cay.ok("network", "rm", "web")
    rules = json.dumps(host.nft("list", "ruleset"))
    assert web not in rules and db in rules


def test_a_network_that_is_none_is_named(host, cay, image):
    fails(cay("run", "--rm", "--network", "nope", image, "true"), "no such network: 'nope'", 125)
    assert cay.ok("ps", "-aq") == ""


@pytest.mark.parametrize("wanted, message", [
    ("10.2.0.2", "no configured subnet contains address '10.2.0.2'"),
    ("10.1.0.1", "address '10.1.0.1' is the gateway of network 'web'"),
    ("10.1.0.9", "address '10.1.0.9' is set aside for 'router'"),
    ("10.1.0.0", "stands for all of '10.1.0.0/28'"), ("10.1.0.15", "stands for all of"),
    ("10.1.0.256", "10.1.0.256"), ("fd00::1", "fd00::1")])
def test_an_address_that_cannot_be_had_is_refused(host, cay, image, wanted, message):
    cay.ok("network", "create", "--subnet", "10.1.0.0/28", "--aux-address", "router=10.1.0.9",
           "web")
    result = cay("run", "--rm", "--network", "web", "--ip", wanted, image, "true")
    assert result.returncode == 125 and message in result.stderr, str(result)
    assert cay.ok("ps", "-aq") == ""


def test_an_address_is_had_by_one_and_its_holder_named(host, cay, image):
    cay.ok("network", "create", "--subnet", "10.1.0.0/28", "web")
    run(cay, image, "one", "--network", "web", "--ip", "10.1.0.5")
    fails(cay("run", "--rm", "--network", "web", "--ip", "10.1.0.5", image, "true"),
          "address '10.1.0.5' is already in use by container", 125)
    cay.ok("kill", "one")
    cay.ok("wait", "one")
    assert "10.1.0.5/28" in cay.ok("run", "--rm", "--network", "web", "--ip", "10.1.0.5", image,
                                   "ip", "address", "show", "eth0")


def test_when_all_addresses_are_taken_a_start_says_so_and_leaves_nothing(host, cay, image):
    cay.ok("network", "create", "--ipv6=false", "--subnet", "10.1.0.0/30", "web")
    run(cay, image, "one", "--network", "web")
    fails(cay("run", "--name", "two", "--network", "web", image, "true"),
          "no available IPv4 addresses on this network's address pools: web", 125)
    cay.ok("rm", "-f", "one")
    assert cay.ok("start", "-a", "two") == ""


def test_a_container_that_is_started_again_has_its_address_again(host, cay, image):
    cay.ok("network", "create", "--subnet", "10.1.0.0/24", "web")
    one = run(cay, image, "one", "--network", "web")
    two = run(cay, image, "two", "--network", "web")
    cay.ok("restart", "-t", "0", "one")
    assert address(cay, "web", one) == "10.1.0.2/24"
    assert address(cay, "web", two) == "10.1.0.3/24"
    cay.ok("rm", "-f", "one")
    three = run(cay, image, "three", "--network", "web")
    assert address(cay, "web", three) == "10.1.0.4/24"


def test_a_range_is_where_addresses_are_chosen_from(host, cay, image):
    cay.ok("network", "create", "--subnet", "10.1.0.0/24", "--ip-range", "10.1.0.64/30", "web")
    found = [address(cay, "web", run(cay, image, name, "--network", "web"))
             for name in ("one", "two", "three")]
    assert found == ["10.1.0.65/24", "10.1.0.66/24", "10.1.0.67/24"]
    fails(cay("run", "--rm", "--network", "web", image, "true"), "no available IPv4 addresses", 125)
    outside = run(cay, image, "four", "--network", "web", "--ip", "10.1.0.99")
    assert address(cay, "web", outside) == "10.1.0.99/24"


def test_events_tell_who_is_connected_to_what(host, cay, image):
    web = cay.ok("network", "create", "web")
    db = cay.ok("network", "create", "db")
    one = cay.ok("create", "--name", "one", "--network", "web", image, *SLEEP)
    cay.ok("network", "connect", "db", "one")
    cay.ok("start", "one")
    cay.ok("network", "disconnect", "web", "one")
    cay.ok("kill", "one")
    cay.ok("wait", "one")
    lines = cay.ok("events", "--since", "1h", "--until", "0s", "--filter", "type=network",
                   "--filter", "event=connect", "--filter", "event=disconnect", "--format",
                   "json").splitlines()
    events = [(event["Action"], event["Actor"]["ID"], event["Actor"]["Attributes"])
              for event in map(json.loads, lines)]
    of_web, of_db = ({"container": one, "name": name, "type": "bridge"} for name in ("web", "db"))
    assert events == [("connect", db, of_db), ("connect", web, of_web), ("connect", db, of_db),
                      ("disconnect", web, of_web), ("disconnect", db, of_db)]
