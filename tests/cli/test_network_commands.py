# SPDX-License-Identifier: Apache-2.0
"""`cay network create`, `ls`, `inspect`, `rm` and `prune`, where no container is in a network."""

import ipaddress
import json
import re

import pytest


@pytest.fixture
def state_directory(state_directory_in_memory):
    return state_directory_in_memory


def fails(result, message, code=1):
    assert result.returncode == code and message in result.stderr, str(result)


def names(cay, *options):
    return cay.ok("network", "ls", "--format", "{{.Name}}", *options).split()


def inspect(cay, name, *options):
    (network,) = json.loads(cay.ok("network", "inspect", *options, name))
    return network


def subnets(network):
    return [ipaddress.ip_network(config["Subnet"]) for config in network["IPAM"]["Config"]]


def bridges(host):
    return {name for name, link in host.links().items()
            if link.get("linkinfo", {}).get("info_kind") == "bridge"}


def bridge_of(network):
    return f"br-{network['Id'][:12]}"


# --- what there is ---

def test_three_networks_are_always_there(cay):
    lines = cay.ok("network", "ls").splitlines()
    assert re.fullmatch(r"NETWORK ID +NAME +DRIVER +SCOPE", lines[0])
    assert [re.split(" +", line)[1:] for line in lines[1:]] == [
        ["bridge", "bridge", "local"], ["host", "host", "local"], ["none", "null", "local"]]


def test_their_ids_are_random_and_stay(cay):
    before = cay.ok("network", "ls", "-q", "--no-trunc").split()
    assert all(re.fullmatch("[0-9a-f]{64}", identity) for identity in before)
    assert len(set(before)) == 3
    assert cay.ok("network", "ls", "-q", "--no-trunc").split() == before
    assert cay.ok("network", "ls", "-q").split() == [identity[:12] for identity in before]


def test_nothing_is_on_the_host_for_networks_that_nobody_uses(host, cay):
    cay.ok("network", "ls")
    cay.ok("network", "inspect", "bridge", "host", "none")
    assert bridges(host) == set()


# --- create ---

def test_a_network_has_subnets_of_both_families_and_a_bridge_with_their_gateways(host, cay):
    identity = cay.ok("network", "create", "web")
    assert re.fullmatch("[0-9a-f]{64}", identity)
    network = inspect(cay, "web")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", network.pop("Created"))
    config = network.pop("IPAM")["Config"]
    four, six = (ipaddress.ip_network(each["Subnet"]) for each in config)
    assert (four, six.prefixlen) == (ipaddress.ip_network("172.17.0.0/16"), 64)
    assert six.subnet_of(ipaddress.ip_network("fd00::/8"))
    assert [each["Gateway"] for each in config] == [str(four[1]), str(six[1])]
    assert network == {
        "Name": "web", "Id": identity, "Scope": "local", "Driver": "bridge", "EnableIPv4": True,
        "EnableIPv6": True, "Internal": False, "Attachable": False, "Ingress": False,
        "ConfigFrom": {"Network": ""}, "ConfigOnly": False, "Containers": {}, "Options": {},
        "Labels": {}}
    assert host.addresses(f"br-{identity[:12]}") == {f"{four[1]}/16", f"{six[1]}/64"}


def test_what_was_asked_for_is_had(host, cay):
    cay.ok("network", "create", "--subnet", "10.99.0.0/24", "--gateway", "10.99.0.254",
           "--ip-range", "10.99.0.64/26", "--aux-address", "router=10.99.0.70",
           "--subnet", "fd12:3456::/64", "--label", "a=b", "--label", "plain",
           "-o", "com.docker.network.driver.mtu=1400", "--attachable", "web")
    network = inspect(cay, "web")
    assert network["IPAM"]["Config"] == [
        {"Subnet": "10.99.0.0/24", "IPRange": "10.99.0.64/26", "Gateway": "10.99.0.254",
         "AuxiliaryAddresses": {"router": "10.99.0.70"}},
        {"Subnet": "fd12:3456::/64", "Gateway": "fd12:3456::1"}]
    assert network["Labels"] == {"a": "b", "plain": ""}
    assert network["Options"] == {"com.docker.network.driver.mtu": "1400"}
    assert network["Attachable"] is True
    assert host.addresses(bridge_of(network)) == {"10.99.0.254/24", "fd12:3456::1/64"}
    assert host.links()[bridge_of(network)]["mtu"] == 1400


