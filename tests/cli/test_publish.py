# SPDX-License-Identifier: Apache-2.0
"""Ports of the host: who has one, what is refused and why, and how inspect, ps and port show it."""

import json
import os
import re
import socket

import pytest

ON_BRIDGE = ("--network", "bridge")
STAYS = ("sh", "-c", "trap 'exit 0' TERM; sleep 9999 & wait")


@pytest.fixture
def start(host, cay, image, no_leaks):
    """start(name, *options): a container on the default bridge that stays until the test ends."""
    names = []

    def call(name, *options):
        names.append(name)
        cay.ok("run", "-d", "--name", name, *ON_BRIDGE, *options, image, *STAYS)
        return name

    yield call
    for name in names:
        cay("rm", "-f", name)


def refused(result, *complaints, status=125):
    assert result.returncode == status, str(result)
    for complaint in complaints:
        assert complaint in result.stderr, str(result)


def inspect(cay, name):
    (container,) = json.loads(cay.ok("inspect", name))
    return container


def ports(cay, name):
    return inspect(cay, name)["NetworkSettings"]["Ports"]


def both(port):
    return [{"HostIp": "0.0.0.0", "HostPort": str(port)}, {"HostIp": "::", "HostPort": str(port)}]


def has_ipv6(cay, name):
    return bool(inspect(cay, name)["NetworkSettings"]["GlobalIPv6Address"])


def expected(cay, name, port):
    """Wildcards of the families that the container has."""
    return both(port)[:1 + has_ipv6(cay, name)]


def test_ports_are_shown_by_inspect_ps_and_port(cay, start):
    start("web", "-p", "8080:80", "-p", "127.0.0.1:5353:53/udp", "--expose", "443",
          "-p", "9000-9001:9000-9001")
    shown = ports(cay, "web")
    assert shown == {"80/tcp": expected(cay, "web", 8080),
                     "53/udp": [{"HostIp": "127.0.0.1", "HostPort": "5353"}],
                     "9000/tcp": expected(cay, "web", 9000),
                     "9001/tcp": expected(cay, "web", 9001), "443/tcp": None}
    container = inspect(cay, "web")
    assert container["HostConfig"]["PortBindings"] == {
        "80/tcp": [{"HostIp": "", "HostPort": "8080"}],
        "53/udp": [{"HostIp": "127.0.0.1", "HostPort": "5353"}],
        "9000/tcp": [{"HostIp": "", "HostPort": "9000"}],
        "9001/tcp": [{"HostIp": "", "HostPort": "9001"}]}
    assert set(container["Config"]["ExposedPorts"]) == set(shown)
    column = cay.ok("ps", "--format", "{{.Ports}}")
    for part in ("443/tcp", "0.0.0.0:8080->80/tcp", "127.0.0.1:5353->53/udp",
                 "0.0.0.0:9000-9001->9000-9001/tcp"):
        assert part in column.split(", ")
    assert cay.ok("port", "web", "80").splitlines()[0] == "0.0.0.0:8080"
    assert cay.ok("port", "web", "53/udp") == "127.0.0.1:5353"
    assert "9001/tcp -> 0.0.0.0:9001" in cay.ok("port", "web").splitlines()
    refused(cay("port", "web", "443"), "no public port '443/tcp' published for 'web'", status=1)


def test_a_container_that_has_ended_has_no_ports_and_has_them_again(cay, start, image):
    start("web", "-p", "8080:80")
    cay.ok("stop", "web")
    assert ports(cay, "web") == {} and cay.ok("port", "web") == ""
    assert inspect(cay, "web")["HostConfig"]["PortBindings"]
    start("other", "-p", "8080:80")
    refused(cay("start", "web"), "port 8080/tcp of the host is in use by container 'other'",
            status=1)
    assert inspect(cay, "web")["State"]["Status"] == "exited"
    cay.ok("rm", "-f", "other")
    cay.ok("start", "web")
    assert ports(cay, "web") == {"80/tcp": expected(cay, "web", 8080)}


@pytest.mark.parametrize("wanted", ["8080:80", "127.0.0.1:8080:80", "8080-8080:81"])
def test_a_port_of_another_container_is_refused_with_its_name(cay, start, image, wanted):
    start("holder", "-p", "8080:80")
    refused(cay("run", "--rm", *ON_BRIDGE, "-p", wanted, image, "true"),
            "port 8080/tcp of the host is in use by container 'holder'")
    cay.ok("run", "--rm", *ON_BRIDGE, "-p", f"{wanted}/udp", image, "true")
    assert cay.ok("ps", "-aq", "--no-trunc") == inspect(cay, "holder")["Id"]


