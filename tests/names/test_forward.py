# SPDX-License-Identifier: Apache-2.0
"""What containers ask that nobody here knows: other servers, whatever these do."""

import contextlib
import socket

import pytest

from harness import dns
from harness.dns import (A, FAILURE, FORMAT, NO_NAME, NOT_IMPLEMENTED, OK, REFUSED, TRUNCATED, TXT,
                         address_record, reply)

HOST = "127.0.0.53"


def says(*addresses, **options):
    """A server that gives every name these addresses."""
    lifetime = options.pop("lifetime", 60)
    return lambda message, _: [reply(message.data, *(
        address_record(message.name, address, lifetime) for address in addresses), **options)]


def silent(message, transport):
    return []


@pytest.fixture
def web(names, resolv_conf):
    resolv_conf(HOST)
    return names.add("web")


def test_the_hosts_server_is_asked_also_on_its_loopback(web, upstream):
    server = upstream(HOST, says("192.0.2.1"))
    assert web.values("www.example") == web.ask_tcp("other.example").values == ["192.0.2.1"]
    assert server.asked == [("udp", "www.example", A), ("udp", "other.example", A)]


def test_unknown_names_of_one_label_are_asked_for_too(web, upstream):
    upstream(HOST, says(code=NO_NAME))
    assert web.ask("nobody").code == NO_NAME


def test_a_containers_own_servers_are_asked_instead(names, upstream, resolv_conf):
    resolv_conf(HOST)
    upstream(HOST, says("192.0.2.1"))
    upstream("127.0.0.54", says("192.0.2.2"))
    web = names.add("web", servers=["127.0.0.54"])
    other = names.add("other")
    assert web.values("www.example") == ["192.0.2.2"]
    assert other.values("www.example") == ["192.0.2.1"]  # what one has said is not the other's


def test_changed_servers_of_the_host_are_asked_and_old_answers_forgotten(web, upstream,
                                                                         resolv_conf):
    upstream(HOST, says("192.0.2.1"))
    upstream("127.0.0.54", says("192.0.2.2"))
    assert web.values("www.example") == ["192.0.2.1"]
    resolv_conf("127.0.0.54")
    assert web.values("www.example") == ["192.0.2.2"]


def test_a_file_of_servers_that_is_elsewhere_may_be_replaced(names, host, upstream, tmp_path):
    """As those do that make it: it is a link to a file, and another file takes its place."""
    for name in "upper", "work", "elsewhere":
        (tmp_path / name).mkdir()
    host.run("chmod", "a+x", tmp_path, *list(tmp_path.parents)[:-2])
    host.run("mount", "-t", "overlay", "overlay", "-o", f"lowerdir=/etc,upperdir={tmp_path}/upper,"
             f"workdir={tmp_path}/work", "/etc")
    target = tmp_path / "elsewhere" / "resolv.conf"
    host.run("ln", "-sf", target, "/etc/resolv.conf")
    target.write_text("nameserver 127.0.0.54\n", encoding="ascii")
    upstream("127.0.0.54", says("192.0.2.2"))
    upstream("127.0.0.55", says("192.0.2.3"))
    web = names.add("web")
    assert web.values("www.example") == ["192.0.2.2"]
    (tmp_path / "elsewhere" / "new").write_text("nameserver 127.0.0.55\n", encoding="ascii")
    (tmp_path / "elsewhere" / "new").rename(target)
    assert web.values("www.example") == ["192.0.2.3"]


def test_a_host_without_servers_asks_itself(names, upstream, resolv_conf):
    resolv_conf()
    upstream("127.0.0.1", says("192.0.2.1"))
    assert names.add("web").values("www.example") == ["192.0.2.1"]


@pytest.mark.parametrize("first", [None, silent, says(code=FAILURE), says(code=REFUSED)],
                         ids=["dead", "silent", "failing", "refusing"])
def test_the_next_server_is_asked(names, upstream, resolv_conf, first):
    resolv_conf("127.0.0.54", HOST)
    if first:
        upstream("127.0.0.54", first)
    second = upstream(HOST, says("192.0.2.1"))
    web = names.add("web")
    assert web.values("www.example") == ["192.0.2.1"]
    assert second.asked == [("udp", "www.example", A)]


def test_who_did_not_answer_is_not_asked_first_again(names, upstream, resolv_conf):
    resolv_conf("127.0.0.54", HOST)
    first = upstream("127.0.0.54", silent)
    upstream(HOST, says("192.0.2.1"))
    web = names.add("web")
    for name in "one.example", "two.example":
        assert web.values(name) == ["192.0.2.1"]
    assert first.asked == [("udp", "one.example", A)]


