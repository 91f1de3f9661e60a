# SPDX-License-Identifier: Apache-2.0
"""Names as containers get them from `cay`. What cay-dns does with them is in tests/names."""

import contextlib
import os
import select

import pytest

from harness import dns, hosts, leaks
from harness.dns import AAAA, FAILURE, OK, PTR


@pytest.fixture
def started(host, cay, image):
    """started("web", OPTION...): a container that runs. Returns a dns.Asker in it."""
    with contextlib.ExitStack() as stack:
        def start(name, *options):
            cay.ok("run", "-d", "--name", name, *options, image, "sleep", "1000")
            pid = cay.ok("inspect", "--format", "{{.State.Pid}}", name)
            return dns.Asker(stack.enter_context(hosts.of_process(pid)))
        yield start
        cay("rm", "-f", *cay.ok("ps", "-aq").split())


def servers(host):
    return [pid for pid in host.processes() if leaks.program_name(pid) == "cay-dns"]


def test_containers_of_a_network_know_each_other(host, cay, started):
    cay.ok("network", "create", "red")
    web = started("web", "--network", "red", "--network-alias", "both", "--hostname", "own")
    other = started("other", "--network", "red", "--network-alias", "both")
    addresses = {name: sorted(one.place.addresses("eth0")) for name, one in
                 (("web", web), ("other", other))}
    (v4, v6), _ = addresses.values()
    v4, v6 = v4.partition("/")[0], v6.partition("/")[0]
    for name in "web", "web.red", "own", cay.ok("ps", "-q", "--filter", "name=web").strip():
        assert (other.values(name), other.values(name, AAAA)) == ([v4], [v6]), name
    assert len(web.values("both")) == len(web.values("both", AAAA)) == 2
    assert other.values(".".join(reversed(v4.split("."))) + ".in-addr.arpa", PTR) == ["web.red"]
    gateway = other.place.routes()[0].split()[2]
    for name in "host.docker.internal", "host.cay.internal":
        assert other.values(name) == [gateway]


def test_names_follow_their_containers(host, cay, started):
    for network in "red", "blue":
        cay.ok("network", "create", "--internal", network)
    web, other = started("web", "--network", "red"), started("other", "--network", "blue")
    assert other.ask("web").code == FAILURE  # where nothing is asked outside
    cay.ok("network", "connect", "--alias", "new", "blue", "web")
    assert other.values("web") == other.values("new") != []
    assert web.values("other") != []
    cay.ok("network", "disconnect", "blue", "web")
    assert other.ask("web").code == other.ask("new").code == FAILURE
    cay.ok("network", "connect", "blue", "web")
    cay.ok("rm", "-f", "web")
    assert other.ask("web").code == FAILURE


def test_names_are_there_again_after_the_next_command(host, cay, started):
    cay.ok("network", "create", "red")
    web, other = started("web", "--network", "red"), started("other", "--network", "red")
    known = web.values("other")
    (server,) = servers(host)
    end = os.pidfd_open(server)
    os.kill(server, 9)
    select.select([end], [], [])
    os.close(end)
    cay.ok("network", "reload")
    assert (web.values("other"), other.ask("web").code) == (known, OK)
    assert len(servers(host)) == 1


def test_it_ends_with_the_last_container_that_has_names(host, cay, started):
    cay.ok("network", "create", "red")
    started("web", "--network", "red")
    started("other")
    (server,) = servers(host)
    end = os.pidfd_open(server)
    cay.ok("rm", "-f", "web")
    assert select.select([end], [], [], 20)[0]
    os.close(end)
