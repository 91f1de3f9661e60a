# SPDX-License-Identifier: Apache-2.0
"""
Credentials: they open what they are for, are renewed when they expire, and nobody else ever gets to
see them: no other host, no other process, no log.
"""

import base64
import contextlib
import pathlib
import threading

import pytest

from harness import fault_proxy, image_archives, leaks, pulling, registry_images
from harness.pulling import docker_config, pull_refused

PASSWORD = "secret word"
SECRETS = (PASSWORD, base64.b64encode(f"user:{PASSWORD}".encode()).decode())


@pytest.fixture(name="guarded")
def _guarded(password_registry):
    """A proxy in front of what wants a password."""
    with fault_proxy.serve(password_registry) as proxy:
        yield proxy


@pytest.fixture(name="tokened")
def _tokened(token_registry):
    """A proxy in front of what wants tokens."""
    with fault_proxy.serve(token_registry) as proxy:
        yield proxy


def user_of(proxy, cay):
    return docker_config(cay.state, **{proxy.host: f"user:{PASSWORD}"})


def push_everywhere(repository, image, *registries):
    for registry in registries:
        registry.push(repository, "latest", image)


def assert_nothing_given_away(other, secrets=SECRETS):
    """@other was asked, and has seen no credentials whatever."""
    assert other.requests
    for request in other.requests:
        assert request.credentials is None and "cookie" not in request.headers
        shown = repr(request.headers) + request.path + request.body.decode(errors="replace")
        assert not [secret for secret in secrets if secret in shown]


# What they open

def test_a_password_of_dockers_config_opens_a_registry(cay, guarded, repository):
    push_everywhere(repository, registry_images.small(), guarded)
    cay.ok("pull", "--quiet", guarded.name(repository), env=user_of(guarded, cay))


def test_a_password_is_sent_only_where_it_is_asked_for(cay, proxy, repository):
    push_everywhere(repository, registry_images.small(), proxy)
    cay.ok("pull", "--quiet", proxy.name(repository), env=user_of(proxy, cay))
    assert proxy.requests and not [1 for request in proxy.requests if request.credentials]


def test_a_password_is_exchanged_for_a_token(cay, tokened, tokens, repository):
    push_everywhere(repository, registry_images.small(), tokened)
    cay.ok("pull", "--quiet", tokened.name(repository), env=user_of(tokened, cay))
    assert all(request.credentials is None or request.credentials.startswith("Bearer ")
               for request in tokened.requests)
    assert any(f"repository:{repository}:pull" in " ".join(asked.get("scope", []))
               for _, asked, _ in tokens.requests)


def test_a_token_is_used_as_long_as_it_lives(cay, tokened, tokens, repository):
    push_everywhere(repository, registry_images.many_layers(3), tokened)
    tokens.requests.clear()
    cay.ok("pull", "--quiet", tokened.name(repository), env=user_of(tokened, cay))
    assert len(tokens.requests) == 1


def test_what_is_public_is_pulled_with_a_token_of_nobody(cay, tokened, tokens, repository):
    push_everywhere(repository, registry_images.small(), tokened)
    tokens.public = [repository]
    tokens.requests.clear()
    cay.ok("pull", "--quiet", tokened.name(repository))
    assert [authorization for _, _, authorization in tokens.requests] == [None]


@pytest.mark.parametrize("member", ["token", "access_token"])
def test_a_token_is_found_under_either_name(cay, tokened, tokens, repository, member):
    push_everywhere(repository, registry_images.small(), tokened)
    tokens.member = member
    cay.ok("pull", "--quiet", tokened.name(repository), env=user_of(tokened, cay))


def test_an_expired_token_is_renewed(cay, tokened, tokens, repository):
    push_everywhere(repository, registry_images.small(), tokened)
    tokens.requests.clear()
    tokens.next_lifetimes = [-120]
    cay.ok("pull", "--quiet", tokened.name(repository), env=user_of(tokened, cay))
    assert len(tokens.requests) == 2


def test_a_token_that_expires_between_two_layers_is_renewed(cay, tokened, tokens, repository):
    image = registry_images.many_layers(3)
    push_everywhere(repository, image, tokened)
    digest = image.layers[1].digest
    challenge = (f'Bearer realm="{tokens.url}/token",service="registry of the tests",'
                 f'scope="repository:{repository}:pull",error="invalid_token"')
    tokened.on(f"/blobs/{digest}", fault_proxy.answer(401, **{"WWW_Authenticate": challenge}),
               nth=1)
    tokens.requests.clear()
    cay.ok("pull", "--quiet", tokened.name(repository), env=user_of(tokened, cay))
    assert len(tokens.requests) == 2


