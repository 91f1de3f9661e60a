# SPDX-License-Identifier: Apache-2.0
"""Blobs: in ranges, again from where they were cut, into a pipe meanwhile, and to the registry."""

import os
import random
import subprocess

import pytest

from harness import fault_proxy
from harness.image_archives import sha256
from registry.conftest import worker_of

MIB = 2 ** 20
PIECE = 8 * MIB


def noise(size):
    return random.Random(size).randbytes(size)


@pytest.fixture(scope="module")
def small():
    return noise(300_000)


@pytest.fixture(scope="module")
def large():
    """What comes in pieces: five of them and a bit."""
    return noise(5 * PIECE + 12345)


@pytest.fixture
def stored(registry, repository):
    def put(data):
        registry.put_blob(repository, data)
        return data
    return put


def ranges(proxy):
    return [request.range for request in proxy.asked("/blobs/")]


def assert_comes_and_goes(one, registry, repository, data):
    one.upload(data)
    assert registry.get_blob(repository, sha256(data)) == data
    output, result = one.feed(data, ["sha256sum"])
    assert output.split()[0].decode() == sha256(data).removeprefix("sha256:")
    assert result["done"] == len(data)


@pytest.fixture
def one(client, proxy, repository):
    return client(proxy, repository)


def test_a_blob_comes_whole_and_without_a_range(one, proxy, stored, small):
    assert one.fetch(stored(small)) == {"done": len(small), "wasThere": False}
    assert ranges(proxy) == [None]


def test_an_empty_blob_is_not_even_asked_for(one, proxy):
    assert one.fetch(b"")["done"] == 0
    assert not proxy.requests


def test_a_long_blob_comes_in_pieces(one, proxy, stored, large):
    one.fetch(stored(large))
    assert sorted(ranges(proxy), key=lambda text: int(text[6:].split("-")[0])) == [
        f"bytes={start}-{min(start + PIECE, len(large)) - 1}"
        for start in range(0, len(large), PIECE)]


def test_a_long_blob_comes_whole_where_there_are_no_ranges(one, proxy, stored, large):
    proxy.on("/blobs/", fault_proxy.no_ranges)
    one.fetch(stored(large))
    assert len(proxy.asked("/blobs/")) == 1


def test_a_blob_is_fed_in_order_while_it_arrives(one, stored, large):
    output, result = one.feed(stored(large), ["sha256sum"])
    assert output.split()[0].decode() == sha256(large).removeprefix("sha256:")
    assert result["done"] == len(large)


def test_blobs_come_and_go_through_tls_and_http_2(client, tls_registry, repository, small, large):
    one = client(tls_registry, repository)
    for data in small, large:
        assert_comes_and_goes(one, tls_registry, repository, data)
        (one.directory / "blob").unlink()


def test_a_reader_that_goes_away_does_not_hurt_the_file(one, stored, large):
    output, _ = one.feed(stored(large), ["head", "-c", "3"])
    assert output == large[:3]
    assert (one.directory / "blob").read_bytes() == large


def test_a_blob_that_is_there_is_fed_without_being_asked_for(one, proxy, small):
    (one.directory / "blob").write_bytes(small)
    output, _ = one.feed(small, ["cat"])
    assert output == small and not proxy.requests


def test_an_empty_blob_is_fed(one):
    assert one.feed(b"", ["cat"])[0] == b""


@pytest.mark.parametrize("after", [0, 1, 100_000, 299_999])
def test_a_blob_that_is_cut_goes_on_where_it_was(one, proxy, stored, small, after):
    proxy.on("/blobs/", fault_proxy.cut(after), nth=1)
    output, _ = one.feed(stored(small), ["cat"])
    assert output == small
    first, second = ranges(proxy)
    begun = second is not None and int(second.removeprefix("bytes=").split("-")[0])
    assert first is None and (begun is False or 0 < begun <= after)


def test_a_blob_that_is_cut_and_cut_again_comes(one, proxy, stored, small):
    proxy.on("/blobs/", fault_proxy.cut(30_000, reset=False), nth=range(1, 9))
    one.fetch(stored(small))
    assert len(proxy.asked("/blobs/")) == 9


def test_a_cut_blob_comes_where_there_are_no_ranges(one, proxy, stored, small):
    proxy.on("/blobs/", fault_proxy.cut(100_000), nth=1)
    proxy.on("/blobs/", fault_proxy.no_ranges)
    output, _ = one.feed(stored(small), ["cat"])
    assert output == small


