# SPDX-License-Identifier: Apache-2.0
"""Questions and answers: manifests, listings, who is let in, and what becomes of credentials."""

import json
import socket
import subprocess
import threading

import pytest

from harness import certificates, fault_proxy, image_archives, registry_images
from harness.image_archives import INDEX, MANIFEST, sha256

USER = {"username": "user", "password": "secret word"}
WRONG = {"username": "user", "password": "guessed word"}
HEADERS = {"Content_Type": MANIFEST}


@pytest.fixture(scope="module")
def document():
    return registry_images.image([image_archives.tar({"a": b"a"})])


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


# Being let in

def test_a_password_is_asked_for_and_sent(client, password_registry, repository, document):
    password_registry.push(repository, "latest", document)
    assert client(password_registry, repository, credentials=USER)("tags") == ["latest"]
    kind, message = client(password_registry, repository, credentials=WRONG).fails("tags")
    assert kind == "denied" and "authentication required" in message
    kind, message = client(password_registry, repository).fails("tags")
    assert kind == "denied" and "'cay login'" in message


def test_a_login_tells_good_credentials_from_bad_ones(client, password_registry):
    assert client(password_registry, credentials=USER)("login") == {"identityToken": None}
    assert client(password_registry, credentials=WRONG).fails("login")[0] == "denied"


def test_a_token_is_asked_for(client, token_registry, tokens, repository, document):
    token_registry.push(repository, "latest", document)
    assert client(token_registry, repository, credentials=USER)("tags") == ["latest"]
    method, asked, authorization = tokens.requests[-1]
    assert method == "GET" and authorization.startswith("Basic ")
    assert asked["scope"] == [f"repository:{repository}:pull"]
    kind, message = client(token_registry, repository, credentials=WRONG).fails("tags")
    assert kind == "denied" and "wrong password" in message


def test_what_is_public_takes_no_password(client, token_registry, tokens, repository, document):
    token_registry.push(repository, "latest", document)
    assert client(token_registry, repository).fails("tags")[0] == "denied"
    tokens.public = (repository,)
    assert client(token_registry, repository)("tags") == ["latest"]
    assert tokens.requests[-1][2] is None


def test_an_expired_token_is_replaced(client, token_registry, tokens, repository, document):
    token_registry.push(repository, "latest", document)
    tokens.next_lifetimes = [-120]
    tokens.requests.clear()
    assert client(token_registry, repository, credentials=USER)("tags") == ["latest"]
    assert len(tokens.requests) == 2
    tokens.next_lifetimes = [-120] * 5
    tokens.requests.clear()
    assert client(token_registry, repository, credentials=USER).fails("tags")[0] == "denied"
    assert len(tokens.requests) == 2


def test_a_login_gets_an_identity_token_that_serves_as_password(client, token_registry, tokens,
                                                                repository, document):
    token_registry.push(repository, "latest", document)
    identity = client(token_registry, credentials=USER)("login")["identityToken"]
    assert tokens.refresh[identity] == "user"
    one = client(token_registry, repository, credentials={"identityToken": identity})
    assert one("tags") == ["latest"]
    assert tokens.requests[-1][0] == "POST" and tokens.requests[-1][2] is None
    one = client(token_registry, repository, credentials={"identityToken": "nobody's"})
    assert one.fails("tags")[0] == "denied"


def test_a_registry_token_is_sent_as_it_is(client, token_registry, tokens, repository, document):
    token_registry.push(repository, "latest", document)
    token = tokens.for_registry(repository, "pull")
    tokens.requests.clear()
    one = client(token_registry, repository, credentials={"registryToken": token})
    assert one("tags") == ["latest"] and not tokens.requests


def test_a_mount_may_read_the_other_repository(client, token_registry, tokens, document):
    token_registry.push("tests/source", "latest", document)
    blob = document.layers[0].data
    result = client(token_registry, "tests/target", credentials=USER).upload(blob, "tests/source")
    assert result["wasThere"] and token_registry.has_blob("tests/target", sha256(blob))
    assert sorted(tokens.requests[-1][1]["scope"]) == [
        "repository:tests/source:pull", "repository:tests/target:pull,push"]


@pytest.mark.parametrize("answer", [b"", b"{}", b'{"token":""}', b'{"token":"a\\r\\nX: y"}', b"[]"])
def test_a_token_that_is_none_is_refused(client, token_registry, tokens, repository, answer):
    tokens.answers = [(200, answer)]
    kind, message = client(token_registry, repository, credentials=USER).fails("tags")
    assert kind == "invalid" and "no token" in message