def test_an_identity_token_takes_the_passwords_place(cay, tokened, tokens, repository):
    push_everywhere(repository, registry_images.small(), tokened)
    tokens.refresh["of-a-login"] = "user"
    entry = {"auth": base64.b64encode(b"user:").decode(), "identitytoken": "of-a-login"}
    tokens.requests.clear()
    cay.ok("pull", "--quiet", tokened.name(repository),
           env=docker_config(cay.state, **{tokened.host: entry}))
    (method, asked, authorization), = tokens.requests
    assert (method, authorization) == ("POST", None)
    assert asked["grant_type"] == ["refresh_token"] and asked["refresh_token"] == ["of-a-login"]


# Who must not see them

def test_a_redirect_to_another_host_takes_no_password_along(cay, guarded, other_host, repository):
    image = registry_images.small()
    push_everywhere(repository, image, guarded, other_host)
    guarded.on("/blobs/", fault_proxy.redirect(other_host.url))
    cay.ok("pull", "--quiet", guarded.name(repository), env=user_of(guarded, cay))
    assert guarded.asked("/blobs/")[0].credentials
    assert_nothing_given_away(other_host)


def test_a_redirect_to_another_host_takes_no_token_along(cay, tokened, tokens, other_host,
                                                         repository):
    image = registry_images.small()
    push_everywhere(repository, image, tokened, other_host)
    tokened.on("/blobs/", fault_proxy.redirect(other_host.url))
    cay.ok("pull", "--quiet", tokened.name(repository), env=user_of(tokened, cay))
    assert tokened.asked("/blobs/")[0].credentials.startswith("Bearer ")
    assert_nothing_given_away(other_host, [*SECRETS, *tokens.issued])


def test_a_manifest_that_is_redirected_takes_no_password_along(cay, guarded, other_host,
                                                               repository):
    push_everywhere(repository, registry_images.small(), guarded, other_host)
    guarded.on("/manifests/", fault_proxy.redirect(other_host.url))
    cay("pull", "--quiet", guarded.name(repository), env=user_of(guarded, cay))
    assert_nothing_given_away(other_host)


def test_another_host_that_asks_for_a_password_gets_none(cay, guarded, other_host, repository):
    push_everywhere(repository, registry_images.small(), guarded, other_host)
    guarded.on("/blobs/", fault_proxy.redirect(other_host.url))
    other_host.on("/blobs/", fault_proxy.answer(
        401, **{"WWW_Authenticate": 'Basic realm="give it to me"'}))
    pull_refused(cay, guarded.name(repository), env=user_of(guarded, cay))
    assert_nothing_given_away(other_host)


def foreign(image, *urls):
    """The image, whose layer is to be had elsewhere."""
    kind = image_archives.OCI + "layer.nondistributable.v1.tar+gzip"
    layer = {**image.json["layers"][0], "mediaType": kind, "urls": list(urls)}
    return image.changed(layers=[layer])


def push_foreign(repository, registry, other):
    """The image's layer is only at @other, and the manifest says so."""
    image = registry_images.small()
    url = f"{other.url}/v2/{repository}/blobs/{image.layers[0].digest}"
    other.push(repository, "latest", image)
    registry.put_blob(repository, image.blobs[0].data)
    made = foreign(image, url)
    registry.put_manifest(repository, "latest", made.data, made.media_type)
    return made


def test_the_host_of_a_foreign_layer_sees_no_password(cay, guarded, other_host, repository):
    push_foreign(repository, guarded, other_host)
    cay.ok("pull", "--quiet", guarded.name(repository), env=user_of(guarded, cay))
    assert_nothing_given_away(other_host)


def test_the_host_of_a_foreign_layer_sees_no_token(cay, tokened, tokens, other_host, repository):
    push_foreign(repository, tokened, other_host)
    cay.ok("pull", "--quiet", tokened.name(repository), env=user_of(tokened, cay))
    assert_nothing_given_away(other_host, [*SECRETS, *tokens.issued])