def test_a_blob_that_is_always_cut_at_the_same_byte_fails(one, proxy, stored, small):
    proxy.on("/blobs/", lambda exchange: exchange.relay(
        without=("range",), headers={"Accept-Ranges": None},
        change=lambda pieces: cut_after(exchange, pieces, 100_000)))
    kind, _ = one.fails("fetch", sha256(small), len(stored(small)), one.directory / "blob")
    assert kind == "unavailable" and len(proxy.requests) < 8


def cut_after(exchange, pieces, left):
    for piece in pieces:
        yield piece[:left]
        left -= len(piece[:left])
        if not left:
            exchange.cut(reset=False)


@pytest.mark.parametrize("fault", [fault_proxy.answer(500), fault_proxy.answer(502),
                                   fault_proxy.answer(429, b"", Retry_After="0"),
                                   fault_proxy.cut(None), fault_proxy.cut(5 * MIB)])
def test_a_piece_that_fails_is_asked_for_again(one, proxy, stored, large, fault):
    proxy.on("/blobs/", fault, nth=range(2, 4))
    one.fetch(stored(large))
    assert len(proxy.asked("/blobs/")) == 8


def test_what_is_there_is_not_asked_for_again(one, proxy, stored, large):
    """Also beyond a hole, and but for the block that may be there in part."""
    with open(one.directory / "blob", "wb") as file:
        file.write(large[:3 * MIB])
        file.seek(2 * PIECE)
        file.write(large[2 * PIECE:3 * PIECE])
    one.fetch(stored(large))
    asked = 0
    for text in ranges(proxy):
        start, end = map(int, text.removeprefix("bytes=").split("-"))
        asked += end + 1 - start
        assert start >= 3 * MIB - 64 * 1024
    assert asked <= len(large) - 3 * MIB - PIECE + 2 * 64 * 1024


def test_what_a_killed_program_has_fetched_is_used(one, proxy, stored, small):
    proxy.on("/blobs/", fault_proxy.hold(None, after=200_000), nth=1)
    process = one.start("fetch", sha256(small), len(stored(small)), one.directory / "blob")
    proxy.wait_for(lambda: proxy.requests and proxy.requests[0].sent >= 200_000)
    # What was sent is in the file when the program has nothing more to read.
    with open(one.directory / "blob", "rb") as file:
        subprocess.run(["timeout", "60", "sh", "-c", "until [ $(stat -Lc %s \"$0\") -ge 131072 ]; "
                        "do :; done", f"/proc/{os.getpid()}/fd/{file.fileno()}"], check=True)
    process.kill()
    process.communicate()
    proxy.forget()
    one.fetch(small)
    assert int(ranges(proxy)[0].removeprefix("bytes=").split("-")[0]) >= 65536


@pytest.mark.parametrize("wrong, words", [(-1, "it has 300000 bytes, but its manifest says 299999"),
                                          (1, "it has 300000 bytes, but its manifest says 300001")])
def test_a_blob_of_another_size_is_corrupt(one, stored, small, wrong, words):
    stored(small)
    kind, message = one.fails("fetch", sha256(small), len(small) + wrong, one.directory / "blob")
    assert kind == "corrupt" and words in message


def test_more_than_was_asked_for_is_never_taken(one, proxy, stored, large):
    stored(large)
    proxy.on("/blobs/", lambda exchange: exchange.relay(
        headers={"Content-Length": None, "Connection": "close"},
        change=lambda pieces: [*pieces, b"more"]), nth=1)
    kind, _ = one.fails("fetch", sha256(large), len(large), one.directory / "blob")
    assert kind in ("corrupt", "invalid", "unavailable")
    assert (one.directory / "blob").stat().st_size <= len(large)


@pytest.mark.parametrize("content_range", ["bytes 1-8388608/41955385", "bytes 0-8388607/99",
                                           "bytes 0-99999999/41955385", "octets 0-1/2", "", None])
def test_another_range_than_was_asked_for_is_refused(one, proxy, stored, large, content_range):
    stored(large)
    proxy.on("/blobs/", fault_proxy.relay(headers={"Content-Range": content_range}))
    kind, _ = one.fails("fetch", sha256(large), len(large), one.directory / "blob")
    assert kind in ("invalid", "corrupt")


def test_a_missing_blob_is_not_found(one):
    kind, message = one.fails("fetch", sha256(b"nothing"), 7, one.directory / "blob")
    assert kind == "not-found" and f"blob '{sha256(b'nothing')}' of" in message


def test_no_space_is_told(one, stored, large):
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", one.directory], check=True)
    try:
        kind, message = one.fails("fetch", sha256(large), len(stored(large)),
                                  one.directory / "blob")
    finally:
        subprocess.run(["umount", one.directory], check=True)
    assert kind == "exhausted" and "No space left on device" in message