def test_a_token_server_without_tls_is_only_good_enough_for_a_registry_without(
        client, tls_registry, repository, authority, tmp_path):
    context = authority.issue(tmp_path.name, {"localhost"}).context()
    with fault_proxy.serve(tls_registry, context, authority) as proxy:
        proxy.host = f"localhost:{proxy.port}"
        header = 'Bearer realm="http://192.0.2.1/token",service="s"'
        proxy.on("/tags/", fault_proxy.answer(401, b"", WWW_Authenticate=header))
        kind, message = client(proxy, repository, credentials=USER).fails("tags")
        assert kind == "unavailable" and "without TLS, '192.0.2.1'" in message


def test_credentials_are_only_sent_when_they_are_asked_for(client, proxy, repository):
    client(proxy, repository, credentials=USER).fails("manifest", "latest")
    assert [request.credentials for request in proxy.requests] == [None]


def test_credentials_do_not_follow_a_redirect_to_another_port(client, proxy, other_host, repository,
                                                              document):
    proxy.upstream.push(repository, "latest", document)
    proxy.on("/manifests/", fault_proxy.answer(401, b"", WWW_Authenticate='Basic realm="r"'), nth=1)
    proxy.on("/manifests/", fault_proxy.redirect(f"http://{other_host.host}"))
    found = client(proxy, repository, credentials=USER)("manifest", "latest")
    assert found["digest"] == document.digest
    assert [bool(request.credentials) for request in proxy.asked("/manifests/")] == [False, True]
    assert [request.credentials for request in other_host.requests] == [None]


def test_another_host_that_asks_for_credentials_gets_none(client, proxy, other_host, repository):
    proxy.on("/manifests/", fault_proxy.redirect(f"http://{other_host.host}"))
    other_host.on("", fault_proxy.answer(401, b"", WWW_Authenticate='Basic realm="r"'))
    kind, message = client(proxy, repository, credentials=USER).fails("manifest", "latest")
    assert kind == "denied" and other_host.host in message
    assert [request.credentials for request in other_host.requests] == [None]
    assert [request.credentials for request in proxy.requests] == [None]


def test_a_token_servers_redirect_takes_no_secrets_along(client, proxy, other_host, repository):
    header = f'Bearer realm="http://{proxy.host}/token",service="s"'
    proxy.on("/tags/", fault_proxy.answer(401, b"", WWW_Authenticate=header))
    for method in "GET", "POST":
        proxy.on("/token", fault_proxy.redirect(f"http://{other_host.host}"), method=method)
    client(proxy, repository, credentials=USER).fails("tags")
    assert [bool(request.credentials) for request in proxy.asked("/token")] == [True]
    assert [request.credentials for request in other_host.requests] == [None]
    one = client(proxy, repository, credentials={"identityToken": "of the user"})
    kind, message = one.fails("tags")
    assert kind == "invalid" and "leads credentials to another host" in message
    assert not other_host.asked("", method="POST")


def test_redirects_end(client, proxy, repository):
    proxy.on("/manifests/", fault_proxy.redirect(f"http://{proxy.host}"))
    kind, message = client(proxy, repository).fails("manifest", "latest")
    assert kind == "invalid" and "redirected more than 10 times" in message
    assert len(proxy.requests) == 11


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://127.0.0.1/x", "http://u:p@{}/x",
                                    "gopher://127.0.0.1/x", "http://"])
def test_a_redirect_leads_to_no_other_protocol_and_no_user(client, proxy, other_host, repository,
                                                           target):
    url = target.format(other_host.host)
    proxy.on("/manifests/", fault_proxy.answer(307, b"", Location=url))
    kind, message = client(proxy, repository).fails("manifest", "latest")
    assert kind == "invalid" and "nobody should follow" in message
    assert not other_host.requests


def test_secrets_are_in_no_message_and_no_argument(client, proxy, token_registry, repository,
                                                   tokens):
    secrets = ["secret word", "c2VjcmV0", "very-long-token", "another-token"]
    proxy.on("/manifests/", fault_proxy.answer(401, b"", WWW_Authenticate='Basic realm="r"'))
    for credentials in USER, {"registryToken": "very-long-token"}, \
            {"identityToken": "another-token"}:
        for registry in proxy, token_registry:
            one = client(registry, repository, credentials=credentials)
            _, message = one.fails("manifest", "latest")
            assert not any(secret in message for secret in secrets)

    event = threading.Event()
    proxy.forget()
    proxy.on("/manifests/", fault_proxy.hold(event))
    process = client(proxy, repository, credentials=USER).start("manifest", "latest")
    proxy.wait_for_request("/manifests/")
    worker = worker_of(process)
    for name in "cmdline", "environ":
        seen = subprocess.run(["cat", f"/proc/{worker}/{name}"], capture_output=True, check=True)
        assert not any(secret.encode() in seen.stdout for secret in secrets)
    event.set()
    process.communicate(timeout=60)


def worker_of(process):
    return subprocess.run(["pgrep", "-P", str(process.pid), "cay-registry"], check=True,
                          capture_output=True, text=True).stdout.strip()


# TLS

