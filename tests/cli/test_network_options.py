# SPDX-License-Identifier: Apache-2.0
"""What `run` and `create` can ask of networks: what reaches the container, what inspect tells, and
what is refused."""

import json

import pytest

STAYS = ("sh", "-c", "trap 'exit 0' TERM; sleep 9999 & wait")


@pytest.fixture
def networks(host, cay, no_leaks):
    """networks(name, *options): a network until the test ends."""
    names = []

    def call(name, *options):
        names.append(name)
        cay.ok("network", "create", *options, name)
        return name

    yield call
    for container in cay.ok("ps", "-aq").split():
        cay("rm", "-f", container)
    for name in names:
        cay("network", "rm", name)


def refused(result, *complaints, status=125):
    assert result.returncode == status, str(result)
    for complaint in complaints:
        assert complaint in result.stderr, str(result)


def inspect(cay, name):
    (container,) = json.loads(cay.ok("inspect", name))
    return container


def endpoint(cay, name, network):
    return inspect(cay, name)["NetworkSettings"]["Networks"][network]


def links(cay, name):
    """Interfaces of a running container: name -> (hardware address, addresses)."""
    found = {}
    for line in cay.ok("exec", name, "ip", "-o", "address").splitlines():
        words = line.split()
        found.setdefault(words[1], []).append(words[3])
    return found


def test_an_address_a_name_and_a_hardware_address_are_the_ones_asked_for(cay, image, networks):
    networks("lan", "--subnet", "10.9.0.0/24", "--ipv6", "--subnet", "fd09::/64")
    cay.ok("run", "-d", "--name", "web", "--network", "lan", "--ip", "10.9.0.77", "--ip6",
           "fd09::77", "--mac-address", "02:00:00:00:00:77", "--network-alias", "www",
           "--net-alias", "site", image, *STAYS)
    assert {"10.9.0.77/24", "fd09::77/64"} <= set(links(cay, "web")["eth0"])
    assert cay.ok("exec", "web", "cat", "/sys/class/net/eth0/address") == "02:00:00:00:00:77"
    found = endpoint(cay, "web", "lan")
    assert found["IPAMConfig"] == {"IPv4Address": "10.9.0.77", "IPv6Address": "fd09::77"}
    assert found["Aliases"] == ["www", "site"] and found["MacAddress"] == "02:00:00:00:00:77"
    assert (found["IPAddress"], found["IPPrefixLen"], found["Gateway"]) == \
        ("10.9.0.77", 24, "10.9.0.1")
    assert (found["GlobalIPv6Address"], found["GlobalIPv6PrefixLen"]) == ("fd09::77", 64)
    identity = inspect(cay, "web")["Id"]
    assert found["DNSNames"] == ["web", "www", "site", identity[:12]]
    assert len(found["EndpointID"]) == 64 and len(found["NetworkID"]) == 64
    cay.ok("stop", "web")
    ended = endpoint(cay, "web", "lan")
    assert ended["IPAddress"] == ended["EndpointID"] == "" and ended["IPAMConfig"]
    assert ended["NetworkID"] == found["NetworkID"]


def test_several_networks_are_several_interfaces_with_options_of_their_own(cay, image, networks):
    for number in (1, 2, 3):
        networks(f"lan{number}", "--subnet", f"10.9.{number}.0/24")
    cay.ok("run", "-d", "--name", "web", "--network", "lan1:ip=10.9.1.10,ifname=first",
           "--network", "name=lan2,ip=10.9.2.20,gw-priority=5,"
           "driver-opt=com.docker.network.endpoint.ifname=second",
           "--network", "name=lan3,sysctl=net.ipv4.conf.IFNAME.log_martians=1", image, *STAYS)
    found = links(cay, "web")
    assert "10.9.1.10/24" in found["first"] and "10.9.2.20/24" in found["second"]
    assert len(found) == 4
    assert cay.ok("exec", "web", "ip", "route").splitlines()[0].startswith(
        "default via 10.9.2.1 dev second")
    (third,) = set(found) - {"lo", "first", "second"}
    assert cay.ok("exec", "web", "cat", f"/proc/sys/net/ipv4/conf/{third}/log_martians") == "1"
    networks_of = inspect(cay, "web")["NetworkSettings"]["Networks"]
    assert list(networks_of) == ["lan1", "lan2", "lan3"]
    assert networks_of["lan2"]["GwPriority"] == 5
    assert networks_of["lan1"]["DriverOpts"] == {"com.docker.network.endpoint.ifname": "first"}
    assert cay.ok("ps", "--format", "{{.Networks}}") == "lan1,lan2,lan3"
    assert inspect(cay, "web")["HostConfig"]["NetworkMode"] == "lan1"