def test_when_nobody_answers_that_is_said(web, upstream):
    assert web.ask("www.example").code == FAILURE  # nobody is there
    server = upstream(HOST, silent)
    assert web.ask("www.example").code == FAILURE
    assert server.asked == [("udp", "www.example", A)] * 2


def long_answer(message, transport):
    """Too long for UDP without EDNS."""
    records = [address_record(message.name, f"192.0.2.{number}") for number in range(1, 101)]
    if transport == "udp":
        return [reply(message.data, *records[:5], flags=TRUNCATED)]
    return [reply(message.data, *records)]


def test_what_is_truncated_is_asked_for_over_tcp(web, upstream):
    server = upstream(HOST, long_answer)
    answer = web.ask_tcp("www.example")
    assert (len(answer.answers), answer.is_truncated) == (100, False)
    assert server.asked == [("udp", "www.example", A), ("tcp", "www.example", A)]


def test_a_long_answer_is_cut_to_what_its_asker_takes(web, upstream):
    upstream(HOST, long_answer)
    answer = web.ask("www.example")
    assert answer.is_truncated and len(answer.data) <= 512 and len(answer.answers) > 5
    answer = web.ask("www.example", edns=1232)
    assert answer.is_truncated and 512 < len(answer.data) <= 1232
    assert answer.additional[0].kind == dns.OPT


def test_where_tcp_does_not_work_a_truncated_answer_is_better_than_none(web, upstream):
    upstream(HOST, long_answer, with_tcp=False)
    answer = web.ask("www.example")
    assert answer.is_truncated and len(answer.answers) == 5


def test_only_so_many_long_answers_come_at_a_time(web, upstream):
    """A server that has time may not fill the memory: who asks over UDP does without the rest."""
    server = upstream(HOST, lambda message, transport: (
        long_answer(message, transport) if transport == "udp" else []))
    with web.place.connect(*dns.SERVER, socket.SOCK_DGRAM) as client:
        for number in range(9):
            client.send(dns.question(f"{number}.example"))
        first = dns.Message(client.recv(512))  # the others wait for the server, which is silent
        assert (first.name, first.is_truncated) == ("8.example", True)
        answers = [dns.Message(client.recv(512)) for _ in range(8)]
    assert all(answer.is_truncated and answer.answers for answer in answers)
    assert [transport for transport, *_ in server.asked].count("tcp") == 8


def test_edns_reaches_the_server_as_it_is(web, upstream):
    seen = []

    def answer(message, _):
        seen.append(message.data[2:])
        return [reply(message.data)]
    upstream(HOST, answer)
    asked = dns.question("www.example", edns=1400, edns_options=b"\0\x0a\0\x08cookies!")
    web.exchange(asked)
    assert seen == [asked[2:]]


def test_only_an_answer_to_the_question_is_one(web, upstream, host):
    with contextlib.closing(host.open_socket(kind=socket.SOCK_DGRAM)) as forger:
        forger.bind(("127.0.0.66", 53))

        def answer(message, _):
            wrong = address_record(message.name, "192.0.2.66")
            forger.sendto(reply(message.data, wrong), ("127.0.0.1", server.ports[-1]))
            return [
                reply(message.data, wrong, id=message.id ^ 1),
                reply(dns.question("other.example", id=message.id), wrong),
                reply(dns.question(message.name, TXT, id=message.id), wrong),
                reply(message.data, wrong)[:-1],
                message.data,
                b"",
                reply(message.data, address_record(message.name, "192.0.2.1")),
            ]
        server = upstream(HOST, answer)
        assert web.values("www.example") == ["192.0.2.1"]


def test_ids_and_ports_cannot_be_guessed(web, upstream):
    server = upstream(HOST, says("192.0.2.1"))
    for number in range(40):
        web.ask(f"{number}.example", id=number)
    assert len(set(server.ports)) > 30 and len(set(server.ids)) > 30
    for numbers in server.ports, server.ids:  # nor do they follow each other
        steps = [after - before for before, after in zip(numbers, numbers[1:])]
        assert len(set(steps)) > 30


def test_an_answer_is_kept_and_is_its_askers_own(web, names, upstream):
    server = upstream(HOST, says("192.0.2.1"))
    other = names.add("other")
    for asker, name, number in (web, "www.example", 1), (other, "WWW.Example", 2):
        answer = asker.ask(name, id=number)
        assert (answer.id, answer.name, answer.values) == (number, name, ["192.0.2.1"])
    assert len(server.asked) == 1