def test_two_addresses_have_a_port_each(host, cay, start, image):
    host.ip("address add 192.0.2.9/32 dev lo")
    start("one", "-p", "127.0.0.1:8080:80")
    start("two", "-p", "192.0.2.9:8080:80")
    refused(cay("run", "--rm", *ON_BRIDGE, "-p", "8080:80", image, "true"),
            "port 8080/tcp of the host is in use by container")
    refused(cay("run", "--rm", *ON_BRIDGE, "-p", "192.0.2.8:8080:80", image, "true"),
            "'192.0.2.8' is no address of this host")


@pytest.mark.parametrize("kind, name", [(socket.SOCK_STREAM, "tcp"), (socket.SOCK_DGRAM, "udp")])
def test_a_port_of_a_program_is_refused_with_its_name_and_pid(host, cay, image, no_leaks, kind,
                                                              name):
    program = f"{open('/proc/self/comm', encoding='utf-8').read().strip()}' (pid {os.getpid()})"
    with host.listen("127.0.0.1", kind=kind) as listener:
        port = listener.getsockname()[1]
        refused(cay("run", "--rm", *ON_BRIDGE, "-p", f"{port}:80/{name}", image, "true"),
                f"port {port}/{name} of the host is in use by '{program}")
    cay.ok("run", "--rm", *ON_BRIDGE, "-p", f"{port}:80/{name}", image, "true")


def test_both_families_have_the_same_port_and_one_can_be_had_alone(host, cay, image, no_leaks):
    cay.ok("network", "create", "--ipv6", "--subnet", "10.9.0.0/24", "--subnet", "fd09::/64", "lan")
    cay.ok("run", "-d", "--name", "web", "--network", "lan", "-p", "80", "-p", "[::1]:8081:81",
           "-p", "127.0.0.1:8082:82", image, *STAYS)
    shown = ports(cay, "web")
    assert shown["80/tcp"] == both(shown["80/tcp"][0]["HostPort"])
    assert shown["81/tcp"] == [{"HostIp": "::1", "HostPort": "8081"}]
    assert shown["82/tcp"] == [{"HostIp": "127.0.0.1", "HostPort": "8082"}]
    assert cay.ok("port", "web", "81") == "[::1]:8081"
    assert "[::1]:8081->81/tcp" in cay.ok("ps", "--format", "{{.Ports}}")
    refused(cay("run", "--rm", "--network", "lan", "-p", "[::]:8081:80", image, "true"),
            "port 8081/tcp of the host is in use by container 'web'")
    with host.listen("::1", 8083):
        refused(cay("run", "--rm", "--network", "lan", "-p", "8083:80", image, "true"),
                "port 8083/tcp of the host is in use by '")
    cay.ok("run", "--rm", "--network", "lan", "-p", "0.0.0.0:8081:80", image, "true")
    cay.ok("rm", "-f", "web")
    cay.ok("network", "rm", "lan")
    cay.ok("network", "create", "--subnet", "10.9.0.0/24", "--ipv6=false", "narrow")
    refused(cay("run", "--rm", "--network", "narrow", "-p", "[::]:8081:80", image, "true"),
            "no address that port 80/tcp at '::' could lead to")
    cay.ok("network", "rm", "narrow")


def test_of_a_range_the_first_free_port_is_taken(host, cay, start, image):
    with host.listen("0.0.0.0", 8000):
        start("one", "-p", "8000-8002:80")
        start("two", "-p", "8000-8002:80")
        assert ports(cay, "one")["80/tcp"][0]["HostPort"] == "8001"
        assert ports(cay, "two")["80/tcp"][0]["HostPort"] == "8002"
        refused(cay("run", "--rm", *ON_BRIDGE, "-p", "8000-8002:80", image, "true"),
                "no tcp port from 8000 to 8002 is free on the host")


def test_a_port_without_a_number_is_one_of_the_kernel_s(host, cay, start):
    host.write("/proc/sys/net/ipv4/ip_local_port_range", "40000 40003")
    start("web", "-p", "80", "-p", "80", "-p", "127.0.0.1::53/udp")
    shown = ports(cay, "web")
    numbers = {binding["HostPort"] for binding in shown["80/tcp"]}
    assert len(numbers) == 2 and numbers <= {"40000", "40001", "40002", "40003"}
    assert re.fullmatch("4000[0-3]", shown["53/udp"][0]["HostPort"])
    assert shown["53/udp"][0]["HostIp"] == "127.0.0.1"
    bindings = inspect(cay, "web")["HostConfig"]["PortBindings"]
    assert bindings["80/tcp"] == 2 * [{"HostIp": "", "HostPort": ""}]