def test_the_host_of_a_foreign_layer_that_asks_for_a_password_gets_none(cay, guarded, other_host,
                                                                        repository):
    """Though there is one for it, too: nobody has asked for anything of that host."""
    push_foreign(repository, guarded, other_host)
    other_host.on("/blobs/", fault_proxy.answer(
        401, **{"WWW_Authenticate": 'Basic realm="give it to me"'}))
    env = docker_config(cay.state, **{guarded.host: f"user:{PASSWORD}",
                                      other_host.host: f"other:{PASSWORD}"})
    pull_refused(cay, guarded.name(repository), env=env)
    assert_nothing_given_away(other_host)


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://127.0.0.1:1/x", "", "/etc/passwd"])
def test_a_foreign_layer_comes_by_http_only(cay, registry, other_host, repository, url):
    image = registry_images.small()
    registry.put_blob(repository, image.blobs[0].data)
    made = foreign(image, url)
    # Not all registries look at the URLs.
    with contextlib.suppress(AssertionError):
        registry.put_manifest(repository, "latest", made.data, made.media_type)
        pull_refused(cay, registry.name(repository))


def test_a_mirror_sees_its_own_credentials_only(cay, guarded, other_host, repository):
    push_everywhere(repository, registry_images.small(), guarded)
    env = {**user_of(guarded, cay),
           **pulling.settings(cay.state, **{guarded.host: {"mirrors": [other_host.url]}})}
    cay.ok("pull", "--quiet", guarded.name(repository), env=env)
    assert_nothing_given_away(other_host)


def test_the_next_page_of_tags_at_another_host_is_asked_for_without_a_password(
        cay, guarded, other_host, repository):
    push_everywhere(repository, registry_images.small(), guarded)
    link = f'<{other_host.url}/v2/{repository}/tags/list?last=latest>; rel="next"'
    guarded.on("/tags/list", fault_proxy.relay(headers={"Link": link}))
    cay("pull", "--quiet", "--all-tags", guarded.name(repository), env=user_of(guarded, cay))
    assert guarded.asked("/tags/list")
    assert not [1 for request in other_host.requests if request.credentials]


def test_a_token_server_that_redirects_leads_no_password_elsewhere(cay, tokened, tokens, other_host,
                                                                   repository):
    push_everywhere(repository, registry_images.small(), tokened)
    with fault_proxy.serve(tokened) as front:
        challenge = f'Bearer realm="{front.url}/token",service="x",scope="y"'
        tokened.on("", fault_proxy.answer(401, **{"WWW_Authenticate": challenge}))
        front.on("/token", fault_proxy.redirect(other_host.url))
        front.on("/token", fault_proxy.redirect(other_host.url), method="POST")
        for entry in (f"user:{PASSWORD}", {"identitytoken": "of-a-login", "auth": ""}):
            cay("pull", "--quiet", tokened.name(repository),
                env=docker_config(cay.state, **{tokened.host: entry}))
        assert front.requests
    for request in other_host.requests:
        assert request.credentials is None and b"of-a-login" not in request.body


def family(pid):
    """@pid and what it has started."""
    children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(grandchild for child in children for grandchild in family(child))]


def arguments_and_environments(pids):
    """What anybody, or root, can read of the processes."""
    return [pathlib.Path(f"/proc/{pid}/{name}").read_bytes().decode("latin-1")
            for pid in pids for name in ("cmdline", "environ")]


@pytest.mark.parametrize("kind", ["password", "token"])
def test_no_argument_and_no_environment_has_credentials(cay, spawn, guarded, tokened, tokens,
                                                        repository, kind):
    proxy = guarded if kind == "password" else tokened
    image = registry_images.small()
    push_everywhere(repository, image, proxy)
    event = threading.Event()
    proxy.on(f"/blobs/{image.layers[0].digest}", fault_proxy.hold(event))
    process = spawn("pull", "--quiet", proxy.name(repository), env=user_of(proxy, cay))
    proxy.wait_for_request(f"/blobs/{image.layers[0].digest}")
    pids = family(process.pid)
    assert "cay-registry" in [leaks.program_name(pid) for pid in pids]
    shown = arguments_and_environments(pids)
    event.set()
    process.communicate()
    assert process.returncode == 0
    for secret in (*SECRETS, *tokens.issued):
        assert not [text for text in shown if secret in text]


@pytest.mark.parametrize("status", [401, 403])
def test_no_message_has_credentials(cay, guarded, repository, status):
    """Not even where the registry says them back."""
    push_everywhere(repository, registry_images.small(), guarded)
    env = user_of(guarded, cay)
    guarded.on("/v2/", fault_proxy.error(401, "UNAUTHORIZED", "who are you",
                                         WWW_Authenticate='Basic realm="tests"'), nth=1)
    guarded.on("/v2/", fault_proxy.error(status, "DENIED", f"not with {SECRETS[1]}"))
    result = cay("--debug", "pull", guarded.name(repository), env=env)
    assert guarded.requests[-1].credentials
    assert result.returncode == 1
    for secret in SECRETS:
        assert secret not in result.stdout + result.stderr
