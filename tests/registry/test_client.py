# SPDX-License-Identifier: Apache-2.0
"""Questions and answers: manifests and listings, trouble, mirrors, and the program itself."""

import json
import socket
import subprocess

import pytest

from harness import fault_proxy, registry_images
from harness.image_archives import INDEX, MANIFEST, sha256
from registry.conftest import USER, worker_of

HEADERS = {"Content_Type": MANIFEST}


def test_a_manifest_comes_by_tag_and_by_digest(client, registry, repository, document):
    registry.push(repository, "latest", document)
    one = client(registry, repository)
    for reference in "latest", document.digest:
        found = one("manifest", reference)
        assert found["text"].encode() == document.data
        assert (found["mediaType"], found["digest"]) == (MANIFEST, document.digest)
        found = one("head", reference)
        assert (found["text"], found["size"]) == (None, len(document.data))
        assert (found["mediaType"], found["digest"]) == (MANIFEST, document.digest)


def test_what_is_missing_is_named_with_the_registrys_own_words(client, registry, repository,
                                                               document):
    registry.push(repository, "latest", document)
    kind, message = client(registry, repository).fails("manifest", "nothing")
    assert kind == "not-found"
    assert message == (f"manifest 'nothing' of '{repository}' at '{registry.host}': not found: "
                       "manifest unknown (MANIFEST_UNKNOWN)")
    assert client(registry, repository)("has", sha256(b"nothing")) is None


def test_a_manifest_is_stored(client, registry, repository, document, tmp_path):
    registry.push(repository, "latest", document)
    (tmp_path / "manifest").write_bytes(document.data)
    one = client(registry, repository)
    one("put", "other", MANIFEST, tmp_path / "manifest")
    assert registry.get_manifest(repository, "other") == (document.data, MANIFEST)
    assert sorted(one("tags")) == ["latest", "other"]


def test_a_manifest_that_is_another_one_is_corrupt(client, proxy, repository, document):
    proxy.on("/manifests/", fault_proxy.answer(200, b"{}", **HEADERS))
    kind, message = client(proxy, repository).fails("manifest", document.digest)
    assert kind == "corrupt" and f"manifest '{document.digest}' is another one" in message


def test_a_manifest_has_its_limit(client, proxy, repository):
    proxy.on("/manifests/", fault_proxy.answer(200, b" " * (4 * 2 ** 20 + 1), **HEADERS))
    kind, message = client(proxy, repository).fails("manifest", "latest")
    assert kind == "exhausted" and "longer than 4194304 bytes" in message
    proxy.forget()
    proxy.on("/manifests/", fault_proxy.answer(200, b" " * 4 * 2 ** 20, **HEADERS))
    assert client(proxy, repository)("manifest", "latest")["size"] == 4 * 2 ** 20


def test_endless_headers_are_refused(client, proxy, repository):
    proxy.on("/manifests/", fault_proxy.answer(200, b"{}", X_Long="x" * 70_000))
    kind, message = client(proxy, repository).fails("manifest", "latest")
    assert kind == "invalid" and "headers are too long" in message


def test_a_registry_that_says_no_digest_is_asked_for_the_text(client, proxy, repository, document):
    proxy.upstream.push(repository, "latest", document)
    proxy.on("/manifests/", fault_proxy.relay(headers={"Docker-Content-Digest": None}),
             method="HEAD")
    assert client(proxy, repository)("head", "latest")["digest"] == document.digest


def test_tags_come_through_all_pages(client, memory_registry, document):
    names = [f"tag-{number:03}" for number in range(25)]
    for name in names:
        memory_registry.push("one", name, document)
    memory_registry.page = 10
    assert client(memory_registry, "one")("tags") == names
    assert len([path for _, path in memory_registry.requests if "/tags/list" in path]) == 3


def test_repositories_are_listed(client, registry, repository, document):
    registry.push(repository, "latest", document)
    assert repository in client(registry)("repositories", 1000)
    assert len(client(registry)("repositories", 1)) == 1


def test_words_of_a_registry_cannot_play_tricks(client, proxy, repository):
    proxy.on("/manifests/", fault_proxy.error(404, "CODE", "\x1b[2J\u202e" + "x" * 5000))
    _, message = client(proxy, repository).fails("manifest", "latest")
    assert "\\x1b[2J" in message and message.isascii() and message.isprintable()
    assert len(message) < 500


def test_tags_that_are_none_are_refused(client, proxy, repository):
    proxy.on("/tags/", fault_proxy.answer(200, b'{"tags":["good","\\u001b[2J"]}'))
    assert client(proxy, repository).fails("tags")[0] == "invalid"
    proxy.forget()
    proxy.on("/tags/", fault_proxy.answer(200, b'{"tags":null}'))
    assert client(proxy, repository)("tags") == []


@pytest.mark.parametrize("link", ["</v2/other/tags/list?last=a>; rel=\"next\"",
                                  "<http://127.0.0.1:9/v2/x/tags/list?last=a>; rel=\"next\""])
