# SPDX-License-Identifier: Apache-2.0
"""Mirrors of registries.yaml: who is asked first, who next, and who never learns a password."""

import base64
import json

import pytest
from harness import fault_proxy, referrers_registry, registry_images


@pytest.fixture(name="original")
def _original(proxy):
    """The registry itself: nobody speaks to it but through a proxy, which writes that down."""
    return proxy


@pytest.fixture(name="mirror")
def _mirror():
    """An empty registry, through a proxy of its own."""
    with referrers_registry.serve() as registry, fault_proxy.serve(registry) as proxy:
        proxy.registry = registry
        yield proxy


@pytest.fixture(name="environment")
def _environment(state, original, mirror):
    """With settings that have @mirror for @original."""
    return settings(state, original, mirror.host)


def settings(state, original, *mirrors):
    path = state.base / "registries.yaml"
    path.write_text(json.dumps({"registries": {original.host: {"mirrors": mirrors}}}))
    return {"CAY_REGISTRIES": str(path)}


def log_in(state, *hosts):
    """Passwords of one's own for each of @hosts: "password of HOST"."""
    auths = {host: {"auth": encoded(host)} for host in hosts}
    (state.base / ".docker").mkdir()
    (state.base / ".docker/config.json").write_text(json.dumps({"auths": auths}))


def encoded(host):
    return base64.b64encode(f"user:password of {host}".encode()).decode()


def test_a_mirror_is_asked_first_and_the_image_is_the_registry_s(cay, original, mirror, repository,
                                                                 environment):
    mirror.registry.push(repository, "latest", registry_images.small())
    assert cay.ok("pull", "-q", original.name(repository), env=environment) == \
        original.name(repository, "latest")
    assert mirror.asked("/blobs/")
    assert not original.asked("")
    assert cay.ok("images", "--format", "{{.Repository}}") == original.name(repository)


def test_what_a_mirror_lacks_comes_from_the_registry(cay, registry, original, mirror, repository,
                                                     environment):
    registry.push(repository, "latest", registry_images.small())
    cay.ok("pull", original.name(repository), env=environment)
    assert mirror.asked("/manifests/") and original.asked("/blobs/")


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_mirror_that_refuses_is_passed_over(cay, registry, original, mirror, repository,
                                              environment, status):
    registry.push(repository, "latest", registry_images.small())
    mirror.on("", lambda exchange: exchange.answer(status))
    cay.ok("pull", original.name(repository), env=environment)
    assert mirror.asked("") and original.asked("/blobs/")


def test_a_mirror_that_is_not_there_is_passed_over(cay, registry, original, repository, state):
    registry.push(repository, "latest", registry_images.small())
    cay.ok("pull", original.name(repository), env=settings(state, original, "127.0.0.1:1"))
    assert original.asked("/blobs/")


def test_a_blob_that_a_mirror_lacks_comes_from_the_registry(cay, registry, original, mirror,
                                                            repository, environment):
    document = registry_images.small()
    registry.push(repository, "latest", document)
    mirror.registry.push(repository, "latest", document)
    mirror.registry.repository(repository).blobs.clear()
    cay.ok("pull", original.name(repository), env=environment)
    assert original.asked("/blobs/") and not original.asked("/manifests/latest")


def test_a_mirror_may_have_a_path_of_its_own(cay, original, mirror, repository, state):
    mirror.registry.push(f"hub/cache/{repository}", "latest", registry_images.small())
    environment = settings(state, original, f"http://{mirror.host}/hub/cache/")
    cay.ok("pull", original.name(repository), env=environment)
    assert mirror.asked(f"/v2/hub/cache/{repository}/manifests/latest")
    assert not original.asked("")


def test_the_first_mirror_that_has_it_is_enough(cay, original, mirror, repository, state):
    with referrers_registry.serve() as empty, fault_proxy.serve(empty) as first:
        mirror.registry.push(repository, "latest", registry_images.small())
        environment = settings(state, original, first.host, mirror.host)
        cay.ok("pull", original.name(repository), env=environment)
        assert first.asked("/manifests/") and mirror.asked("/blobs/")
        assert not original.asked("")


def test_each_host_gets_its_own_password_and_no_other(cay, registry, original, mirror, repository,
                                                      environment, state):
    log_in(state, original.host, mirror.host)
    registry.push(repository, "latest", registry_images.small())
    challenge = ("WWW-Authenticate", 'Basic realm="x"')
    for proxy in original, mirror:
        proxy.on("", lambda exchange: exchange.relay() if exchange.request.credentials
                 else exchange.answer(401, b"", challenge))
    cay.ok("pull", original.name(repository), env=environment)
    for proxy in original, mirror:
        assert {request.credentials for request in proxy.asked("")} <= {
            None, "Basic " + encoded(proxy.host)}
    assert any(request.credentials for request in mirror.asked(""))


def test_a_password_of_the_registry_is_nothing_to_a_mirror_that_asks_for_one(
        cay, registry, original, mirror, repository, environment, state):
    log_in(state, original.host)
    registry.push(repository, "latest", registry_images.small())
    mirror.on("", lambda exchange: exchange.answer(
        401, b"", ("WWW-Authenticate", 'Basic realm="x"')))
    cay.ok("pull", original.name(repository), env=environment)
    assert mirror.asked("")
    assert not any(request.credentials for request in mirror.asked(""))


def test_a_mirror_cannot_pass_off_other_content_for_a_digest(cay, registry, original, mirror,
                                                             repository, environment):
    document = registry_images.small()
    registry.push(repository, "latest", document)
    mirror.registry.push(repository, "latest", document)
    other = registry_images.small(b"something else")
    repository_of_mirror = mirror.registry.repository(repository)
    repository_of_mirror.manifests[document.digest] = other.data, other.media_type
    cay.ok("pull", f"{original.name(repository)}@{document.digest}", env=environment)
    assert mirror.asked("/manifests/") and original.asked("/manifests/")
    assert cay.ok("images", "--digests", "--format", "{{.Digest}}") == document.digest


def test_nothing_is_pushed_to_a_mirror(cay, image, original, mirror, repository, environment):
    cay.ok("tag", image, original.name(repository))
    cay.ok("push", original.name(repository), env=environment)
    assert any(request.method == "PUT" for request in original.requests)
    assert not mirror.requests
