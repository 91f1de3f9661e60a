# SPDX-License-Identifier: Apache-2.0
"""`cay network connect` and `disconnect`, of containers in any state."""

import json

import pytest

SERVE = "mkdir /www; echo hello > /www/page; httpd -p 80 -h /www && echo up; sleep 999"


@pytest.fixture
def networks(host, cay, image):
    cay.ok("network", "create", "--subnet", "10.50.0.0/24", "one")
    cay.ok("network", "create", "--subnet", "10.60.0.0/24", "two")


def _networks(cay, name):
    return json.loads(cay.ok("inspect", name))[0]["NetworkSettings"]["Networks"]


def _interfaces(cay, name):
    return [line.split(":")[1].strip().partition("@")[0]
            for line in cay.ok("exec", name, "ip", "-o", "link").splitlines()]


def test_a_running_container_is_in_a_network_as_soon_as_it_is_connected(networks, cay, image,
                                                                        no_leaks):
    cay.ok("run", "-d", "--name", "web", "--network", "one", image, "sleep", "999")
    cay.ok("network", "connect", "--ip", "10.60.0.9", "--alias", "store", "two", "web")
    assert _interfaces(cay, "web") == ["lo", "eth0", "eth1"]
    assert _networks(cay, "web")["two"]["IPAddress"] == "10.60.0.9"
    hosts = cay.ok("exec", "web", "cat", "/etc/hosts")
    assert "10.50.0.2\t" in hosts and "10.60.0.9\t" in hosts
    out = cay.ok("run", "--rm", "--network", "two", image, "sh", "-c",
                 "nslookup store && ping -c 1 -W 5 store")
    assert "10.60.0.9" in out

    cay.ok("network", "disconnect", "two", "web")
    assert _interfaces(cay, "web") == ["lo", "eth0"]
    assert list(_networks(cay, "web")) == ["one"]
    assert "10.60.0.9" not in cay.ok("exec", "web", "cat", "/etc/hosts")
    assert cay("run", "--rm", "--network", "two", image, "nslookup", "store").returncode != 0
    cay.ok("rm", "-f", "web")


def test_one_that_does_not_run_has_its_networks_from_its_next_start(networks, cay, image, no_leaks):
    cay.ok("create", "--name", "web", "--network", "one", image, "ip", "-4", "-o", "address")
    cay.ok("network", "connect", "two", "web")
    out = cay.ok("start", "--attach", "web")
    assert "10.50.0.2/24" in out and "10.60.0.2/24" in out
    cay.ok("network", "disconnect", "one", "web")
    out = cay.ok("start", "--attach", "web")
    assert "10.50.0." not in out and "10.60.0.2/24" in out


def test_the_network_of_the_highest_priority_has_the_default_route(networks, cay, image):
    def gateway():
        return cay.ok("exec", "web", "ip", "route", "show", "default").split()[2]

    cay.ok("run", "-d", "--name", "web", "--network", "one", image, "sleep", "999")
    assert gateway() == "10.50.0.1"
    cay.ok("network", "connect", "--gw-priority", "1", "two", "web")
    assert gateway() == "10.60.0.1"
    cay.ok("network", "disconnect", "two", "web")
    assert gateway() == "10.50.0.1"


def test_ports_follow_the_default_route(networks, host, cay, image):
    with cay.spawn("run", "--name", "web", "--network", "one", "-p", "8080:80", image,
                   "sh", "-c", SERVE) as web:
        assert web.stdout.readline() == b"up\n"
        for change in ("connect", "--gw-priority", "1", "two"), ("disconnect", "two"):
            cay.ok("network", *change, "web")
            with host.connect("127.0.0.1", 8080) as connection:
                connection.sendall(b"GET /page HTTP/1.0\r\n\r\n")
                assert connection.makefile("rb").read().endswith(b"hello\n")
        cay.ok("kill", "web")