def test_tls_takes_an_authority_that_is_trusted(client, tls_registry, repository, document):
    tls_registry.push(repository, "latest", document)
    assert client(tls_registry, repository)("tags") == ["latest"]
    kind, message = client(tls_registry, repository, ca=None).fails("tags")
    assert kind == "unavailable" and "certificate" in message
    assert client(tls_registry, repository, ca=None, skipVerify=True)("tags") == ["latest"]


def test_a_certificate_is_for_its_host(client, authority, registry, repository, tmp_path):
    context = authority.issue(tmp_path.name, {"other.example.com"}).context()
    with fault_proxy.serve(registry, context, authority) as proxy:
        kind, message = client(proxy, repository).fails("tags")
        assert kind == "unavailable" and "127.0.0.1" in message
        assert not proxy.requests


def test_a_client_certificate_is_shown(client, authority, registry, repository, tmp_path, document):
    registry.push(repository, "latest", document)
    own = authority.issue(tmp_path.name + "-client")
    server = authority.issue(tmp_path.name, {"127.0.0.1"})
    with fault_proxy.serve(registry, server.context(clients=authority), authority) as proxy:
        one = client(proxy, repository, clientCertificate=own.certificate.read_text(),
                     clientKey=own.key.read_text())
        assert one("tags") == ["latest"]
        assert client(proxy, repository).fails("tags")[0] == "unavailable"


def test_http_is_tried_where_nobody_speaks_tls_and_it_is_allowed(client, registry, repository,
                                                                 document, proxy):
    registry.push(repository, "latest", document)
    for server in registry, proxy:
        one = client(server, repository, plainHttp=False, tryPlainHttp=True)
        assert one("tags") == ["latest"]
    kind, message = client(registry, repository, plainHttp=False).fails("tags")
    assert kind == "unavailable" and "HTTP without TLS" in message


def test_a_bad_certificate_is_no_reason_to_do_without_tls(client, tls_registry, repository):
    one = client(tls_registry, repository, ca=None, tryPlainHttp=True)
    kind, message = one.fails("tags")
    assert kind == "unavailable" and "certificate" in message


def test_a_redirect_does_not_lead_away_from_tls(client, tls_registry, authority, other_host,
                                                repository, tmp_path):
    context = authority.issue(tmp_path.name, {"127.0.0.1"}).context()
    with fault_proxy.serve(tls_registry, context, authority) as proxy:
        proxy.on("/manifests/", fault_proxy.redirect(f"http://{other_host.host}"))
        kind, message = client(proxy, repository).fails("manifest", "latest")
        assert kind == "invalid" and "without TLS" in message and not other_host.requests


# Proxies

def far_away(client, registry, repository, **environment):
    """A client of a host that is none, but for a proxy."""
    one = client(registry, repository, credentials=USER)
    one.repository["endpoints"][0]["host"] = one.repository["domain"] = "registry.invalid"
    one.environment.update(environment)
    return one


def test_a_proxy_is_asked_as_the_environment_says(client, proxy, repository):
    url = f"http://registry.invalid/v2/{repository}/tags/list"
    proxy.on("http://registry.invalid/", fault_proxy.answer(200, b'{"tags":["a"]}'))
    for name in "HTTP_PROXY", "http_proxy":
        one = far_away(client, proxy, repository, **{name: f"http://{proxy.host}"})
        assert one("tags") == ["a"]
        assert proxy.requests.pop().path.startswith(url)
    one = far_away(client, proxy, repository, HTTP_PROXY=f"http://{proxy.host}",
                   NO_PROXY="registry.invalid")
    kind, message = one.fails("tags")
    assert kind == "unavailable" and "Could not resolve host: registry.invalid" in message
    one = far_away(client, proxy, repository, HTTPS_PROXY=f"http://{proxy.host}")
    assert one.fails("tags")[0] == "unavailable"
    assert not proxy.requests


def test_this_machine_is_reached_without_a_proxy(client, registry, repository, document, proxy):
    registry.push(repository, "latest", document)
    one = client(registry, repository)
    one.environment.update(HTTP_PROXY=f"http://{proxy.host}", ALL_PROXY=f"http://{proxy.host}")
    assert one("tags") == ["latest"] and not proxy.requests


def test_a_proxys_password_is_in_no_message_and_no_environment(client, proxy, repository):
    one = far_away(client, proxy, repository, HTTP_PROXY="http://user:hidden@127.0.0.1:1")
    _, message = one.fails("tags")
    assert "hidden" not in message
    event = threading.Event()
    proxy.on("http://", fault_proxy.hold(event))
    one = far_away(client, proxy, repository, HTTP_PROXY=f"http://user:hidden@{proxy.host}")
    process = one.start("tags")
    proxy.wait_for_request("http://")
    worker = worker_of(process)
    seen = subprocess.run(["cat", f"/proc/{worker}/environ"], capture_output=True, check=True)
    assert not seen.stdout
    process.kill()
    process.communicate()
    event.set()


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
