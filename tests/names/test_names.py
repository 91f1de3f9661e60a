# SPDX-License-Identifier: Apache-2.0
"""What containers are called, as their neighbours see it."""

import contextlib

import pytest

from harness import dns
from harness.dns import AAAA, FAILURE, NO_NAME, OK, PTR, TXT, reply


def test_a_container_knows_its_neighbours_and_itself(names):
    web = names.add("web", "alias", addresses=["10.0.0.2", "fd00::2"])
    other = names.add("other", addresses=["10.0.0.3"])
    for asker in web, other:
        assert asker.values("web") == asker.values("alias") == ["10.0.0.2"]
        assert asker.values("web", AAAA) == ["fd00::2"]
        assert asker.values("other") == ["10.0.0.3"]


def test_spelling_makes_no_difference_and_comes_back_as_it_was(names):
    web = names.add("Web", addresses=["10.0.0.2"])
    answer = web.ask("wEB")
    assert (answer.name, answer.values) == ("wEB", ["10.0.0.2"])


def test_a_known_name_has_no_address_of_the_other_family_and_nothing_else(names):
    web = names.add("web", addresses=["10.0.0.2"])
    for kind in AAAA, TXT:
        answer = web.ask("web", kind)
        assert (answer.code, answer.answers) == (OK, [])


def test_what_is_in_another_network_is_not_known(names, upstream, resolv_conf):
    resolv_conf("127.0.0.53")
    upstream("127.0.0.53")
    web = names.add("web", addresses=["10.0.0.2"], network="one")
    other = names.add("other", addresses=["10.1.0.2"], network="two")
    assert web.values("other") == other.values("web") == []


def test_an_internal_network_asks_nobody(names, upstream, resolv_conf):
    resolv_conf("127.0.0.53")
    server = upstream("127.0.0.53")
    web = names.add("web", addresses=["10.0.0.2"], internal=True)
    assert web.ask("secret.example").code == FAILURE
    assert web.ask_tcp("secret.example").code == FAILURE
    assert web.values("web") == ["10.0.0.2"]
    assert not server.asked


def test_an_address_has_its_containers_name(names):
    web = names.add("web", "alias", addresses=["10.0.0.2", "fd00::2"])
    other = names.add("other")
    for asker in web, other:
        assert asker.values("2.0.0.10.in-addr.arpa", PTR) == ["web"]
        assert asker.values("2" + ".0" * 27 + ".0.0.d.f.ip6.arpa", PTR) == ["web"]


def test_the_first_network_that_knows_a_name_answers(names):
    names.add("web", addresses=["10.0.1.2"], network="one")
    names.add("web", addresses=["10.0.2.2"], network="two")
    names.add("db", addresses=["10.0.2.3"], network="two")
    for order, address in (("one", "two"), "10.0.1.2"), (("two", "one"), "10.0.2.2"):
        asker = names.add(networks=[{"network": network} for network in order])
        assert asker.values("web") == [address]
        assert asker.values("db") == ["10.0.2.3"]


def test_a_shared_alias_leads_to_another_one_each_time(names):
    addresses = [f"10.0.0.{number}" for number in range(2, 6)]
    for number, address in enumerate(addresses):
        asker = names.add(f"web{number}", "web", addresses=[address])
    answers = [asker.ask("web").values for _ in addresses]
    assert [sorted(answer) for answer in answers] == [addresses] * 4
    assert sorted(answer[0] for answer in answers) == addresses


def test_more_addresses_than_fit_are_there_over_tcp(names):
    many = [f"10.0.{number // 200}.{number % 200 + 1}" for number in range(300)]
    asker = names.add("web", addresses=many)
    answer = asker.ask("web")
    assert answer.is_truncated and len(answer.data) <= 512 and answer.answers
    answer = asker.ask_tcp("web")
    assert not answer.is_truncated and sorted(answer.values) == sorted(many)


@pytest.mark.parametrize("name", ["host.docker.internal", "host.cay.internal"])
def test_the_host_has_a_name(names, name):
    addresses = {"hostAddresses": ["172.17.0.1", "fd00::1"]}
    asker = names.add("web", internal=True, **addresses)
    assert asker.values(name) == ["172.17.0.1"]
    assert asker.values(name, AAAA) == ["fd00::1"]
    assert names.add("other", internal=True).ask(name).code == FAILURE


def test_a_link_is_a_name_for_one_container_alone(names, upstream, resolv_conf):
    resolv_conf("127.0.0.53")
    upstream("127.0.0.53", lambda message, _: [reply(message.data, code=NO_NAME)])
    web = names.add("web", addresses=["10.0.0.2"])
    asker = names.add(networks=[{"network": "net", "links": {
        "Database": "web", "far": "192.0.2.7", "web": "192.0.2.8", "gone": "nobody"}}])
    assert asker.values("database") == ["10.0.0.2"]
    assert asker.values("far") == ["192.0.2.7"]
    assert asker.values("web") == ["192.0.2.8"]  # before what others are called
    assert asker.values("gone") == web.values("database") == NO_NAME


def test_edns_is_answered_with_edns(names):
    web = names.add("web", addresses=["10.0.0.2"])
    answer = web.ask("web", edns=1232)
    assert answer.values == ["10.0.0.2"] and [one.kind for one in answer.additional] == [dns.OPT]


def test_a_container_can_have_a_name_server_of_its_own(names, upstream):
    web = names.add("web", addresses=["10.0.0.2"])
    with contextlib.closing(dns.Upstream(web.place, "0.0.0.0", lambda message, transport: [
            reply(message.data, dns.address_record(message.name, "192.0.2.1"))])) as own:
        for server, address in ("127.0.0.1", "192.0.2.1"), (dns.SERVER[0], "10.0.0.2"):
            assert web.ask("web", server=server).values == [address]
            assert web.ask_tcp("web", server=server).values == [address]
    assert [transport for transport, *_ in own.asked] == ["udp", "tcp"]


def test_names_work_in_a_container_that_tracks_its_connections(names):
    web = names.add("web", addresses=["10.0.0.2"])
    web.place.nft("add table inet own")
    for hook in "input", "output":
        web.place.nft(f"add chain inet own {hook} {{ type filter hook {hook} priority 0; "
                      "policy drop; }")
        web.place.nft(f"add rule inet own {hook} ct state new,established accept")
    assert web.values("web") == web.ask_tcp("web").values == ["10.0.0.2"]


def test_a_name_that_is_too_long_to_be_asked_for_is_no_trouble(names):
    web = names.add("x" * 300, "y" * 64, "web", addresses=["10.0.0.2"])
    assert web.values("web") == ["10.0.0.2"]
    assert web.values("2.0.0.10.in-addr.arpa", PTR) == []
