# SPDX-License-Identifier: Apache-2.0
"""The servers of the tests: registries, tokens, and the proxy that fails as it is told."""

import http.client
import json
import subprocess
import threading

import pytest

from harness import fault_proxy, image_archives, registry_images


def fetch(peer, path, **headers):
    """(status, headers, body) through whatever @peer is, however it ends."""
    connection = http.client.HTTPConnection(peer.host, timeout=60)
    try:
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        return response.status, response.headers, response.read()
    finally:
        connection.close()


@pytest.fixture(name="big")
def _big(registry, repository):
    """(path of a blob, its bytes)."""
    data = bytes(range(256)) * 400
    return f"/v2/{repository}/blobs/{registry.put_blob(repository, data)}", data


@pytest.mark.parametrize("family", ["oci", "docker"])
@pytest.mark.parametrize("packing", ["gzip", "zstd", "none"])
def test_an_image_that_was_pushed_is_there(registry, repository, family, packing):
    made = registry_images.small(packing=packing, family=family)
    digest = registry.push(repository, "latest", made)
    assert registry.get_manifest(repository, "latest") == (made.data, made.media_type)
    assert digest == made.digest and registry.tags(repository) == ["latest"]
    assert registry.get_blob(repository, made.layers[0].digest) == made.layers[0].data


@pytest.mark.parametrize("family", ["oci", "docker"])
def test_an_index_is_pushed_with_its_parts(registry, repository, family):
    children = [(registry_images.small(name.encode(), family=family, architecture=name),
                 registry_images.platform(name)) for name in ("amd64", "arm64")]
    made = registry_images.index(*children, family=family)
    registry.push(repository, "both", made)
    assert registry.digest(repository, "both") == made.digest
    assert registry.digest(repository, children[1][0].digest) == children[1][0].digest


def test_skopeo_understands_what_was_pushed(registry, repository):
    made = registry_images.many_layers(3, packing=["gzip", "zstd", "none"])
    registry.push(repository, "latest", made)
    inspected = subprocess.run(["skopeo", "inspect", "--tls-verify=false",
                                f"docker://{registry.name(repository, 'latest')}"],
                               capture_output=True, check=True)
    assert json.loads(inspected.stdout)["Digest"] == made.digest


def test_a_registry_with_tls_is_who_it_says(tls_registry, repository):
    tls_registry.push(repository, "latest", registry_images.small())
    assert tls_registry.tags(repository) == ["latest"]


def test_a_password_is_asked_for_and_checked(password_registry, repository):
    password_registry.push(repository, "latest", registry_images.small())
    status, headers, _ = fetch(password_registry, "/v2/")
    assert status == 401 and headers["WWW-Authenticate"].startswith("Basic ")


def test_a_token_lets_in_until_it_expires(token_registry, tokens, repository):
    token_registry.push(repository, "latest", registry_images.small())
    status, headers, _ = fetch(token_registry, f"/v2/{repository}/tags/list")
    assert status == 401 and tokens.url in headers["WWW-Authenticate"]
    scope = f"repository:{repository}:pull"
    for lifetime, expected in ((300, 200), (-120, 401)):
        token = tokens.issue("user", [scope], lifetime)
        status, _, _ = fetch(token_registry, f"/v2/{repository}/tags/list",
                             Authorization=f"Bearer {token}")
        assert status == expected


def test_the_proxy_passes_on_and_writes_down(proxy, repository):
    made = registry_images.small()
    proxy.push(repository, "latest", made)
    assert proxy.requests == []
    status, _, data = fetch(proxy, f"/v2/{repository}/manifests/latest",
                            Accept=image_archives.MANIFEST)
    assert (status, data) == (200, made.data)
    (request,) = proxy.asked("/manifests/")
    assert (request.status, request.sent) == (200, len(made.data))


def test_skopeo_pushes_through_the_proxy(proxy, registry, repository, tmp_path):
    made = registry_images.small()
    registry.push(repository, "one", made)
    subprocess.run(["skopeo", "copy", "--quiet", "--src-tls-verify=false",
                    "--dest-tls-verify=false", f"docker://{registry.name(repository, 'one')}",
                    f"docker://{proxy.name(repository + '-2', 'two')}"], check=True)
    assert registry.digest(repository + "-2", "two") == made.digest


def test_the_proxy_cuts_and_corrupts(proxy, big):
    path, data = big
    proxy.on("/blobs/", fault_proxy.cut(70000), nth=1)
    proxy.on("/blobs/", fault_proxy.cut(None), nth=2)
    with pytest.raises((http.client.IncompleteRead, ConnectionResetError)):
        fetch(proxy, path)
    assert proxy.requests[0].sent == 70000
    with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
        fetch(proxy, path)
    proxy.forget()
    proxy.on("/blobs/", fault_proxy.corrupt(70000), nth=1)
    wrong = fetch(proxy, path)[2]
    assert [at for at, byte in enumerate(wrong) if byte != data[at]] == [70000]
    assert fetch(proxy, path)[2] == data


def test_the_proxy_answers_what_it_is_told(proxy, other_host, big):
    path, data = big
    proxy.on("/blobs/", fault_proxy.answer(429, Retry_After="7"), nth=1)
    proxy.on("/blobs/", fault_proxy.redirect(other_host.url), nth=2)
    proxy.on("/blobs/", fault_proxy.no_ranges)
    assert fetch(proxy, path)[1]["Retry-After"] == "7"
    location = fetch(proxy, path)[1]["Location"]
    assert location == other_host.url + path
    assert fetch(other_host, path)[2] == data and len(other_host.requests) == 1
    status, _, body = fetch(proxy, path, Range="bytes=5-9")
    assert (status, body) == (200, data)
    proxy.forget()
    assert fetch(proxy, path, Range="bytes=5-9")[2] == data[5:10]


def test_the_proxy_holds_until_it_is_told_to_go_on(proxy, big):
    path, data = big
    event, got = threading.Event(), []
    proxy.on("/blobs/", fault_proxy.hold(event, after=1000))
    thread = threading.Thread(target=lambda: got.append(fetch(proxy, path)[2]))
    thread.start()
    proxy.wait_for(lambda: proxy.requests and proxy.requests[0].sent == 1000)
    assert not got
    event.set()
    thread.join()
    assert got == [data]


def test_referrers_and_pages_of_tags_are_told(memory_registry):
    subject = registry_images.small()
    memory_registry.push("one", "first", subject)
    memory_registry.push("one", "second", subject)
    about = registry_images.artifact(subject)
    memory_registry.push("one", None, about)
    _, _, data = memory_registry.request("GET", f"/v2/one/referrers/{subject.digest}")
    assert [entry["digest"] for entry in json.loads(data)["manifests"]] == [about.digest]
    memory_registry.page = 1
    _, headers, data = memory_registry.request("GET", "/v2/one/tags/list")
    assert json.loads(data)["tags"] == ["first"] and "last=first" in headers["Link"]


def test_another_network_reaches_its_servers_and_nothing_else(far_network, registry, repository):
    registry.push(repository, "latest", registry_images.small())
    command = [*far_network.prefix, "skopeo", "inspect", "--raw", "--tls-verify=false"]
    with fault_proxy.serve(registry, listener=far_network.listen()) as proxy:
        for there, status in ((proxy, 0), (registry, 1)):
            done = subprocess.run([*command, f"docker://{there.name(repository, 'latest')}"],
                                  capture_output=True, check=False)
            assert done.returncode == status, done.stderr
        assert proxy.requests
