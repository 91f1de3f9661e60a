# SPDX-License-Identifier: Apache-2.0
"""When cay-dns starts and ends, what it knows, and what it may do."""

import contextlib
import json
import os
import re
import select
import socket
import subprocess
import tempfile

import pytest

from harness import dns, leaks
from harness.dns import NO_NAME, Refusal, reply


@pytest.fixture(autouse=True)
def no_other_servers(upstream, resolv_conf):
    resolv_conf("127.0.0.53")
    upstream("127.0.0.53", lambda message, _: [reply(message.data, code=NO_NAME)])


def end_of(pid):
    """A pidfd, readable at its end."""
    return os.pidfd_open(pid)


def wait_for_end(pidfd):
    with os.fdopen(pidfd) as file:
        assert select.select([file], [], [], 20)[0]


def test_it_ends_with_the_last_container(names):
    one, two = names.add("one"), names.add("two")
    end = end_of(names.program())
    one.kill()
    assert two.values("two") == ["10.0.0.1"]
    two.kill()
    wait_for_end(end)
    assert names.list() == set()


def test_the_end_of_a_container_is_seen_at_once(names):
    one, two = names.add("one"), names.add("two", addresses=["10.0.0.2"])
    assert two.values("one") == ["10.0.0.1"]
    one.kill()
    assert names.list() == {two.id}
    assert two.values("one") == NO_NAME
    assert two.place.run("ss", "-Hlntu") != "" == one.place.run("ss", "-Hlntu")


def test_many_who_need_it_at_once_start_one(names):
    containers = [names.make(f"name{number}", addresses=[f"10.0.0.{number + 1}"])
                  for number in range(6)]
    tools = [names.start_tool("register", container.process.pid) for container in containers]
    for tool, container in zip(tools, containers):
        tool.stdin.write(json.dumps(container.members))
        tool.stdin.close()
    assert [tool.wait(60) for tool in tools] == [0] * 6
    names.program()
    assert names.list() == {container.id for container in containers}
    assert containers[0].values("name5") == ["10.0.0.6"]
    for tool in tools:
        tool.stdout.close()
        tool.stderr.close()


def test_a_killed_one_is_followed_by_the_next(names):
    one = names.add("one")
    end = end_of(names.program())
    os.kill(names.program(), 9)
    wait_for_end(end)
    assert names.list() == set()
    two = names.add("two")
    assert names.list() == {two.id}
    one.register()
    assert names.list() == {one.id, two.id}
    assert one.values("two") == ["10.0.0.1"]


def test_whoever_registers_a_container_again_replaces_what_was_there(names):
    one = names.add("one")
    one.members["networks"][0]["names"] = ["new"]
    for _ in range(2):
        one.register()
        assert (one.values("new"), one.values("one")) == (["10.0.0.1"], NO_NAME)
        rules = [entry for entry in one.place.nft("list", "ruleset") if "rule" in entry]
        assert len(rules) == 4 and len(one.place.run("ss", "-Hlntu").splitlines()) == 2


def test_who_comes_while_it_ends_finds_the_next(names):
    for _ in range(20):
        one = names.add("one")
        one.kill()  # which it may see before or after the next one has come
        two = names.add("two")
        assert two.values("two") == ["10.0.0.1"]
        two.kill()


def test_what_a_container_is_called_changes(names):
    one, two = names.add("one"), names.add("two")
    assert two.values("new") == NO_NAME
    one.update(networks=[{"network": "net", "addresses": ["10.0.0.7"], "names": ["new"]}])
    assert (two.values("new"), two.values("one")) == (["10.0.0.7"], NO_NAME)
    one.update(networks=[])
    assert (one.values("two"), two.values("new")) == (NO_NAME, NO_NAME)


def test_a_container_is_forgotten_on_demand(names):
    one, two = names.add("one"), names.add("two")
    names.tool("forget", one.id)
    names.tool("forget", one.id)
    assert names.list() == {two.id}
    assert two.values("one") == NO_NAME