# Elsewhere

def test_a_redirected_blob_comes_without_credentials(client, proxy, other_host, repository, stored,
                                                     large):
    stored(large)
    proxy.on("/blobs/", fault_proxy.answer(401, b"", WWW_Authenticate='Basic realm="r"'), nth=1)
    proxy.on("/blobs/", fault_proxy.redirect(f"http://{other_host.host}"))
    other_host.on("/blobs/", fault_proxy.cut(1000), nth=3)
    client(proxy, repository, credentials={"username": "u", "password": "p"}).fetch(large)
    assert all(request.credentials for request in proxy.requests[1:])
    assert other_host.requests and not any(asked.credentials for asked in other_host.requests)


def test_a_foreign_layer_comes_from_its_url_without_credentials(client, proxy, other_host,
                                                                registry, repository, small):
    registry.put_blob("tests/foreign", small)
    url = f"http://{other_host.host}/v2/tests/foreign/blobs/{sha256(small)}"
    one = client(proxy, repository, credentials={"username": "u", "password": "p"})
    proxy.on("/blobs/", fault_proxy.answer(401, b"", WWW_Authenticate='Basic realm="r"'), nth=1)
    one.fetch(small, "http://127.0.0.1:1/nobody", url)
    assert [request.credentials for request in other_host.requests] == [None]


@pytest.mark.parametrize("url", ["file:///etc/passwd", "http://u:p@127.0.0.1/", "nonsense:"])
def test_a_foreign_layers_url_is_http(one, small, url):
    kind, _ = one.fails("fetch", sha256(small), len(small), one.directory / "blob", url)
    assert kind == "not-found"
    assert (one.directory / "blob").stat().st_size == 0


def test_a_blob_that_a_mirror_lacks_comes_from_the_registry(client, proxy, other_host, repository,
                                                            stored, small):
    other_host.on("/blobs/", fault_proxy.answer(404))
    client(proxy, repository, mirrors=[other_host]).fetch(stored(small))
    assert other_host.requests and proxy.requests


# Sending

def test_a_short_blob_is_sent_in_one_request(one, proxy, registry, repository, small):
    assert one.upload(small) == {"done": len(small), "wasThere": False}
    assert registry.get_blob(repository, sha256(small)) == small
    assert [request.method for request in proxy.requests] == ["HEAD", "POST", "PUT"]


def test_an_empty_blob_is_sent(one, registry, repository):
    one.upload(b"")
    assert registry.get_blob(repository, sha256(b"")) == b""


def test_a_long_blob_is_sent_in_chunks(one, proxy, registry, repository, large):
    one.upload(large)
    assert registry.get_blob(repository, sha256(large)) == large
    assert [request.method for request in proxy.requests] == ["HEAD", "POST", "PATCH", "PATCH",
                                                              "PUT"]
    assert [request.headers["content-range"] for request in proxy.asked("", method="PATCH")] == [
        f"0-{2 * PIECE - 1}", f"{2 * PIECE}-{4 * PIECE - 1}"]


def test_a_blob_that_is_there_is_not_sent(one, proxy, stored, small):
    assert one.upload(stored(small))["wasThere"]
    assert [request.method for request in proxy.requests] == ["HEAD"]


def test_a_blob_is_mounted_from_another_repository(one, proxy, registry, repository, small):
    registry.put_blob("tests/mounted", small)
    assert one.upload(small, "tests/mounted")["wasThere"]
    assert registry.has_blob(repository, sha256(small))
    assert [request.method for request in proxy.requests] == ["HEAD", "POST"]


def test_a_blob_that_cannot_be_mounted_is_sent(one, registry, repository, small):
    assert not one.upload(small, "tests/has-nothing")["wasThere"]
    assert registry.has_blob(repository, sha256(small))


@pytest.mark.parametrize("fault", [fault_proxy.answer(500), fault_proxy.cut(None)])
@pytest.mark.parametrize("method", ["POST", "PATCH", "PUT"])
def test_what_fails_of_an_upload_is_sent_again(one, proxy, registry, repository, large, method,
                                               fault):
    proxy.on("/uploads/", fault, nth=1, method=method)
    one.upload(large)
    assert registry.get_blob(repository, sha256(large)) == large
    assert len(proxy.asked("", method="PATCH")) == (3 if method == "PATCH" else 2)


def test_an_upload_whose_answer_is_lost_is_not_sent_twice(one, proxy, registry, repository, large):
    """The registry has the chunk, or the whole: it is asked."""
    def lose(exchange):
        with exchange.proxy.ask(exchange.request) as response:
            response.read()
        exchange.cut()
    proxy.on("/uploads/", lose, nth=1, method="PUT")
    one.upload(large)
    assert registry.get_blob(repository, sha256(large)) == large
    assert len(proxy.asked("", method="PUT")) == 1


