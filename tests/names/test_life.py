# SPDX-License-Identifier: Apache-2.0
"""When cay-dns starts and ends, what it knows, and what it may do."""

import json
import os
import select
import subprocess

import pytest

from harness import leaks
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
    ({"networks": [{"network": "net", "names": ["x" * 254]}]}, "name of 254 characters"),
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
