# SPDX-License-Identifier: Apache-2.0
"""The networks of containers while they live: starts, restarts, ends, and what others leave."""

import ctypes
import fcntl
import json
import os
import shutil
import signal

import pytest

from harness import leaks

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
           "sh", "-c", "mkfifo /end; echo up; read -r _ </end; exit 1")
    _wait_for_line(cay, "web", "up")
    (bridge,) = (name for name in host.links() if name.startswith("br-"))
    host.ip(f"link delete {bridge}", f"link add {bridge} type vxlan id 9 dstport 4789")
    cay.ok("exec", "web", "sh", "-c", "echo >/end")
    assert cay("wait", "web").stdout == "128\n"
    assert bridge in cay("start", "web").stderr  # which waits for the end to be written down


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


def _await_open(path, act):
    """Do @act, and wait until somebody has opened the file."""
    libc = ctypes.CDLL(None, use_errno=True)
    watch = libc.inotify_init1(os.O_CLOEXEC)
    assert watch >= 0 and libc.inotify_add_watch(watch, os.fsencode(path), 0x20) > 0  # IN_OPEN
    act()
    os.read(watch, 4096)
    os.close(watch)


def test_one_that_is_stopped_while_its_networks_are_made_has_stopped(host, cay, image, no_leaks):
    container = cay.ok("run", "-d", "--name", "web", "-p", "8080:80", "--network", "bridge",
                       "--restart", "always", image, "sh", "-c", "mkfifo /end; read x < /end")
    lock = cay.state.directory / "containers" / container / "network.lock"
    with open(lock, encoding="ascii") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        _await_open(lock, lambda: cay.ok("exec", "web", "sh", "-c", "echo > /end"))
        cay.ok("stop", "web")
    assert _inspect(cay, "web")["State"]["Status"] == "exited"
    assert "8080" not in str(host.nft("list", "ruleset"))


def test_networks_are_the_same_after_a_restart_and_another_start(host, cay, image):
    cay.ok("network", "create", "--subnet", "10.50.0.0/24", "one")
    cay.ok("network", "create", "--subnet", "10.60.0.0/24", "two")
    cay.ok("run", "-d", "--name", "web", "--network", "one:alias=shop", "--network",
           "two:gw-priority=1", "-p", "8080:80", image, "sh", "-c", f"{SERVE}")
    for again in ("restart", "-t", "0"), ("stop", "-t", "0"), ("start",):
        cay.ok(*again, "web")
        if again[0] == "stop":
            continue
        _wait_for_line(cay, "web", "up")
        out = cay.ok("exec", "web", "sh", "-c", "ip -4 -o address; ip route; nslookup shop")
        assert "10.50.0.2/24" in out and "10.60.0.2/24" in out and "default via 10.60.0.1" in out
        assert "Name:\tshop\nAddress: 10.50.0.2\n" in out
        assert _fetch(host.connect("10.60.0.1", 8080)).endswith(b"hello\n")


def test_another_containers_network_comes_with_its_names(host, cay, image):
    cay.ok("run", "-d", "--name", "web", "--hostname", "shop", "--network", "bridge", image,
           "sleep", "999")
    out = cay.ok("run", "--rm", "--network", "container:web", image, "sh", "-c",
                 "hostname; cat /etc/hostname; ip -4 -o address; cat /etc/hosts")
    assert out.startswith("shop\nshop\n") and "172.17.0.2/16" in out
    assert "172.17.0.2\tshop" in out
    cay.ok("stop", "-t", "0", "web")
    result = cay("run", "--rm", "--network", "container:web", image, "true")
    assert result.returncode == 125 and "is not running" in result.stderr