def test_without_it_there_is_nothing_to_forget_and_nobody_to_change(names):
    names.tool("forget", "0" * 64)
    assert names.list() == set() and not names.programs()
    container = names.make("one")
    with pytest.raises(Refusal) as refused:
        container.update()
    assert refused.value.kind == "not-found"
    names.add("two")
    with pytest.raises(Refusal) as refused:
        container.update()
    assert refused.value.kind == "not-found"


@pytest.mark.parametrize("members, what", [
    ({"networks": [{"network": "net", "addresses": ["10.0.0"]}]}, "'10.0.0' is no address"),
    ({"networks": [{"network": ""}]}, "id of a network"),
    ({"networks": [{"network": "net", "names": [""]}]}, "name of no characters"),
    ({"networks": [{"network": "net", "links": {"x" * 254: "one"}}]}, "link of 254 characters"),
    ({"servers": ["example"]}, "'example' is no address"),
    ({"hostAddresses": ["example"]}, "'example' is no address"),
    ({"id": ""}, "id of a container"),
])
def test_what_makes_no_sense_is_refused(names, members, what):
    names.add("one")
    container = names.make("two")
    container.members |= members
    with pytest.raises(Refusal) as refused:
        container.register()
    assert refused.value.kind == "invalid" and what in refused.value.text
    assert len(names.list()) == 1


def test_a_program_that_is_not_there_is_named(names):
    container = names.make("one")
    process = names.host.spawn(names.build / "tests/names/dns-tool", names.directory, "register",
                               container.process.pid, stdin=subprocess.PIPE,
                               env={"CAY_LIBEXEC": "/nonexistent"})
    _, errors = process.communicate(json.dumps(container.members), timeout=60)
    assert process.returncode == 1 and errors.startswith("not-found: ")


def test_it_has_no_rights(names):
    names.add("one")
    pid = names.program()
    status = dict(line.split(":", 1) for line in
                  (leaks.PROC / str(pid) / "status").read_text(encoding="utf-8").splitlines())
    assert status["Uid"].split() == status["Gid"].split() == ["65534"] * 4
    assert status["Groups"].split() == []
    for kind in "CapInh", "CapPrm", "CapEff", "CapAmb":
        assert int(status[kind], 16) == 0
    assert (status["NoNewPrivs"].strip(), status["Seccomp"].strip()) == ("1", "2")
    limits = (leaks.PROC / str(pid) / "limits").read_text(encoding="utf-8")
    assert "Max core file size        0 " in limits


def test_its_socket_is_roots_alone(names):
    names.add("one")
    assert os.stat(os.path.join(names.directory, "dns.socket")).st_mode & 0o777 == 0o600


class Client:
    """What dns-tool does, message by message. All containers are one that there is."""

    def __init__(self, names, container):
        self.container = container
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket.settimeout(20)
        self.socket.connect(os.path.join(names.directory, "dns.socket"))

    def close(self):
        self.socket.close()

    def ask(self, message, fds=()):
        socket.send_fds(self.socket, [message if isinstance(message, bytes)
                                      else json.dumps(message).encode()], fds)
        return json.loads(self.socket.recv(65536))

    def register(self, number):
        with contextlib.ExitStack() as stack:
            place = self.container.place
            sockets = [stack.enter_context(place.listen("127.0.0.11", 0, kind))
                       for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM)]
            pidfd = os.pidfd_open(self.container.process.pid)
            stack.callback(os.close, pidfd)
            return self.ask({"add": {"id": f"id{number}", "networks": [
                {"network": "net", "addresses": ["10.0.0.1"], "names": [f"name{number}"]}]}},
                [*(each.fileno() for each in sockets), pidfd])


@pytest.fixture
def client(names):
    with contextlib.closing(Client(names, names.add("one"))) as client:
        yield client


def test_a_list_may_be_longer_than_a_message(names, client):
    for number in range(1100):
        assert client.register(number) == {}
    assert names.list() == {f"id{number}" for number in range(1100)} | {names.containers[0].id}
    assert names.containers[0].values("name1099") == ["10.0.0.1"]


