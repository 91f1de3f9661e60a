# SPDX-License-Identifier: Apache-2.0
"""
Pushes to registries that are slow, full, guarded or hostile: what is there is not sent, a tag leads
to the old image or to the whole new one, and no other host gets the credentials.
"""

import signal
import threading

import pytest

from harness import fault_proxy, image_archives, pulling, registry_images

KIB = 1 << 10
PASSWORD = "secret word"
UPLOADS = "/blobs/uploads/"


@pytest.fixture(name="pulled")
def _pulled(cay, registry, repository):
    """An image of two layers that came from `registry`, and its reference."""
    image = registry_images.image([image_archives.tar({"f": pulling.random_file(300 * KIB)}),
                                   image_archives.tar({"g": b"g"})])
    registry.push(f"{repository}-source", "1", image)
    cay.ok("pull", "--quiet", registry.name(f"{repository}-source", "1"))
    return image, registry.name(f"{repository}-source", "1")


@pytest.fixture(name="target")
def _target(cay, pulled, proxy, repository):
    """What the image is to be pushed as, through the proxy."""
    name = proxy.name(repository, "1")
    cay.ok("tag", pulled[1], name)
    return name


@pytest.fixture(name="guarded")
def _guarded(cay, password_registry, pulled, repository):
    """(a proxy in front of what wants a password, what the image is to be pushed as, environment
    with the password)."""
    with fault_proxy.serve(password_registry) as proxy:
        name = proxy.name(repository, "1")
        cay.ok("tag", pulled[1], name)
        yield proxy, name, pulling.docker_config(cay.state, **{proxy.host: f"user:{PASSWORD}"})


def sent(proxy):
    """How many bytes of blobs were sent."""
    return sum(len(request.body) for request in list(proxy.requests)
               if request.method in ("PUT", "PATCH", "POST") and "/blobs/" in request.path)


def refused(cay, *arguments, **options):
    result = cay("push", "--quiet", *arguments, **options)
    assert result.returncode == 1 and len(result.stderr.splitlines()) == 1, str(result)
    return result.stderr


def test_what_is_pushed_is_what_was_pulled(cay, pulled, target, proxy, repository):
    cay.ok("push", "--quiet", target)
    assert proxy.get_manifest(repository, "1") == (pulled[0].data, pulled[0].media_type)
    for blob in pulled[0].blobs:
        assert proxy.get_blob(repository, blob.digest) == blob.data


def test_what_is_there_is_not_sent_again(cay, target, proxy):
    cay.ok("push", "--quiet", target)
    assert sent(proxy) > 300 * KIB
    proxy.forget()
    cay.ok("push", "--quiet", target)
    assert sent(proxy) == 0


def test_a_layer_of_another_repository_there_is_taken_over_and_not_sent(cay, pulled, proxy,
                                                                        repository):
    """The image came from that very registry, so its layers can be had from there."""
    proxy.push(f"{repository}-base", "1", pulled[0])
    cay.ok("pull", "--quiet", proxy.name(f"{repository}-base", "1"))
    name = proxy.name(repository, "new")
    cay.ok("tag", proxy.name(f"{repository}-base", "1"), name)
    proxy.forget()
    cay.ok("push", "--quiet", name)
    assert sent(proxy) < 10 * KIB
    assert proxy.digest(repository, "new") == pulled[0].digest


@pytest.mark.parametrize("method", ["POST", "PATCH", "PUT"])
@pytest.mark.parametrize("kind", ["503", "429", "cut"])
def test_what_may_work_the_next_time_is_tried_again(cay, pulled, target, proxy, repository, method,
                                                    kind):
    actions = {"503": fault_proxy.error(503, "UNAVAILABLE", "not now"),
               "429": fault_proxy.error(429, "TOOMANYREQUESTS", "not now", Retry_After="0"),
               "cut": fault_proxy.cut(None)}
    proxy.on(UPLOADS, actions[kind], nth=1, method=method)
    cay.ok("push", "--quiet", target)
    assert proxy.digest(repository, "1") == pulled[0].digest


def test_who_sends_in_vain_gives_up(cay, target, proxy):
    proxy.on(UPLOADS, fault_proxy.error(503, "UNAVAILABLE", "never"), method="POST")
    assert proxy.host in refused(cay, target)
    assert len(proxy.asked(UPLOADS, "POST")) < 30