def test_whoever_stays_in_a_network_that_has_ended_has_no_address_of_it(host, cay, image):
    cay.ok("run", "-d", "--name", "web", "--network", "bridge", image, "sleep", "999")
    cay.ok("run", "-d", "--name", "guest", "--network", "container:web", image, "sleep", "999")
    cay.ok("stop", "-t", "0", "web")
    assert cay.ok("exec", "guest", "ip", "-o", "link").count("\n") == 0  # the loopback's line
    assert not [name for name in host.links() if name.startswith("veth")]


def test_a_network_namespace_is_joined_by_its_path(host, cay, image):
    host.ip("link add mine type bridge", "link set mine up")
    out = cay.ok("run", "--rm", "--network", f"ns:{host.network_namespace}", image,
                 "ip", "-o", "link")
    assert "mine" in out


def test_the_default_bridge_has_the_hosts_resolvers_without_those_on_loopback(host, cay, image):
    host.replace("/etc/resolv.conf",
                 "nameserver 127.0.0.1\nnameserver 192.0.2.53\nsearch a.example\noptions edns0\n")
    cat = "run", "--rm", "--network", "bridge"
    assert cay.ok(*cat, image, "cat", "/etc/resolv.conf") == (
        "nameserver 192.0.2.53\nsearch a.example\noptions edns0")
    assert cay.ok(*cat, "--dns", "192.0.2.9", "--dns-search", ".", "--dns-option", "rotate", image,
                  "cat", "/etc/resolv.conf") == "nameserver 192.0.2.9\noptions rotate"
    host.replace("/etc/resolv.conf", "nameserver 127.0.0.1\n")
    assert cay.ok(*cat, image, "cat", "/etc/resolv.conf") == "nameserver 127.0.0.11"


def test_a_network_of_ones_own_is_asked_for_names(host, cay, image):
    host.replace("/etc/resolv.conf", "nameserver 192.0.2.53\nsearch a.example\n")
    cay.ok("network", "create", "own")
    assert cay.ok("run", "--rm", "--network", "own", image, "cat", "/etc/resolv.conf") == (
        "nameserver 127.0.0.11\nsearch a.example\noptions ndots:0")


def test_hosts_names_the_container_its_links_and_what_was_added(host, cay, image):
    cay.ok("run", "-d", "--name", "store", "--network", "bridge", image, "sleep", "999")
    out = cay.ok("run", "--rm", "--network", "bridge", "--hostname", "web", "--domainname",
                 "example.org", "--add-host", "far:192.0.2.7", "--add-host",
                 "host.docker.internal:host-gateway", "--link", "store:db", image,
                 "cat", "/etc/hosts")
    assert "192.0.2.7\tfar\n" in out
    assert "172.17.0.1\thost.docker.internal\n" in out
    assert "172.17.0.3\tweb.example.org web\n" in out
    assert "172.17.0.2\tdb " in out and out.endswith(" store")
    cay.ok("stop", "-t", "0", "store")
    result = cay("run", "--rm", "--network", "bridge", "--link", "store:db", image, "true")
    assert result.returncode == 125 and "non running container" in result.stderr


def test_what_was_flushed_is_there_after_the_next_command(host, cay, image):
    cay.ok("run", "-d", "--name", "web", "-p", "8080:80", "--network", "bridge", image,
           "sh", "-c", SERVE)
    _wait_for_line(cay, "web", "up")
    host.nft("flush", "ruleset")
    cay.ok("ps")
    assert _fetch(host.connect("127.0.0.1", 8080)).endswith(b"hello\n")
    host.nft("flush", "ruleset")
    cay.ok("network", "reload")
    assert _fetch(host.connect("127.0.0.1", 8080)).endswith(b"hello\n")


def test_a_deleted_bridge_is_there_after_the_next_command(host, cay, image):
    cay.ok("run", "-d", "--name", "web", "--network", "bridge", image, "sleep", "999")
    (bridge,) = (name for name in host.links() if name.startswith("br-"))
    host.ip(f"link delete {bridge}")
    cay.ok("ps")
    cay.ok("exec", "web", "ping", "-c", "1", "-W", "5", GATEWAY)


