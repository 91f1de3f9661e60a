# SPDX-License-Identifier: Apache-2.0
"""What containers are called, as their neighbours see it."""

from harness.dns import A, AAAA, FAILURE, OK, PTR, TXT


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


def test_what_others_are_asked_is_passed_on(names, upstream, resolv_conf):
    from harness.dns import address_record, reply
    resolv_conf("127.0.0.53")
    upstream("127.0.0.53", lambda message, _: [
        reply(message.data, address_record(message.name, "192.0.2.1"))])
    web = names.add("web")
    assert web.values("www.example", A) == ["192.0.2.1"]