def test_a_connection_goes_on_while_other_networks_come_and_go(networks, host, cay, image):
    listener = host.listen("0.0.0.0")
    cay.ok("run", "-d", "--name", "web", "--network", "one", image,
           "nc", "10.50.0.1", str(listener.getsockname()[1]), "-e", "cat")
    connection, _ = listener.accept()
    with connection:
        connection.settimeout(20)
        for change in 2 * ("connect", "disconnect"):
            cay.ok("network", change, "two", "web")
            connection.sendall(change.encode())
            assert connection.recv(20) == change.encode()


@pytest.mark.parametrize("arguments, message", [
    (("connect", "one", "web"), "already"),
    (("connect", "none", "web"), "'none'"),
    (("connect", "host", "web"), "'host'"),
    (("connect", "nothing", "web"), "no such network: 'nothing'"),
    (("connect", "one", "nobody"), "no such container: 'nobody'"),
    (("connect", "--ip", "10.99.0.1", "two", "web"), "10.99.0.1"),
    (("connect", "--ip", "10.60.0.1", "two", "web"), "10.60.0.1"),
    (("connect", "--ip", "x", "two", "web"), "'x'"),
    (("disconnect", "two", "web"), "is not connected to the network 'two'"),
    (("disconnect", "-f", "two", "web"), "is not connected to the network 'two'"),
])
def test_what_cannot_be_connected_changes_nothing(networks, cay, image, arguments, message):
    cay.ok("run", "-d", "--name", "web", "--network", "one", image, "sleep", "999")
    result = cay("network", *arguments)
    assert result.returncode == 1 or result.returncode == 125
    assert message in result.stderr
    assert list(_networks(cay, "web")) == ["one"]
    assert _interfaces(cay, "web") == ["lo", "eth0"]


@pytest.mark.parametrize("mode", ["none", "host"])
def test_a_container_without_networks_gets_none(networks, cay, image, mode):
    cay.ok("create", "--name", "web", "--network", mode, image, "true")
    result = cay("network", "connect", "one", "web")
    assert result.returncode == 1 and f"'{mode}'" in result.stderr


def test_a_line_of_the_containers_own_stays_in_its_hosts(networks, cay, image):
    cay.ok("run", "-d", "--name", "web", "--network", "one", image, "sleep", "999")
    cay.ok("exec", "web", "sh", "-c", "echo '192.0.2.9 mine' >> /etc/hosts")
    cay.ok("network", "connect", "two", "web")
    cay.ok("network", "disconnect", "one", "web")
    hosts = cay.ok("exec", "web", "cat", "/etc/hosts")
    assert "192.0.2.9 mine\n" in hosts and "10.60.0.2\t" in hosts and "10.50.0.2" not in hosts


def test_a_renamed_container_is_found_by_its_new_name_alone(networks, cay, image):
    cay.ok("run", "-d", "--name", "web", "--network", "one", image, "sleep", "999")
    cay.ok("rename", "web", "shop")
    out = cay.ok("run", "--rm", "--network", "one", image, "sh", "-c",
                 "nslookup shop; nslookup web || echo unknown")
    assert "10.50.0.2" in out and "unknown" in out


def test_one_that_was_disconnected_from_all_starts_and_can_be_connected(networks, cay, image):
    cay.ok("run", "-d", "--name", "web", "--network", "one", "-p", "8080:80", image,
           "sleep", "999")
    cay.ok("network", "disconnect", "one", "web")
    assert _interfaces(cay, "web") == ["lo"]
    cay.ok("restart", "-t", "0", "web")
    assert _interfaces(cay, "web") == ["lo"] and _networks(cay, "web") == {}
    cay.ok("pause", "web")
    cay.ok("network", "connect", "--ip", "10.60.0.7", "two", "web")
    cay.ok("unpause", "web")
    cay.ok("exec", "web", "ping", "-c", "1", "-W", "5", "10.60.0.1")
    assert cay.ok("port", "web") == "80/tcp -> 0.0.0.0:8080\n80/tcp -> [::]:8080"