@pytest.mark.parametrize("message", [
    b"{", b"[]", b"{}", b'{"list": true, "forget": "x"}', b'{"add": {}}', b'{"add": {"id": "x"}}',
    b'{"forget": ""}', b"\xff" * 100, b"[" * 60000,
])
def test_requests_without_sense_are_refused_and_nothing_else(names, client, message):
    assert client.ask(message)["kind"] == "invalid"
    assert names.list() == {names.containers[0].id}


@pytest.mark.parametrize("wrong", [(0, 0), (1, 1), (1, 0), (0,), ()])
def test_a_registration_has_both_sockets(names, client, wrong):
    kinds = socket.SOCK_DGRAM, socket.SOCK_STREAM
    with contextlib.ExitStack() as stack:
        fds = [stack.enter_context(socket.socket(socket.AF_INET, kinds[kind])).fileno()
               for kind in wrong]
        for known in "x", names.containers[0].id:
            assert client.ask({"add": {"id": known}}, fds)["kind"] == "invalid"
    assert names.list() == {names.containers[0].id}
    assert names.containers[0].values("one") == ["10.0.0.1"]


def test_there_are_as_many_containers_as_there_are_descriptors(names):
    one = names.make("one")
    # Each has three, and as many are for what is asked.
    tool = names.start_tool("register", one.process.pid, tracer=("prlimit", "--nofile=60"))
    tool.communicate(json.dumps(one.members), timeout=60)
    assert tool.returncode == 0
    with contextlib.closing(Client(names, one)) as client:
        assert [client.register(number) for number in range(9)] == [{}] * 9
        refused = client.register(9)
        assert refused["kind"] == "exhausted" and "no more than 10 containers" in refused["message"]
        names.tool("forget", "id3")
        assert client.register(9) == {}
    assert one.values("name9") == ["10.0.0.1"]


def test_it_stays_below_three_megabytes(build, release, host, worker_directory, upstream):
    """As it is shipped: with 500 containers, and when all that it may keep is kept."""
    upstream("127.0.0.54", lambda message, _: [reply(message.data, dns.record(
        message.name, dns.TXT, bytes([200]) + b"x" * 200))])
    with tempfile.TemporaryDirectory(dir=worker_directory) as directory:
        names = dns.Names(build, host, directory, libexec=release)
        with contextlib.closing(names):
            one = names.add("one", servers=["127.0.0.54"])
            with contextlib.closing(Client(names, one)) as client:
                assert [client.register(number) for number in range(500)] == [{}] * 500
            with one.place.connect(*dns.SERVER, socket.SOCK_DGRAM) as asker:
                for number in range(2000):
                    asker.send(dns.question(f"{number}.example", dns.TXT))
                    assert dns.Message(asker.recv(512)).answers
            rollup = (leaks.PROC / str(names.program()) / "smaps_rollup").read_text()
            (resident,) = re.findall(r"^Rss: +(\d+) kB$", rollup, re.MULTILINE)
            assert int(resident) < 3 * 1024, rollup


CALLS = "unlinkat bind listen fchmodat socketpair openat vfork wait4 connect sendmsg recvmsg flock"


def test_who_starts_it_may_die_at_any_step(names):
    one = names.make("one")
    text = json.dumps(one.members)
    reached = 0
    for call in CALLS.split():
        number = 0
        while True:
            number += 1
            process = names.start_tool("register", one.process.pid, tracer=(
                "strace", "-qq", "-o", "/dev/null", "-e", f"trace={call}",
                "-e", f"inject={call}:signal=SIGKILL:when={number}"))
            process.communicate(text, timeout=60)
            if process.returncode == 0:
                break
            reached += 1
            one.register()
            assert names.list() == {one.id} and one.values("one") == ["10.0.0.1"]
            if reached % 3:  # else the next one finds it running
                end = end_of(names.program())
                os.kill(names.program(), 9)
                wait_for_end(end)
    assert reached > len(CALLS.split())
