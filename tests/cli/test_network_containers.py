# SPDX-License-Identifier: Apache-2.0
"""The networks of containers while they live: starts, restarts, ends, and what others leave."""

import json

import pytest

GATEWAY = "172.17.0.1"


def test_a_container_on_the_default_bridge_reaches_its_gateway(host, cay, image):
    out = cay.ok("run", "--rm", "--network", "bridge", image, "sh", "-c",
                 f"ping -c 1 -W 5 {GATEWAY} >/dev/null && ip -4 address show eth0 && cat /etc/hosts"
                 " && hostname")
    assert "inet 172.17.0.2/16" in out
    hostname = out.splitlines()[-1]
    assert f"172.17.0.2\t{hostname}\n" in out


def _inspect(cay, name):
    return json.loads(cay.ok("inspect", name))[0]


def _wait_for_line(cay, name, line):
    """The container's output has had it, or will have."""
    logs = cay.spawn("logs", "--follow", name)
    for found in logs.stdout:
        if found.decode().rstrip("\n") == line:
            break
    else:
        raise AssertionError(f"'{line}' never came: {logs.stderr.read().decode()}")
    logs.kill()


# The first run ends at once, the second one stays.
TWICE = "test -e /again || { touch /again; exit 1; }"


@pytest.mark.parametrize("userns", [(), ("--userns", "host")], ids=["own ids", "host's ids"])
def test_a_restart_by_policy_makes_the_networks_anew(host, cay, image, userns):
    cay.ok("run", "-d", "--name", "web", *userns, "--network", "bridge", "--restart", "on-failure",
           image, "sh", "-c", f"{TWICE}; ping -c 1 -W 5 {GATEWAY} >/dev/null && echo up; sleep 999")
    _wait_for_line(cay, "web", "up")
    assert _inspect(cay, "web")["RestartCount"] == 1
    assert "172.17.0.2/16" in cay.ok("exec", "web", "ip", "-4", "address", "show", "eth0")


def test_a_restart_whose_networks_cannot_be_made_is_a_failed_start(host, cay, image):
    cay.ok("run", "-d", "--name", "web", "--network", "bridge", "--restart", "on-failure:1", image,
           "sh", "-c", "while ! test -e /end; do sleep 0.01; done; exit 1")
    (bridge,) = (name for name in host.links() if name.startswith("br-"))
    host.ip(f"link delete {bridge}", f"link add {bridge} type vxlan id 9 dstport 4789")
    cay.ok("exec", "web", "touch", "/end")
    assert cay("wait", "web").stdout == "128\n"
    state = _inspect(cay, "web")["State"]
    assert state["ExitCode"] == 128
    assert "set up its networks" in state["Error"] and bridge in state["Error"]


SERVE = "mkdir /www; echo hello > /www/page; httpd -p 80 -h /www && echo up; sleep 999"


def _fetch(connection):
    with connection:
        connection.sendall(b"GET /page HTTP/1.0\r\n\r\n")
        answer = b""
        while part := connection.recv(1000):
            answer += part
    return answer


def test_a_published_port_leads_to_the_container_and_ends_with_it(host, cay, image, no_leaks):
    cay.ok("run", "-d", "--name", "web", "-p", "8080:80", "--network", "bridge", image,
           "sh", "-c", SERVE)
    _wait_for_line(cay, "web", "up")
    assert _fetch(host.connect("127.0.0.1", 8080)).endswith(b"hello\n")
    assert "8080" in str(host.nft("list", "ruleset"))
    cay.ok("rm", "-f", "web")
    assert "8080" not in str(host.nft("list", "ruleset"))