def test_a_next_page_is_of_the_same_list(client, proxy, repository, link):
    proxy.on("/tags/", fault_proxy.answer(200, b'{"tags":["a"]}', Link=link), nth=1)
    proxy.on("/tags/", fault_proxy.answer(200, b'{"tags":["b"]}'))
    one = client(proxy, repository)
    if "//" in link:
        assert one.fails("tags")[0] == "invalid"
    else:
        assert one("tags") == ["a", "b"]
    assert not proxy.asked("/v2/other/")


def test_a_list_that_never_ends_is_not_read_to_the_end(client, proxy, repository):
    page = json.dumps({"tags": ["x" * 1000] * 4000}).encode()
    link = f'</v2/{repository}/tags/list?last=x>; rel="next"'
    proxy.on("/tags/", fault_proxy.answer(200, page, Link=link))
    kind, message = client(proxy, repository).fails("tags")
    assert kind == "exhausted" and "list of tags is longer than 33554432 bytes" in message
    assert len(proxy.requests) == 9


# Referrers

def referrers(text):
    return [(entry["digest"], entry["artifactType"]) for entry in json.loads(text)["manifests"]]


def test_referrers_are_listed_by_type(client, memory_registry, document):
    memory_registry.push("one", "latest", document)
    one = registry_images.artifact(subject=document, artifact_type="application/vnd.test.one")
    two = registry_images.artifact(subject=document, artifact_type="application/vnd.test.two")
    for artifact in one, two:
        memory_registry.push("one", None, artifact)
    ask = client(memory_registry, "one")
    found = ask("referrers", document.digest)
    assert found["mediaType"] == INDEX
    assert sorted(kind for _, kind in referrers(found["text"])) == [
        "application/vnd.test.one", "application/vnd.test.two"]
    assert referrers(ask("referrers", document.digest, "application/vnd.test.two")["text"]) == [
        (two.digest, "application/vnd.test.two")]


def test_referrers_are_found_by_their_tag_where_there_is_no_api(client, registry, repository,
                                                                document):
    registry.push(repository, "latest", document)
    artifact = registry_images.artifact(subject=document, artifact_type="application/vnd.test")
    registry.push(repository, None, artifact)
    ask = client(registry, repository)
    assert not referrers(ask("referrers", document.digest)["text"])
    entry = {**artifact.descriptor, "artifactType": "application/vnd.test"}
    index = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": [entry]}).encode()
    registry.put_manifest(repository, document.digest.replace(":", "-"), index, INDEX)
    assert referrers(ask("referrers", document.digest)["text"]) == [
        (artifact.digest, "application/vnd.test")]
    assert not referrers(ask("referrers", document.digest, "other")["text"])


# Trouble that passes, and trouble that does not

@pytest.mark.parametrize("fault", [fault_proxy.answer(500), fault_proxy.answer(503),
                                   fault_proxy.cut(None), fault_proxy.cut(10),
                                   fault_proxy.answer(429, b"", Retry_After="1")])
def test_what_may_work_the_next_time_is_tried_again(client, proxy, repository, document, fault):
    proxy.upstream.push(repository, "latest", document)
    proxy.on("/manifests/", fault, nth=1)
    assert client(proxy, repository)("manifest", "latest")["digest"] == document.digest
    assert len(proxy.asked("/manifests/")) == 2


def test_retries_end(client, proxy, repository):
    proxy.on("/manifests/", fault_proxy.error(503, "UNAVAILABLE", "come back later"))
    kind, message = client(proxy, repository).fails("manifest", "latest")
    assert kind == "unavailable" and "come back later (UNAVAILABLE)" in message
    assert len(proxy.requests) == 5


def test_nobody_waits_for_hours_because_a_registry_says_so(client, proxy, repository):
    proxy.on("/manifests/", fault_proxy.error(429, "TOOMANYREQUESTS", "slow down",
                                              Retry_After="7200"))
    kind, message = client(proxy, repository).fails("manifest", "latest")
    assert kind == "unavailable" and "too many requests: slow down" in message
    assert len(proxy.requests) == 1


@pytest.mark.parametrize("status", [400, 404, 405, 410, 501])
def test_what_is_refused_is_not_tried_again(client, proxy, repository, status):
    proxy.on("/manifests/", fault_proxy.answer(status))
    client(proxy, repository).fails("manifest", "latest")
    assert len(proxy.requests) == 1


def test_what_is_no_http_is_refused(client, proxy, repository):
    proxy.on("/manifests/", fault_proxy.raw(b"220 mail.example.com ESMTP\r\n"))
    kind, _ = client(proxy, repository).fails("manifest", "latest")
    assert kind in ("invalid", "unavailable")


def test_nobody_listening_is_told_at_once(client, registry, repository):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    one = client(registry, repository)
    one.repository["endpoints"][0]["host"] = f"127.0.0.1:{port}"
    kind, message = one.fails("tags")
    assert kind == "unavailable" and f"'127.0.0.1:{port}'" in message


# Mirrors

def test_a_mirror_is_asked_first(client, proxy, other_host, repository, document):
    proxy.upstream.push(repository, "latest", document)
    one = client(proxy, repository, mirrors=[other_host])
    assert one("manifest", "latest")["digest"] == document.digest
    assert len(other_host.requests) == 1 and not proxy.requests