@pytest.mark.parametrize("options, families", [
    (["--ipv6=false"], [4]), (["--ipv4=false"], [6]), (["--ipv6"], [4, 6]),
    (["--ipv6=false", "--subnet", "10.1.0.0/24"], [4]),
    (["--ipv4=false", "--subnet", "fd00:1::/64"], [6]),
    (["--subnet", "fd00:1::/64,10.1.0.0/24"], [4, 6])])
def test_families_are_chosen(host, cay, options, families):
    cay.ok("network", "create", *options, "web")
    network = inspect(cay, "web")
    assert sorted(subnet.version for subnet in subnets(network)) == families
    assert (network["EnableIPv4"], network["EnableIPv6"]) == (4 in families, 6 in families)


def test_a_subnet_is_chosen_that_nothing_else_on_the_host_has(host, cay):
    host.ip("link add caytest0 type veth peer name caytest1", "link set caytest0 up",
            "link set caytest1 up", "address add 172.17.5.1/24 dev caytest0",
            "route add 172.18.0.0/15 dev caytest0")
    cay.ok("network", "create", "one")
    cay.ok("network", "create", "two")
    four = [subnets(inspect(cay, name))[0] for name in ("one", "two")]
    assert [str(subnet) for subnet in four] == ["172.20.0.0/16", "172.21.0.0/16"]
    host.ip("link delete caytest0")


def test_a_subnet_that_was_given_back_is_chosen_again(host, cay):
    for _ in range(2):
        cay.ok("network", "create", "web")
        assert str(subnets(inspect(cay, "web"))[0]) == "172.17.0.0/16"
        cay.ok("network", "rm", "web")


@pytest.mark.parametrize("options, message", [
    (["--gateway", "10.0.0.1"], "must have a corresponding subnet"),
    (["--ip-range", "10.0.0.0/28"], "must have a corresponding subnet"),
    (["--subnet", "10.0.0.0"], "invalid subnet '10.0.0.0'"),
    (["--subnet", "10.0.0.0/33"], "invalid subnet '10.0.0.0/33'"),
    (["--subnet", "fd00::/129"], "invalid subnet 'fd00::/129'"),
    (["--subnet", ""], "invalid subnet ''"),
    (["--subnet", "10.0.0.0/8 "], "invalid subnet '10.0.0.0/8 '"),
    (["--subnet", "10.0.0.7/24"], "10.0.0.0/24"),
    (["--subnet", "10.0.0.0/24", "--subnet", "10.0.0.128/25"], "overlapping"),
    (["--subnet", "10.0.0.0/24", "--subnet", "10.0.1.0/24"], "IPv4"),
    (["--subnet", "10.0.0.0/24", "--gateway", "10.0.1.1"],
     "no matching subnet for gateway '10.0.1.1'"),
    (["--subnet", "10.0.0.0/24", "--gateway", "nonsense"], "invalid gateway address 'nonsense'"),
    (["--subnet", "10.0.0.0/24", "--gateway", "10.0.0.0"], "10.0.0.0"),
    (["--subnet", "10.0.0.0/24", "--gateway", "10.0.0.255"], "10.0.0.255"),
    (["--subnet", "10.0.0.0/24", "--gateway", "10.0.0.1", "--gateway", "10.0.0.2"],
     "cannot configure multiple gateways"),
    (["--subnet", "10.0.0.0/24", "--ip-range", "10.0.1.0/28"],
     "no matching subnet for range '10.0.1.0/28'"),
    (["--subnet", "10.0.0.0/24", "--ip-range", "10.0.0.0/16"], "10.0.0.0/16"),
    (["--subnet", "10.0.0.0/24", "--ip-range", "10.0.0.0/28", "--ip-range", "10.0.0.16/28"],
     "cannot configure multiple ranges"),
    (["--subnet", "10.0.0.0/24", "--aux-address", "a=10.0.1.1"],
     "no matching subnet for aux-address '10.0.1.1'"),
    (["--subnet", "10.0.0.0/24", "--aux-address", "a=b"], "invalid aux-address 'a=b'"),
    (["--subnet", "10.0.0.0/32"], "10.0.0.0/32"),
    (["--ipv4=false", "--ipv6=false"], "IPv4 or IPv6 must be enabled"),
    (["--ipv4=false", "--subnet", "10.0.0.0/24"], "'--ipv4=false'"),
    (["--ipv6=false", "--subnet", "fd00::/64"], "'--ipv6=false'"),
    (["--driver", "nonsense"], "no such network driver: 'nonsense' (there are bridge"),
    (["--driver", "host"], "only one instance of 'host' network is allowed"),
    (["--driver", "null"], "only one instance of 'null' network is allowed"),
    (["--driver", ""], "no such network driver: ''"),
    (["--opt", "nonsense=1"], "nonsense"),
    (["--opt", "parent=lo"], "parent"),
    (["--opt", "com.docker.network.driver.mtu=nonsense"], "com.docker.network.driver.mtu"),
    (["--ipam-driver", "nonsense"], "'--ipam-driver nonsense' is not supported"),
    (["--ingress"], "'--ingress' is not supported"),
    (["--scope", "swarm"], "'--scope' is not supported"),
    (["--config-only"], "'--config-only' is not supported"),
    (["--config-from", "a"], "'--config-from' is not supported"),
    (["--ipam-opt", "a=b"], "'--ipam-opt' is not supported"),
    (["--label", "=b"], "NAME=VALUE"),
    (["--aux-address", "=10.0.0.1"], "NAME=VALUE"),
])
def test_what_cannot_be_is_refused_and_leaves_nothing(host, cay, options, message):
    result = cay("network", "create", *options, "web")
    assert result.returncode in (1, 125) and result.stdout == "", str(result)
    assert message in result.stderr and len(result.stderr.splitlines()) <= 2, str(result)
    assert names(cay) == ["bridge", "host", "none"]
    assert bridges(host) == set()