def test_the_default_network_is_what_the_configuration_says(host, cay, image, networks, tmp_path):
    networks("lan", "--subnet", "10.9.0.0/24")
    configuration = tmp_path / "cay.yaml"
    configuration.write_text("default-network: lan\n", encoding="ascii")
    environment = {"CAY_CONFIG": str(configuration)}
    assert "10.9.0.2/24" in cay.ok("run", "--rm", image, "ip", "address", env=environment)
    assert "10.9.0.9/24" in cay.ok("run", "--rm", "--ip", "10.9.0.9", image, "ip", "address",
                                   env=environment)
    configuration.write_text("# nothing\n", encoding="ascii")
    assert "172.17.0.2/16" in cay.ok("run", "--rm", image, "ip", "address", env=environment)
    refused(cay("run", "--rm", "--ip", "172.17.0.9", image, "true", env=environment),
            "user specified IP address is supported on user defined networks only")
    configuration.write_text("default-network: a,b\n", encoding="ascii")
    refused(cay("run", "--rm", image, "true", env=environment),
            "default-network: 'a,b' is not the name of one network")


def test_the_shape_of_the_default_bridge_is_told_at_the_top_too(host, cay, image, no_leaks):
    cay.ok("run", "-d", "--name", "web", "--network", "bridge", image, *STAYS)
    settings = inspect(cay, "web")["NetworkSettings"]
    bridge = settings["Networks"]["bridge"]
    for member in ("EndpointID", "Gateway", "IPAddress", "IPPrefixLen", "MacAddress"):
        assert settings[member] == bridge[member] != ""
    assert bridge["IPAMConfig"] is None and bridge["DNSNames"] is None
    assert settings["IPAddress"] == "172.17.0.2" and settings["Gateway"] == "172.17.0.1"
    cay.ok("rm", "-f", "web")


def test_names_and_resolvers_reach_the_container_and_inspect(host, cay, image, no_leaks):
    options = ["--dns", "192.0.2.53", "--dns-search", "example.com", "--dns-option", "ndots:3",
               "--dns-opt", "rotate", "--add-host", "db:192.0.2.7", "--add-host", "six=[fd00::7]",
               "--hostname", "box", "--domainname", "example.org"]
    cay.ok("run", "-d", "--name", "web", "--network", "bridge", *options, image, *STAYS)
    resolver = cay.ok("exec", "web", "cat", "/etc/resolv.conf").splitlines()
    assert "nameserver 192.0.2.53" in resolver and "search example.com" in resolver
    assert "options ndots:3 rotate" in resolver
    hosts = cay.ok("exec", "web", "cat", "/etc/hosts").split("\n")
    assert "192.0.2.7\tdb" in hosts and "fd00::7\tsix" in hosts
    host_config = inspect(cay, "web")["HostConfig"]
    assert host_config["Dns"] == ["192.0.2.53"]
    assert host_config["DnsSearch"] == ["example.com"]
    assert host_config["DnsOptions"] == ["ndots:3", "rotate"]
    assert host_config["ExtraHosts"] == ["db:192.0.2.7", "six:fd00::7"]
    cay.ok("rm", "-f", "web")