def test_an_upload_that_the_registry_forgot_is_begun_anew(one, proxy, registry, repository, large):
    proxy.on("/uploads/", fault_proxy.error(404, "BLOB_UPLOAD_UNKNOWN", "unknown"), nth=2,
             method="PATCH")
    one.upload(large)
    assert registry.get_blob(repository, sha256(large)) == large
    assert len(proxy.asked("", method="POST")) == 2


def test_an_upload_that_is_always_forgotten_ends(one, proxy, large):
    proxy.on("/uploads/", fault_proxy.error(404, "BLOB_UPLOAD_UNKNOWN", "unknown"), method="PUT")
    (one.directory / "upload").write_bytes(large[:1000])
    kind, message = one.fails("upload", sha256(large), 1000, one.directory / "upload")
    assert kind == "not-found" and "unknown (BLOB_UPLOAD_UNKNOWN)" in message
    assert len(proxy.asked("", method="PUT")) == 3


def test_an_upload_that_is_refused_ends(one, proxy, large):
    proxy.on("/uploads/", fault_proxy.error(400, "DIGEST_INVALID", "not that one"), method="PUT")
    (one.directory / "upload").write_bytes(large[:1000])
    kind, message = one.fails("upload", sha256(large), 1000, one.directory / "upload")
    assert kind == "invalid" and "not that one (DIGEST_INVALID)" in message
    assert len(proxy.asked("", method="PUT")) == 1


def test_chunks_are_as_long_as_the_registry_wants_them(one, proxy, registry, repository, large):
    proxy.on("/uploads/", fault_proxy.relay(headers={"OCI-Chunk-Min-Length": str(3 * PIECE)}),
             method="POST")
    one.upload(large)
    assert registry.get_blob(repository, sha256(large)) == large
    assert [request.headers["content-range"] for request in proxy.asked("", method="PATCH")] == [
        f"0-{3 * PIECE - 1}"]


def test_an_upload_goes_where_the_registry_says_without_credentials(client, proxy, other_host,
                                                                    registry, repository, small):
    proxy.on("/uploads/", fault_proxy.answer(401, b"", WWW_Authenticate='Basic realm="r"'), nth=1,
             method="POST")

    def elsewhere(exchange):
        with exchange.proxy.ask(exchange.request) as response:
            place = response.getheader("Location")
        path = place if place.startswith("/") else "/" + place.split("/", 3)[3]
        exchange.answer(202, b"", ("Location", f"http://{other_host.host}{path}"))
    proxy.on("/uploads/", elsewhere, method="POST")
    client(proxy, repository, credentials={"username": "u", "password": "p"}).upload(small)
    assert registry.get_blob(repository, sha256(small)) == small
    assert [request.credentials for request in other_host.requests] == [None]


def test_an_upload_takes_the_right_to(client, token_registry, repository, small):
    one = client(token_registry, repository)
    (one.directory / "upload").write_bytes(small)
    kind, message = one.fails("upload", sha256(small), len(small), one.directory / "upload")
    assert kind == "denied" and "'cay login'" in message


def test_a_token_that_expires_in_the_middle_of_an_upload_is_replaced(client, token_registry, tokens,
                                                                     repository, large):
    with fault_proxy.serve(token_registry) as proxy:
        header = f'Bearer realm="{tokens.url}/token",service="x",error="invalid_token"'
        proxy.on("/uploads/", fault_proxy.answer(401, b"", WWW_Authenticate=header), nth=2,
                 method="PATCH")
        credentials = {"username": "user", "password": "secret word"}
        client(proxy, repository, credentials=credentials).upload(large)
        assert token_registry.has_blob(repository, sha256(large))


def test_the_program_needs_little_memory(one, release, proxy, stored, large):
    one.environment["CAY_LIBEXEC"] = str(release)
    proxy.on("/blobs/", fault_proxy.hold(None, after=4 * MIB), nth=range(2, 6))
    process = one.start("fetch", sha256(large), len(stored(large)), one.directory / "blob")
    proxy.wait_for(lambda: sum(request.sent >= 4 * MIB for request in proxy.requests) >= 5)
    worker = worker_of(process)
    with open(f"/proc/{worker}/status", encoding="ascii") as file:
        status = dict(line.split(":", 1) for line in file)
    process.kill()
    process.communicate()
    assert int(status["VmHWM"].split()[0]) < 30 * 1024