@pytest.mark.parametrize("name", ["", "-a", "a b", "a/b", ".a", "ä", "container:a", "a\nb",
                                  "x" * 300])
def test_a_name_that_is_none_is_refused(host, cay, name):
    result = cay("network", "create", "--", name)
    assert result.returncode == 1 and "name" in result.stderr, str(result)
    assert names(cay) == ["bridge", "host", "none"]


@pytest.mark.parametrize("name", ["bridge", "host", "none", "default"])
def test_a_predefined_name_is_refused(host, cay, name):
    fails(cay("network", "create", name),
          f"operation is not permitted on predefined '{name}' network")


def test_a_name_is_had_by_one(host, cay):
    cay.ok("network", "create", "web")
    fails(cay("network", "create", "web"), "network with name 'web' already exists")
    assert names(cay, "--filter", "type=custom") == ["web"]
    assert len(bridges(host)) == 1


def test_a_subnet_is_had_by_one(host, cay):
    cay.ok("network", "create", "--subnet", "10.1.0.0/16", "web")
    fails(cay("network", "create", "--subnet", "10.1.7.0/24", "db"),
          "pool overlaps with other one on this address space: subnet '10.1.7.0/24' and "
          "'10.1.0.0/16' of network 'web'")
    fails(cay("network", "create", "--subnet", "10.0.0.0/8", "db"), "of network 'web'")
    assert len(bridges(host)) == 1


def test_a_subnet_that_the_host_has_a_route_to_is_refused(host, cay):
    host.ip("link add caytest0 type veth peer name caytest1", "link set caytest0 up",
            "link set caytest1 up", "address add 10.1.2.3/24 dev caytest0")
    fails(cay("network", "create", "--subnet", "10.1.0.0/16", "web"),
          "subnet '10.1.0.0/16' and '10.1.2.0/24', which the host has a route to")
    assert bridges(host) == set()
    host.ip("link delete caytest0")


def test_an_interface_that_is_in_the_way_is_named(host, cay):
    host.ip("link add caytest0 type veth peer name caytest1")
    result = cay("network", "create", "-o", "com.docker.network.bridge.name=caytest0", "web")
    fails(result, "'caytest0'")
    assert names(cay) == ["bridge", "host", "none"]
    assert "caytest0" in host.links()
    host.ip("link delete caytest0")


def test_when_all_pools_are_taken_a_network_says_so(host, cay):
    host.ip("link add caytest0 type veth peer name caytest1", "link set caytest0 up",
            "link set caytest1 up", "route add 172.16.0.0/12 dev caytest0",
            "route add 192.168.0.0/16 dev caytest0")
    fails(cay("network", "create", "web"), "all predefined IPv4 address pools are in use")
    cay.ok("network", "create", "--subnet", "10.1.0.0/24", "web")
    host.ip("link delete caytest0")


# --- ls ---

def test_networks_are_listed_as_docker_does(host, cay):
    identity = cay.ok("network", "create", "--label", "a=b", "--internal", "web")
    line = json.loads(cay.ok("network", "ls", "--filter", "name=web", "--format", "json"))
    assert re.match(r"\d{4}-", line.pop("CreatedAt"))
    assert line == {"Driver": "bridge", "ID": identity[:12], "IPv4": "true", "IPv6": "true",
                    "Internal": "true", "Labels": "a=b", "Name": "web", "Scope": "local"}
    assert cay.ok("network", "ls", "--no-trunc", "--filter", "name=web", "--format",
                  '{{.ID}} {{.Label "a"}}') == f"{identity} b"