@pytest.mark.parametrize("options, complaint", [
    (["--network", "nonesuch"], "no such network: 'nonesuch'"),
    (["--network", ""], "no name set for network"),
    (["--network", "a", "--network", "a"], "network 'a' is specified multiple times"),
    (["--network", "none", "--network", "a"], "cannot attach both"),
    (["--network", "host", "--ip", "10.0.0.2"],
     "user specified IP address is supported on user defined networks only"),
    (["--network", "bridge", "--network-alias", "x"],
     "network-scoped aliases are only supported for user-defined networks"),
    (["--network", "host", "--mac-address", "02:00:00:00:00:01"],
     "conflicting options: mac-address and the network mode"),
    (["--network", "host", "--link", "x"], "host type networking can't be used with links"),
    (["--network", "none", "--net-rate", "ingress=1mbit"], "has no link"),
    (["--network", "a", "--ip", "10.0.0"], "invalid IPv4 address: '10.0.0'"),
    (["--network", "a", "--ip6", "10.0.0.1"], "invalid IPv6 address: '10.0.0.1'"),
    (["--network", "a", "--mac-address", "1:2"], "'1:2' is not a valid mac address"),
    (["--network", "a:ip=1.2.3.4", "--ip", "1.2.3.5"],
     "cannot specify both '--ip' and per-network IPv4 address"),
    (["--network", "a:speed=1"], "invalid field 'speed'"),
    (["--net-rate", "1mbit"], "write it as [NETWORK:]ingress=RATE,egress=RATE"),
    (["--network", "a", "--net-rate", "b:ingress=1m"], "it is not in a network 'b'"),
    (["--network", "a", "--net-rate", "ingress=10"], "ingress rate of 10 bits a second"),
    (["--dns", "one"], "'one' is not an ip address"),
    (["--dns-search", "a b"], "'a b' is not a valid domain"),
    (["--dns-option", ""], "invalid DNS option ''"),
    (["--add-host", "db"], "bad format for add-host: 'db'"),
    (["--add-host", "db:10.0.0"], "invalid IP address in add-host: '10.0.0'"),
    (["--link", ""], "'link' needs a value"),
    (["--network", "container:web", "--hostname", "x"], "hostname and the network mode"),
    (["--network", "container:web", "--dns", "1.1.1.1"], "dns and the network mode"),
    (["--network", "container:web", "--add-host", "a:1.1.1.1"],
     "custom host-to-IP mapping and the network mode"),
    (["--network", "container:web", "-p", "80"],
     "port publishing and the container type network mode"),
    (["--network", "container:web", "--expose", "80"],
     "port exposing and the container type network mode"),
    (["--network", "container:"], "invalid container format container:<name|id>"),
])
def test_what_cannot_be_is_refused_with_a_reason(cay, image, no_leaks, options, complaint):
    refused(cay("run", "--rm", *options, image, "true"), complaint)
    assert cay.ok("ps", "-aq") == ""


def test_an_address_outside_of_the_subnet_or_taken_is_refused(cay, image, networks):
    networks("lan", "--subnet", "10.9.0.0/24")
    cay.ok("run", "-d", "--name", "web", "--network", "lan", "--ip", "10.9.0.7", image, *STAYS)
    refused(cay("run", "--rm", "--network", "lan", "--ip", "10.8.0.7", image, "true"), "10.8.0.7")
    refused(cay("run", "--rm", "--network", "lan", "--ip", "10.9.0.7", image, "true"),
            "10.9.0.7", "in use")


def limits(place):
    """What the queues of a host let through in bits a second, by kind of interface."""
    found = {}
    for queue in json.loads(place.run("tc", "-j", "qdisc", "show")):
        if queue["kind"] == "tbf":
            kind = place.links()[queue["dev"]]["linkinfo"]["info_kind"]
            found.setdefault(kind, set()).add(8 * queue["options"]["rate"])
    return found


def test_rates_are_limited_from_the_start_and_changed_while_it_runs(host, cay, image, networks):
    networks("one", "--subnet", "10.9.1.0/24")
    networks("two", "--subnet", "10.9.2.0/24")
    cay.ok("run", "-d", "--name", "web", "--network", "one:ingress=8mbit", "--network", "two",
           "--net-rate", "two:ingress=16mbit,egress=1mbyte", image, *STAYS)
    assert limits(host) == {"veth": {8000000, 16000000}, "ifb": {8000000}}
    assert endpoint(cay, "web", "two")["EgressRate"] == 8000000
    cay.ok("update", "--net-rate", "one:egress=32mbit", "--net-rate", "two:ingress=24mbit,egress=0",
           "web")
    assert limits(host) == {"veth": {8000000, 24000000}, "ifb": {32000000}}
    refused(cay("update", "--net-rate", "three:egress=1mbit", "web"),
            "it is not in a network 'three'", status=1)
    refused(cay("update", "--net-rate", "egress=1", "web"), "egress rate of 1 bits a second",
            status=1)
    assert limits(host) == {"veth": {8000000, 24000000}, "ifb": {32000000}}
    cay.ok("update", "--net-rate", "ingress=0,egress=0", "web")
    assert limits(host) == {}
    cay.ok("stop", "web")
    cay.ok("update", "--net-rate", "two:ingress=40mbit", "web")
    cay.ok("start", "web")
    assert limits(host) == {"veth": {40000000}}