@pytest.mark.parametrize("fault", [fault_proxy.answer(404), fault_proxy.answer(401),
                                   fault_proxy.answer(400), fault_proxy.cut(None),
                                   fault_proxy.answer(500)])
def test_what_a_mirror_lacks_comes_from_the_registry(client, proxy, other_host, repository,
                                                     document, fault):
    proxy.upstream.push(repository, "latest", document)
    other_host.on("", fault)
    one = client(proxy, repository, mirrors=[other_host], credentials=USER)
    assert one("manifest", "latest")["digest"] == document.digest
    assert all(request.credentials is None for request in other_host.requests)


def test_a_mirror_that_lies_is_passed_over(client, proxy, other_host, repository, document):
    proxy.upstream.push(repository, "latest", document)
    other_host.on("/manifests/", fault_proxy.answer(200, b"{}", **HEADERS))
    one = client(proxy, repository, mirrors=[other_host])
    assert one("manifest", document.digest)["digest"] == document.digest


def test_a_mirror_whose_token_server_refuses_is_passed_over(client, proxy, other_host, repository,
                                                            document):
    proxy.upstream.push(repository, "latest", document)
    header = f'Bearer realm="http://{other_host.host}/token",service="s"'
    other_host.on("/manifests/", fault_proxy.answer(401, b"", WWW_Authenticate=header))
    one = client(proxy, repository, mirrors=[other_host])
    assert one("manifest", "latest")["digest"] == document.digest
    assert other_host.asked("/token")


def test_nothing_is_pushed_to_a_mirror(client, proxy, other_host, repository):
    assert client(proxy, repository, mirrors=[other_host]).upload(b"something")["done"] == 9
    assert not other_host.requests


def test_a_mirror_may_have_a_prefix(client, proxy, other_host, repository, document):
    proxy.upstream.push(f"cache/{repository}", "latest", document)
    one = client(proxy, repository, mirrors=[other_host])
    one.repository["endpoints"][0]["prefix"] = "cache"
    assert one("manifest", "latest")["digest"] == document.digest


# The program

def test_the_program_is_no_command(build):
    result = subprocess.run([build / "cay-registry"], capture_output=True, check=False)
    assert result.returncode == 2
    assert result.stderr.startswith(b"cay-registry: not a command: ")


def test_a_program_that_is_killed_is_unavailable(client, proxy, repository):
    proxy.on("/manifests/", fault_proxy.hold(None))
    one = client(proxy, repository)
    process = one.start("manifest", "latest")
    proxy.wait_for_request("/manifests/")
    subprocess.run(["kill", "-KILL", worker_of(process)], check=True)
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 1 and not output
    error = json.loads(errors)
    assert error["kind"] == "unavailable"
    assert error["message"] == "'cay-registry' was killed by signal 9 (Killed)"


def test_a_program_that_is_missing_is_named(client, registry, repository, tmp_path):
    one = client(registry, repository)
    one.environment["CAY_LIBEXEC"] = str(tmp_path)
    kind, message = one.fails("tags")
    assert kind == "unavailable" and message == f"'{tmp_path}/cay-registry' is not installed"


PRETENDER = """#!/usr/bin/python3
import json, os, socket
peer = socket.socket(fileno=3)
peer.recv(100)
request = json.loads(peer.recv(100000))
def say(text):
    peer.send(text if isinstance(text, bytes) else json.dumps(text).encode())
"""


@pytest.mark.parametrize("says, words", [
    ("say(b'nonsense')", "makes no sense"),
    ("say([])", "makes no sense"),
    ("say({'id': request['id'], 'isOver': 1})", "makes no sense"),
    ("say(b' ' * 70000)", "makes no sense"),
    ("say({'id': request['id'] + 1, 'isOver': True}); os._exit(0)", "ended with code 0"),
    ("os._exit(3)", "ended with code 3"),
    ("peer.close(); __import__('signal').pause()", "killed by signal 9"),
])
def test_what_the_program_says_is_checked(client, registry, repository, tmp_path, says, words):
    program = tmp_path / "cay-registry"
    program.write_text(PRETENDER + says + "\n")
    program.chmod(0o755)
    one = client(registry, repository)
    one.environment["CAY_LIBEXEC"] = str(tmp_path)
    kind, message = one.fails("head", "latest")
    assert kind == "unavailable" and words in message


def test_the_program_has_no_rights(client, proxy, repository):
    proxy.on("/manifests/", fault_proxy.hold(None))
    process = client(proxy, repository).start("manifest", "latest")
    proxy.wait_for_request("/manifests/")
    worker = worker_of(process)
    status = dict(line.split(":", 1) for line in open(f"/proc/{worker}/status", encoding="ascii"))
    assert status["Uid"].split() == ["65534"] * 4 and not status["Groups"].split()
    assert {int(status[name], 16) for name in ("CapEff", "CapPrm", "CapInh", "CapAmb")} == {0}
    assert status["NoNewPrivs"].strip() == "1" and status["Seccomp"].strip() == "2"
    process.kill()
    process.communicate()