def test_filters_choose_networks(host, cay):
    identity = cay.ok("network", "create", "--label", "a=b", "--label", "c", "web")
    cay.ok("network", "create", "--label", "a=c", "--subnet", "10.1.0.0/24", "db")
    custom, builtin = ["db", "web"], ["bridge", "host", "none"]
    for filters, expected in (
            (["type=custom"], custom), (["type=builtin"], builtin),
            (["type=custom", "type=builtin"], sorted(custom + builtin)),
            (["dangling=true"], custom), (["dangling=false"], builtin),
            (["driver=null"], ["none"]), (["driver=bridge"], ["bridge", *custom]),
            (["label=a"], custom), (["label=a=b"], ["web"]), (["label=a", "label=c"], ["web"]),
            (["name=^w"], ["web"]), (["name=b"], ["bridge", *custom]), (["name=b$"], custom),
            ([f"id={identity[:5]}"], ["web"]), (["scope=local"], sorted(custom + builtin)),
            (["scope=swarm"], []), (["driver=bridge", "type=custom", "label=c"], ["web"])):
        options = [part for each in filters for part in ("--filter", each)]
        assert names(cay, *options) == expected, filters


@pytest.mark.parametrize("text, message", [
    ("type=nonsense", "there are builtin and custom"), ("scope=here", "'scope=here'"),
    ("dangling=maybe", "use true or false"), ("drive=x", "did you mean 'driver'?"),
    ("name", "write it as NAME=VALUE"), ("name=(", "it is not a regular expression")])
def test_a_filter_that_is_none_is_refused(cay, text, message):
    fails(cay("network", "ls", "--filter", text), message)


# --- inspect ---

def test_inspect_shows_what_it_finds_and_tells_what_it_does_not(host, cay):
    cay.ok("network", "create", "web")
    result = cay("network", "inspect", "web", "nope", "host")
    assert result.returncode == 1
    assert [network["Name"] for network in json.loads(result.stdout)] == ["web", "host"]
    assert "no such network: 'nope'" in result.stderr


def test_a_network_is_known_by_name_id_and_the_beginning_of_it(host, cay):
    identity = cay.ok("network", "create", "web")
    for name in ("web", identity, identity[:12], identity[:6]):
        assert cay.ok("network", "inspect", "-f", "{{.Id}}", name) == identity
    assert cay.ok("inspect", "--type", "network", "-f", "{{.Name}}", identity[:8]) == "web"
    assert cay.ok("inspect", "-f", "{{.Name}}", "web") == "web"


def test_a_name_goes_before_the_beginning_of_an_id(host, cay):
    identity = cay.ok("network", "create", "web")
    cay.ok("network", "create", identity[:4])
    assert cay.ok("network", "inspect", "-f", "{{.Name}}", identity[:4]) == identity[:4]


def test_verbose_shows_what_was_decided_about_links(host, cay):
    network = inspect(cay, cay.ok("network", "create", "web"), "-v")
    assert network["Links"] == {"Interface": bridge_of(network)}


# --- rm and prune ---

def test_a_network_that_is_removed_leaves_nothing(host, cay):
    cay.ok("network", "create", "web")
    cay.ok("network", "create", "db")
    assert cay.ok("network", "rm", "web", "db") == "web\ndb"
    assert names(cay) == ["bridge", "host", "none"]
    assert bridges(host) == set()


def test_each_is_removed_whatever_becomes_of_the_others(host, cay):
    cay.ok("network", "create", "web")
    result = cay("network", "rm", "nope", "bridge", "web")
    assert (result.returncode, result.stdout) == (1, "web\n")
    assert "no such network: 'nope'" in result.stderr
    assert "'bridge' is a pre-defined network and cannot be removed" in result.stderr
    assert cay.ok("network", "rm", "-f", "nope") == "nope"
    fails(cay("network", "rm", "-f", "host"), "pre-defined")


def test_a_bridge_that_somebody_has_deleted_keeps_no_network(host, cay):
    network = inspect(cay, cay.ok("network", "create", "web"))
    host.ip(f"link delete {bridge_of(network)}")
    cay.ok("network", "rm", "web")
    assert names(cay) == ["bridge", "host", "none"]


def test_prune_asks_and_removes_all_that_nobody_uses(host, cay):
    cay.ok("network", "create", "--label", "keep", "web")
    cay.ok("network", "create", "db")
    result = cay("network", "prune", input="n\n")
    assert result.returncode == 1
    assert "WARNING! This will remove all custom networks not used by at least one container." \
        in result.stdout
    assert names(cay, "--filter", "type=custom") == ["db", "web"]
    assert cay.ok("network", "prune", "-f", "--filter", "label!=keep") == "Deleted Networks:\ndb"
    assert cay.ok("network", "prune", "-f", "--filter", "until=1h") == ""
    assert "Deleted Networks:\nweb" in cay.ok("network", "prune", input="y\n")
    assert bridges(host) == set()