@pytest.mark.parametrize("answer, asked", [
    (says("192.0.2.1", lifetime=0), 2),
    (says("192.0.2.1", code=FAILURE), 2),
    (says(code=NO_NAME), 2),
    (says(code=NO_NAME, authorities=[dns.no_such_name()]), 1),
    (says(authorities=[dns.no_such_name()]), 1),
    (says(code=NO_NAME, authorities=[dns.no_such_name(lifetime=0)]), 2),
], ids=["no-lifetime", "failure", "nothing-said", "no-name", "no-data", "no-name-no-lifetime"])
def test_what_is_kept_is_up_to_the_answer(web, upstream, answer, asked):
    server = upstream(HOST, answer)
    for _ in range(2):
        web.ask("www.example")
    assert len(server.asked) == asked


@pytest.mark.parametrize("message, code", [
    (dns.question("www.example", count=2), FORMAT),
    (dns.question("www.example")[:-1], FORMAT),
    (dns.question("www.example") + b"x", FORMAT),
    (dns.question("www.example", flags=0x2800), NOT_IMPLEMENTED),
    (dns.question("www.example", 252), REFUSED),
], ids=["two-questions", "cut-off", "something-behind", "an-update", "a-whole-zone"])
def test_what_makes_no_sense_is_answered_so(web, message, code):
    answer = web.exchange(message)
    assert (answer.id, answer.code) == (int.from_bytes(message[:2], "big"), code)


def test_what_is_no_question_at_all_has_no_answer(web, upstream):
    with web.place.connect(*dns.SERVER, socket.SOCK_DGRAM) as client:
        for message in b"", b"short", dns.question("web", flags=dns.RESPONSE):
            client.send(message)
        client.send(dns.question("web", id=7))
        assert dns.Message(client.recv(512)).id == 7


def test_questions_over_tcp_follow_each_other(web, upstream):
    upstream(HOST, says("192.0.2.1"))
    stream = b"".join(len(message).to_bytes(2, "big") + message for message in (
        dns.question("one.example", id=1), dns.question("web", id=2),
        dns.question("two.example", id=3)))
    with web.place.connect(*dns.SERVER) as client:
        client.sendall(stream[:5])
        client.sendall(stream[5:])
        data = b""
        for number in 1, 2, 3:
            while len(data) < 2 or len(data) < 2 + int.from_bytes(data[:2], "big"):
                data += client.recv(4096)
            size = int.from_bytes(data[:2], "big")
            assert dns.Message(data[2:2 + size]).id == number
            data = data[2 + size:]


def test_a_message_that_is_too_long_ends_its_connection(web):
    for size in 4, 5000:
        with web.place.connect(*dns.SERVER) as client:
            client.sendall(size.to_bytes(2, "big"))
            assert dns.receive_stream(client) is None


def test_a_container_has_only_so_many_connections(web):
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(web.place.connect(*dns.SERVER)) for _ in range(17)]
        dns.send_stream(clients[-1], dns.question("web", id=9))
        assert dns.Message(dns.receive_stream(clients[-1])).id == 9
        assert dns.receive_stream(clients[0]) is None
        dns.send_stream(clients[1], dns.question("web", id=8))
        assert dns.Message(dns.receive_stream(clients[1])).id == 8


def test_who_leaves_before_its_answer_is_no_trouble(web, upstream):
    server = upstream(HOST, silent)
    with web.place.connect(*dns.SERVER) as client:
        dns.send_stream(client, dns.question("www.example"))
        server.wait_for(1)
    assert web.values("web") == ["10.0.0.1"]


def test_a_flood_of_one_container_does_not_starve_another(web, names, upstream):
    def answer(message, transport):
        return says("192.0.2.1")(message, transport) if message.name == "quick.example" else []
    upstream(HOST, answer)
    other = names.add("other", addresses=["10.0.0.9"])
    with web.place.connect(*dns.SERVER, socket.SOCK_DGRAM) as flood:
        for number in range(3000):
            flood.send(dns.question(f"{number}.example"))
        assert other.values("other") == ["10.0.0.9"]
        assert other.values("quick.example") == ["192.0.2.1"]
        answers = [dns.Message(flood.recv(512)).code for _ in range(200)]
        assert set(answers) == {FAILURE}  # more than it may ask at a time are refused at once
    assert web.ask("web").code == OK