def test_all_exposed_ports_are_published_at_free_ones(cay, start):
    start("web", "-P", "--expose", "80-82", "--expose", "53/udp", "-p", "8081:81")
    shown = ports(cay, "web")
    assert set(shown) == {"80/tcp", "81/tcp", "82/tcp", "53/udp"}
    assert shown["81/tcp"] == expected(cay, "web", 8081)
    assert all(len({binding["HostPort"] for binding in bindings}) == 1
               for bindings in shown.values())
    assert inspect(cay, "web")["HostConfig"]["PublishAllPorts"] is True


def test_containers_are_found_by_their_ports_and_networks(cay, start, image):
    start("web", "-p", "8080:80", "--expose", "443")
    start("plain")
    cay.ok("run", "-d", "--name", "apart", image, *STAYS)
    cay.ok("run", "-d", "--name", "joined", "--network", "container:web", image, *STAYS)

    def names(*filters):
        words = [word for text in filters for word in ("--filter", text)]
        return set(cay.ok("ps", "--format", "{{.Names}}", *words).split())

    assert names("publish=80") == names("publish=80-90/tcp") == names("expose=443") == {"web"}
    assert names("publish=8080") == names("publish=443") == names("publish=80/udp") == set()
    assert names("network=bridge") == {"web", "plain"} and names("network=none") == {"apart"}
    refused(cay("ps", "--filter", "publish=web"), "invalid filter 'publish=web'", status=1)
    columns = cay.ok("ps", "--format", "{{.Names}} {{.Networks}}").splitlines()
    assert set(columns) == {"web bridge", "plain bridge", "apart none", "joined "}
    cay.ok("rm", "-f", "apart", "joined")


def test_of_many_at_once_as_many_start_as_there_are_ports(host, cay, image, no_leaks):
    processes = [cay.spawn("run", "-d", "--name", f"web{number}", *ON_BRIDGE, "-p", "8000-8002:80",
                           image, *STAYS) for number in range(6)]
    results = [(process.communicate()[1].decode(), process.returncode) for process in processes]
    lost = [text for text, code in results if code == 125]
    assert len(lost) == 3 and sum(code == 0 for _, code in results) == 3, results
    assert all("no tcp port from 8000 to 8002 is free on the host" in text for text in lost)
    names = cay.ok("ps", "--format", "{{.Names}}").split()
    assert {ports(cay, name)["80/tcp"][0]["HostPort"] for name in names} == {"8000", "8001", "8002"}
    cay.ok("rm", "-f", *cay.ok("ps", "-aq").split())


@pytest.mark.parametrize("options, complaint", [
    (["-p", "0:80"], "invalid host port '0'"),
    (["-p", "65536:80"], "invalid host port '65536'"),
    (["-p", "80:65536"], "invalid container port '65536'"),
    (["-p", "eighty"], "invalid container port 'eighty'"),
    (["-p", "80:80/icmp"], "invalid protocol 'icmp'"),
    (["-p", "1.2.3.4.5:80:80"], "invalid IP address '1.2.3.4.5'"),
    (["-p", "80-82:80-81"], "invalid ranges specified for container and host ports"),
    (["-p", ""], "no container port is given"),
    (["-p", "8080:80", "-p", "8080:81"], "port 8080/tcp of the host is published twice"),
    (["--publish-allow", "10.0.0.0/8"], "'--publish-allow' needs ports that are published"),
    (["-p", "80", "--publish-allow", "10.0.0.0/40"], "invalid prefix '10.0.0.0/40'"),
])
def test_malformed_ports_are_refused(cay, image, no_leaks, options, complaint):
    refused(cay("run", "--rm", *ON_BRIDGE, *options, image, "true"), complaint)


@pytest.mark.parametrize("mode", ["host", "none"])
def test_without_a_network_of_its_own_ports_are_discarded_with_a_warning(cay, image, no_leaks,
                                                                       mode):
    result = cay("run", "--rm", "--network", mode, "-p", "8080:80", image, "true")
    assert result.returncode == 0
    assert f"published ports are discarded when using {mode} network mode" in result.stderr


SERVE = ("sh", "-c", "mkdir /www; echo hello > /www/page; httpd -f -p 80 -h /www")