def test_system_prune_removes_networks(host, cay):
    cay.ok("network", "create", "web")
    assert "Deleted Networks:\nweb\n" in cay.ok("system", "prune", "-f")
    assert names(cay) == ["bridge", "host", "none"]


# --- what tells of networks ---

def test_events_tell_of_networks(host, cay):
    identity = cay.ok("network", "create", "web")
    cay.ok("network", "rm", "web")
    lines = cay.ok("events", "--since", "1h", "--until", "0s", "--filter", "type=network",
                   "--format", "json").splitlines()
    events = [(event["Action"], event["Actor"]["ID"], event["Actor"]["Attributes"])
              for event in map(json.loads, lines)]
    attributes = {"name": "web", "type": "bridge"}
    assert events == [("create", identity, attributes), ("destroy", identity, attributes)]


def test_info_tells_the_drivers(cay):
    drivers = json.loads(cay.ok("info", "-f", "{{json .Plugins.Network}}"))
    assert {"bridge", "host", "null"} <= set(drivers) and drivers == sorted(drivers)


# --- drivers other than bridge ---

@pytest.fixture
def parent(host):
    """An interface of the host that leads nowhere."""
    host.ip("link add caytest0 type veth peer name caytest1", "link set caytest0 up",
            "link set caytest1 up", "address add 10.5.0.2/24 dev caytest0")
    yield "caytest0"
    host.ip("link delete caytest0")


def test_beside_the_host_its_own_subnet_may_be_had(host, cay, parent):
    before = set(host.links())
    cay.ok("network", "create", "-d", "macvlan", "--parent", parent, "--mode", "private",
           "--subnet", "10.5.0.0/24", "--gateway", "10.5.0.1", "lan")
    network = inspect(cay, "lan", "-v")
    assert network["Links"] == {"Parent": parent, "Mode": "private"}
    assert network["Options"] == {"parent": parent, "mode": "private"}
    assert (network["EnableIPv4"], network["EnableIPv6"]) == (True, False)
    assert set(host.links()) == before
    fails(cay("network", "create", "-d", "macvlan", "--parent", parent, "--subnet",
              "10.5.0.128/25", "other"), "pool overlaps")
    cay.ok("network", "rm", "lan")
    assert set(host.links()) == before


def test_a_vxlan_has_a_bridge_and_leaves_nothing(host, cay, parent):
    before = set(host.links())
    cay.ok("network", "create", "-d", "vxlan", "-o", "vni=7", "-o", "peers=10.5.0.9", "far")
    assert len(set(host.links()) - before) == 2
    cay.ok("network", "rm", "far")
    assert set(host.links()) == before


@pytest.mark.parametrize("options, message", [
    (["-d", "macvlan", "--parent", "nope0"], "the host has no interface 'nope0'"),
    (["-d", "macvlan", "--parent", "a/b"], "a/b"),
    (["-d", "macvlan", "--parent", ""], "parent"),
    (["-d", "macvlan", "--parent", "caytest0", "--mode", "nonsense"], "macvlan has no mode"),
    (["-d", "macvlan", "--parent", "caytest0", "-o", "parent=caytest1"],
     "'--parent caytest0' contradicts '--opt parent=caytest1'"),
    (["-d", "ipvlan", "--parent", "caytest0", "--mode", "bridge"], "ipvlan has no mode"),
    (["-d", "vlan", "--parent", "caytest0"], "a vlan needs option 'vlan'"),
    (["-d", "vlan", "--parent", "caytest0", "-o", "vlan=4095"], "no number from 1 to 4094"),
    (["-d", "vxlan"], "a vxlan needs option 'vni'"),
    (["-d", "vxlan", "-o", "vni=16777216"], "no number from 1 to 16777215"),
    (["-d", "vxlan", "-o", "vni=7", "-o", "peers=nonsense"], "nonsense"),
    (["--parent", "caytest0"], "have no option 'parent'"),
    (["--mode", "l2"], "have no option 'mode'")])
def test_what_a_driver_cannot_do_is_refused_and_leaves_nothing(host, cay, parent, options, message):
    before = set(host.links())
    result = cay("network", "create", *options, "web")
    assert result.returncode == 1 and message in result.stderr, str(result)
    assert names(cay) == ["bridge", "host", "none"]
    assert set(host.links()) == before