@pytest.mark.parametrize("status", [400, 403, 405, 413])
def test_what_the_registry_refuses_is_told_with_its_reason(cay, target, proxy, repository, status):
    proxy.on("/manifests/", fault_proxy.error(status, "DENIED", "it does not please"), method="PUT")
    said = refused(cay, target)
    assert "it does not please" in said and repository in said
    assert len(proxy.asked("/manifests/", "PUT")) == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_push_that_is_ended_leaves_the_tag_as_it_was(cay, pulled, target, proxy, repository,
                                                       number):
    old = registry_images.small(b"old")
    proxy.push(repository, "1", old)
    proxy.on(UPLOADS, fault_proxy.hold(None), method="PUT")
    process = cay.spawn("push", "--quiet", target)
    proxy.wait_for_request(UPLOADS, method="PUT")
    process.send_signal(number)
    process.communicate()
    assert process.returncode != 0 and not cay.state.settle()
    assert proxy.digest(repository, "1") == old.digest
    proxy.forget()
    cay.ok("push", "--quiet", target)
    assert proxy.digest(repository, "1") == pulled[0].digest


def test_two_pushes_of_one_image_at_once_both_work(cay, pulled, target, proxy, repository):
    event = threading.Event()
    proxy.on("/manifests/", fault_proxy.hold(event), method="PUT")
    pushes = [cay.spawn("push", "--quiet", target) for _ in range(2)]
    proxy.wait_for_request("/manifests/", 2, method="PUT")
    event.set()
    for process in pushes:
        said = process.communicate(timeout=60)
        assert process.returncode == 0, said
    assert proxy.digest(repository, "1") == pulled[0].digest


def test_what_is_not_here_cannot_be_pushed(cay, proxy):
    assert "does not exist" in refused(cay, proxy.name("nothing", "1"))
    assert proxy.requests == []


def test_a_push_goes_through_tls_to_whom_one_trusts(cay, pulled, tls_registry, repository):
    name = tls_registry.name(repository, "1")
    cay.ok("tag", pulled[1], name)
    assert "certificate" in refused(cay, name)
    cay.ok("push", "--quiet", name, env=pulling.trusting(cay.state, tls_registry))
    assert tls_registry.digest(repository, "1") == pulled[0].digest


# Who may, and who must not know

def test_a_push_takes_the_password_that_is_kept(cay, pulled, guarded, repository):
    proxy, name, env = guarded
    cay.ok("push", "--quiet", name, env=env)
    assert proxy.digest(repository, "1") == pulled[0].digest


def test_a_push_without_a_password_is_refused(cay, guarded):
    proxy, name, _ = guarded
    refused(cay, name)
    assert sent(proxy) == 0


def test_a_push_asks_for_a_token_that_may_push(cay, pulled, token_registry, tokens, repository):
    name = token_registry.name(repository, "1")
    cay.ok("tag", pulled[1], name)
    env = pulling.docker_config(cay.state, **{token_registry.host: f"user:{PASSWORD}"})
    cay.ok("push", "--quiet", name, env=env)
    scopes = " ".join(scope for _, asked, _ in tokens.requests for scope in asked.get("scope", []))
    assert f"repository:{repository}:" in scopes and "push" in scopes
    assert token_registry.digest(repository, "1") == pulled[0].digest


def test_a_token_that_expires_during_a_push_is_renewed(cay, pulled, token_registry, tokens,
                                                       repository):
    name = token_registry.name(repository, "1")
    cay.ok("tag", pulled[1], name)
    env = pulling.docker_config(cay.state, **{token_registry.host: f"user:{PASSWORD}"})
    tokens.next_lifetimes = [-120]
    cay.ok("push", "--quiet", name, env=env)
    assert token_registry.digest(repository, "1") == pulled[0].digest


def test_an_upload_that_is_sent_to_another_host_takes_no_password_along(cay, guarded, other_host):
    proxy, name, env = guarded
    proxy.on(UPLOADS, fault_proxy.answer(
        202, Location=f"{other_host.url}/v2/tests/elsewhere/blobs/uploads/1"), method="POST")
    result = cay("push", "--quiet", name, env=env)
    assert result.returncode == 1 or other_host.requests, str(result)
    assert not [1 for request in other_host.requests if request.credentials]


@pytest.mark.parametrize("location", ["file:///etc/passwd", "", "gopher://127.0.0.1:1/"])
def test_an_upload_goes_by_http_only(cay, target, proxy, location):
    proxy.on(UPLOADS, fault_proxy.answer(202, Location=location), method="POST")
    refused(cay, target)
