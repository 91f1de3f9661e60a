# SPDX-License-Identifier: Apache-2.0
"""Who is let in: passwords, tokens, certificates and proxies, and what becomes of the secrets."""

import subprocess
import threading

import pytest

from harness import fault_proxy
from harness.image_archives import sha256
from registry.conftest import USER, WRONG, worker_of


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