def _kill(pid):
    pidfd = leaks.open_process(pid)
    os.kill(pid, signal.SIGKILL)
    leaks.wait_for_handles([pidfd])


def test_names_are_answered_again_after_the_next_command(host, cay, image):
    cay.ok("network", "create", "own")
    cay.ok("run", "-d", "--name", "web", "--network", "own", image, "sleep", "999")
    (server,) = (pid for pid in host.processes() if leaks.program_name(pid) == "cay-dns")
    _kill(server)
    cay.ok("ps")
    cay.ok("exec", "web", "nslookup", "web")


def test_a_container_whose_shim_is_killed_leaves_its_address_to_others(host, cay, image, no_leaks):
    cay.ok("run", "-d", "--name", "web", "-p", "8080:80", "--network", "bridge", image,
           "sleep", "999")
    (shim,) = (pid for pid in host.processes() if leaks.program_name(pid) == "cay-shim")
    _kill(shim)
    cay.ok("ps")
    assert "8080" not in str(host.nft("list", "ruleset"))


def test_packets_are_counted(host, cay, image):
    cay.ok("run", "-d", "--name", "web", "--network", "bridge", image, "sh", "-c",
           f"ping -c 3 -i 0.1 -W 5 {GATEWAY} >/dev/null; echo up; sleep 999")
    _wait_for_line(cay, "web", "up")
    size, packets = cay.ok("stats", "--no-stream", "--format", "{{.NetIO}}|{{.NetPackets}}",
                           "web").split("|")
    assert not size.startswith("0B")
    assert all(int(count) >= 3 for count in packets.split(" / "))


def test_another_runtime_has_networks_too(host, cay, image):
    cay.ok("run", "-d", "--name", "web", "--runtime", shutil.which("runc"), "--network", "bridge",
           "--restart", "on-failure", image, "sh", "-c",
           f"{TWICE}; ping -c 1 -W 5 {GATEWAY} >/dev/null && echo up; sleep 999")
    _wait_for_line(cay, "web", "up")


def test_links_that_were_deleted_are_made_again_with_their_routes(host, cay, image):
    cay.ok("network", "create", "--subnet", "10.50.0.0/24", "--subnet", "fd00:50::/64", "one")
    cay.ok("network", "create", "--subnet", "10.60.0.0/24", "two")
    cay.ok("run", "-d", "--name", "web", "--network", "one", "--network", "two", image,
           "sleep", "999")

    def tell():
        return cay.ok("exec", "web", "sh", "-c",
                      "ip -o address | cut -d' ' -f2-8; ip route | sort; "
                      "ip -6 route | grep default; for each in 10.50.0.1 10.60.0.1 fd00:50::1; do "
                      "ping -c 1 -W 5 $each >/dev/null || exit 1; done; echo all")

    before = tell()
    assert "default via 10.50.0.1" in before and before.endswith("all")
    veths = [name for name in host.links() if name.startswith("veth")]
    for deleted in [veths[:1], veths[1:], []]:
        host.ip(*(f"link delete {name}" for name in deleted))
        cay.ok("ps") if deleted else cay.ok("network", "reload")
        assert sorted(tell().splitlines()) == sorted(before.splitlines())


def test_a_containers_network_belongs_to_its_user_namespace(host, cay, image):
    cay.ok("run", "-d", "--name", "web", "--network", "bridge", image, "sleep", "999")
    process = f"/proc/{_inspect(cay, 'web')['State']['Pid']}/ns"
    with open(f"{process}/net", encoding="ascii") as network:
        owner = fcntl.ioctl(network, 0xb701)  # NS_GET_USERNS
    try:
        assert os.stat(f"/proc/self/fd/{owner}").st_ino == os.stat(f"{process}/user").st_ino
        assert os.stat(f"{process}/user").st_ino != os.stat("/proc/self/ns/user").st_ino
    finally:
        os.close(owner)