def fetch(place, address, port):
    """What the container's server says, when it listens: nobody has to wait for that here."""
    with place.connect(address, port) as connection:
        connection.sendall(b"GET /page HTTP/1.0\r\n\r\n")
        return b"".join(iter(lambda: connection.recv(1000), b""))


@pytest.fixture
def web(host, cay, image, no_leaks):
    """A container with a server at port 80, published nowhere yet."""
    cay.ok("run", "-d", "--name", "web", *ON_BRIDGE, "--health-interval", "100ms", "--health-cmd",
           "wget -q -O - http://127.0.0.1/page", image, *SERVE)
    events = cay.spawn("events", "--filter", "event=health_status: healthy", "--since", "0")
    assert events.stdout.readline()
    events.kill()
    yield "web"
    cay("rm", "-f", "web")


def test_ports_come_and_go_while_a_container_runs(host, cay, web):
    pid = inspect(cay, web)["State"]["Pid"]
    cay.ok("update", "--publish-add", "8080:80", "--publish-add", "8081:80", web)
    assert fetch(host, "127.0.0.1", 8080).endswith(b"hello\n")
    assert fetch(host, "127.0.0.1", 8081).endswith(b"hello\n")
    cay.ok("update", "--publish-rm", "8080:80", "--publish-add", "127.0.0.1:9090:80", web)
    with pytest.raises(ConnectionRefusedError):
        host.connect("127.0.0.1", 8080)
    assert fetch(host, "127.0.0.1", 9090).endswith(b"hello\n")
    assert {binding["HostPort"] for binding in ports(cay, web)["80/tcp"]} == {"8081", "9090"}
    refused(cay("update", "--publish-rm", "8080:80", web), "port '80/tcp' is not published so",
            status=1)
    refused(cay("update", "--publish-add", "8081:80", web),
            "port '80/tcp' is published at '8081' already", status=1)
    cay.ok("update", "--publish-rm", "80", web)
    assert inspect(cay, web)["HostConfig"]["PortBindings"] == {}
    with pytest.raises(ConnectionRefusedError):
        host.connect("127.0.0.1", 8081)
    assert inspect(cay, web)["State"]["Pid"] == pid


def test_a_port_that_is_taken_is_not_added_and_nothing_else_is_changed(host, cay, web, start):
    start("other", "-p", "8080:80")
    cay.ok("update", "--publish-add", "8081:80", web)
    before = {**inspect(cay, web), "State": None}
    refused(cay("update", "-m", "64m", "--publish-rm", "8081:80", "--publish-add", "8082:80",
                "--publish-add", "8080:80", web),
            "port 8080/tcp of the host is in use by container 'other'", status=1)
    assert {**inspect(cay, web), "State": None} == before
    assert fetch(host, "127.0.0.1", 8081).endswith(b"hello\n")
    with pytest.raises(ConnectionRefusedError):
        host.connect("127.0.0.1", 8082)


def test_a_stopped_container_publishes_what_was_changed_from_its_next_start(host, cay, start):
    start("web", "-p", "8080:80")
    cay.ok("stop", "web")
    cay.ok("update", "--publish-rm", "80", "--publish-add", "9000-9001:9000-9001", "web")
    assert ports(cay, "web") == {}
    cay.ok("start", "web")
    assert {name for name, bindings in ports(cay, "web").items() if bindings} == \
        {"9000/tcp", "9001/tcp"}


def test_who_may_connect_is_limited_to_prefixes(world, image):
    cay, address = world.one.cay, world.address("one")
    cay.ok("run", "-d", "--name", "web", *ON_BRIDGE, "-p", "8080:80", "--publish-allow",
           f"{world.address('two')}/32", image, "sh", "-c",
           "mkdir /www; echo hello > /www/page; httpd -p 80 -h /www && echo up; sleep 9999")
    logs = cay.spawn("logs", "--follow", "web")
    assert logs.stdout.readline() == b"up\n"
    logs.kill()
    assert fetch(world.two, address, 8080).endswith(b"hello\n")
    with pytest.raises(ConnectionRefusedError):
        world.outside.connect(address, 8080)
    cay.ok("update", "--publish-rm", "80", "--publish-allow", "0.0.0.0/0", "--publish-add",
           "8080:80", "web")
    assert fetch(world.outside, address, 8080).endswith(b"hello\n")
    cay.ok("rm", "-f", "web")


def test_a_container_that_is_dead_has_no_ports_whether_anybody_has_looked_or_not(cay, image, start):
    start("holder", "-p", "8080:80")
    cay.state.kill()
    cay.ok("run", "--rm", *ON_BRIDGE, "-p", "8080:80", image, "true")
