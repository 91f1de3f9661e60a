# SPDX-License-Identifier: Apache-2.0
"""
Pulls of what there is not, of what is not what it says it is, and from whom is not who they seem.

Each is refused in one line that names the matter, and changes nothing that can be seen.
"""

import json
import re

import pytest

from harness import archives, fault_proxy, image_archives, pulling, registry_images
from harness.pulling import pull_refused

KIB, MIB = 1 << 10, 1 << 20
NOWHERE = "sha256:" + "0" * 64


@pytest.fixture(name="lies")
def _lies(memory_registry):
    """lies(document) -> the name of what no honest registry would take."""
    def push(document):
        repository = memory_registry.repository("lies")
        repository.blobs.update({blob.digest: blob.data for blob in document.blobs})
        for made in (*document.children, document):
            repository.manifests[made.digest] = made.data, made.media_type
        return memory_registry.name("lies", digest=document.digest)

    push.registry = memory_registry
    return push


def with_layer(image, **changes):
    """The same image, which says something else of its only layer."""
    return image.changed(layers=[{**image.json["layers"][0], **changes}])


def with_config(image, **changes):
    return image.changed(config={**image.json["config"], **changes})


# What there is not

def test_an_unknown_repository_is_named(cay, registry):
    name = registry.name("tests/nobody-has-this")
    said = pull_refused(cay, name)
    assert "tests/nobody-has-this" in said and "not found" in said


def test_an_unknown_tag_is_answered_with_those_that_there_are(cay, memory_registry):
    for tag in ("one", "two"):
        memory_registry.push("tests", tag, registry_images.small())
    said = pull_refused(cay, memory_registry.name("tests", "absent"))
    assert "tests:absent" in said and "not found" in said
    assert said.endswith("there are the tags: one, two")
    for number in range(20):
        memory_registry.push("tests", f"more-{number:02}", registry_images.small())
    said = pull_refused(cay, memory_registry.name("tests", "absent"))
    assert said.endswith("more-08, more-09 and more")


def test_an_unknown_digest_is_named(cay, registry, repository):
    registry.push(repository, "there", registry_images.small())
    said = pull_refused(cay, registry.name(repository, digest=NOWHERE))
    assert f"{repository}@{NOWHERE}" in said and "not found" in said


def test_an_unknown_platform_is_answered_with_those_that_there_are(cay, registry, repository):
    registry.push(repository, "latest", registry_images.index(
        *((registry_images.small(name.encode(), architecture=name),
           registry_images.platform(name, variant=variant))
          for name, variant in (("s390x", None), ("arm64", "v8")))))
    said = pull_refused(cay, registry.name(repository), "--platform", "linux/riscv64")
    for platform in ("linux/riscv64", "linux/s390x", "linux/arm64"):
        assert platform in said
    assert "tags" not in said


def test_an_image_of_another_platform_than_the_wanted_one_is_not_taken(cay, registry, repository):
    registry.push(repository, "latest", registry_images.small(architecture="s390x"))
    said = pull_refused(cay, registry.name(repository), "--platform", "linux/riscv64")
    assert "linux/riscv64" in said and "linux/s390x" in said


def test_a_registry_that_nobody_listens_at_is_named(cay):
    said = pull_refused(cay, "127.0.0.1:1/one")
    assert "127.0.0.1:1" in said and "connect" in said


def test_a_run_of_what_cannot_be_pulled_says_why(cay, registry, repository):
    said = pulling.refused(cay, "run", "--quiet", registry.name(repository), "true")
    assert repository in said and "not found" in said
    assert cay.ok("ps", "--all", "--quiet") == ""


# Who is somebody else

def test_a_certificate_of_nobody_is_not_trusted(cay, tls_registry, repository):
    tls_registry.push(repository, "latest", registry_images.small())
    said = pull_refused(cay, tls_registry.name(repository))
    assert "certificate" in said and tls_registry.host in said
    cay.ok("pull", "--quiet", tls_registry.name(repository),
           env=pulling.trusting(cay.state, tls_registry))


def test_a_certificate_for_another_name_is_not_trusted(cay, tls_registry, authority):
    context = authority.issue("other", ["other.example"]).context()
    with fault_proxy.serve(tls_registry, context, authority) as proxy:
        said = pull_refused(cay, proxy.name("one"), env=pulling.trusting(cay.state, proxy))
    assert "certificate" in said and proxy.requests == []


def test_plain_http_is_not_spoken_to_who_is_elsewhere(cay, registry, repository, far_network):
    registry.push(repository, "latest", registry_images.small())
    with fault_proxy.serve(registry, listener=far_network.listen()) as proxy:
        said = pull_refused(cay, proxy.name(repository), prefix=far_network.prefix)
        assert re.search("http", said, re.IGNORECASE) and proxy.host in said
        assert proxy.requests == []
        env = pulling.settings(cay.state, **{proxy.host: {"plain-http": True}})
        cay.ok("pull", "--quiet", proxy.name(repository), prefix=far_network.prefix, env=env)


def test_what_speaks_no_http_is_told(cay, registry):
    with fault_proxy.serve(registry) as proxy:
        proxy.on("", fault_proxy.raw(b"SSH-2.0-OpenSSH_9.2\r\n"))
        assert proxy.host in pull_refused(cay, proxy.name("one"))


# Manifests

def test_a_manifest_that_does_not_end_is_not_kept_in_memory(cay, proxy, repository):
    proxy.push(repository, "latest", registry_images.small())
    proxy.on("/manifests/", fault_proxy.extended(b" " * 5 * MIB))
    said = pull_refused(cay, proxy.name(repository))
    assert re.search("large|long|MiB|exceeds|more than", said)


def test_a_manifest_of_another_digest_is_not_taken(cay, proxy, repository):
    made = registry_images.small()
    proxy.push(repository, "latest", made)
    proxy.on("/manifests/", fault_proxy.corrupt(len(made.data) - 5))
    assert made.digest in pull_refused(cay, proxy.name(repository, digest=made.digest))


def test_a_part_of_an_index_with_another_digest_is_not_taken(cay, proxy, repository):
    made = registry_images.index((registry_images.small(), registry_images.platform()))
    proxy.push(repository, "latest", made)
    child = made.children[0]
    proxy.on(f"/manifests/{child.digest}", fault_proxy.corrupt(len(child.data) - 5))
    assert child.digest in pull_refused(cay, proxy.name(repository))


@pytest.mark.parametrize("media_type", ["text/html", "application/vnd.oci.image.config.v1+json"])
def test_what_is_not_served_as_a_manifest_is_none(cay, memory_registry, media_type):
    made = registry_images.small().changed(mediaType=None)
    memory_registry.push("one", "latest", made)
    memory_registry.put_manifest("one", "latest", made.data, media_type)
    assert media_type in pull_refused(cay, memory_registry.name("one"))


def test_a_manifest_that_is_served_as_something_else_than_it_says_is_ambiguous(cay, lies):
    made = registry_images.small()
    lies.registry.push("lies", "latest", made)
    lies.registry.put_manifest("lies", "latest", made.data, registry_images.DOCKER_LIST)
    pull_refused(cay, lies.registry.name("lies"))


AMBIGUOUS = {
    "a manifest with parts of an index": lambda image: image.changed(manifests=[]),
    "an index with layers": lambda image: registry_images.index(
        image, changes={"layers": image.json["layers"], "config": image.json["config"]}),
    "a type that is the other family's": lambda image: image.changed(
        mediaType=image_archives.INDEX),
    "schema version 1": lambda image: image.changed(schemaVersion=1),
    "no configuration": lambda image: image.changed(config=None),
    "layers that are no list": lambda image: image.changed(layers={}),
    "two of one member": lambda image: doubled(image),
}


def doubled(image):
    text = image.data[:-1] + b', "config": ' + json.dumps(image.json["layers"][0]).encode() + b"}"
    return registry_images.Document(text, image.media_type, image.blobs)


@pytest.mark.parametrize("kind", AMBIGUOUS)
def test_an_ambiguous_manifest_is_no_manifest(cay, lies, kind):
    image = registry_images.small()
    pull_refused(cay, lies(AMBIGUOUS[kind](image)))


@pytest.mark.parametrize("text", [
    b"", b"{", b"[]", b'{"schemaVersion":2}', pytest.param(b"[" * 100000, id="deep"),
    pytest.param(b'{"a":' * 50000 + b"1" + b"}" * 50000, id="nested"), b"\xff\xfe{}", b"\0"])
def test_what_is_no_document_is_refused(cay, proxy, text):
    proxy.on("/manifests/", fault_proxy.answer(200, text, Content_Type=image_archives.MANIFEST))
    pull_refused(cay, proxy.name("one"))


def test_an_artifact_is_said_to_be_no_image(cay, registry, repository):
    registry.push(repository, "latest", registry_images.artifact())
    assert re.search("artifact|no image|not an image",
                     pull_refused(cay, registry.name(repository)))


def test_an_index_within_an_index_leads_to_its_image_but_not_without_end(cay, registry, repository):
    made = registry_images.small()
    for _ in range(2):
        made = registry_images.index((made, registry_images.platform()))
    registry.push(repository, "nested", made)
    cay.ok("pull", "--quiet", registry.name(repository, "nested"))
    for _ in range(40):
        made = registry_images.index((made, registry_images.platform()))
    registry.push(repository, "deep", made)
    said = pull_refused(cay, registry.name(repository, "deep"))
    assert re.search("deep|nested|levels|within", said)


def test_more_layers_than_an_image_may_have_are_not_fetched(cay, lies):
    image = registry_images.small()
    many = image.changed(layers=image.json["layers"] * 5000)
    pull_refused(cay, lies(many))
    assert ("GET", f"/v2/lies/blobs/{image.layers[0].digest}") not in lies.registry.requests


# Descriptors

@pytest.mark.parametrize("size", [-1, 0, 1, 1 << 40, 1 << 70, "12", None])
def test_a_layer_is_as_long_as_it_says(cay, lies, size):
    pull_refused(cay, lies(with_layer(registry_images.small(), size=size)))


def test_a_layer_that_is_a_byte_longer_or_shorter_is_refused(cay, lies):
    image = registry_images.small()
    size = len(image.layers[0].data)
    for wrong in (size - 1, size + 1):
        pull_refused(cay, lies(with_layer(image, size=wrong)))


@pytest.mark.parametrize("size", [-1, 1, 5 * MIB])
def test_a_configuration_is_as_long_as_it_says(cay, lies, size):
    pull_refused(cay, lies(with_config(registry_images.small(), size=size)))


@pytest.mark.parametrize("digest", [
    "", "sha256:", "sha256:../../../../../etc/passwd", "../x", "md5:" + "0" * 32,
    "sha256:" + "A" * 64, "sha256:" + "0" * 63 + "/"])
def test_what_is_no_digest_is_no_name_of_a_file(cay, lies, digest):
    image = with_layer(registry_images.small(), digest=digest)
    pull_refused(cay, lies(image))


@pytest.mark.parametrize("media_type", ["application/octet-stream", "text/plain",
                                        "application/vnd.oci.image.layer.v1.tar+lzma"])
def test_a_layer_of_an_unknown_type_is_refused_by_name(cay, lies, media_type):
    assert media_type in pull_refused(
        cay, lies(with_layer(registry_images.small(), mediaType=media_type)))


# Blobs

def corrupted(document, index):
    """The document's @index-th blob (0: configuration) with one bit changed: same length."""
    blob = document.blobs[index]
    middle = len(blob.data) // 2
    return blob, blob.data[:middle] + bytes([blob.data[middle] ^ 1]) + blob.data[middle + 1:]


@pytest.mark.parametrize("which", ["configuration", "layer"])
def test_a_blob_of_another_digest_is_not_taken(cay, lies, which):
    image = registry_images.small(pulling.random_file(100 * KIB), packing="none")
    name = lies(image)
    blob, wrong = corrupted(image, ["configuration", "layer"].index(which))
    blobs = lies.registry.repository("lies").blobs
    blobs[blob.digest] = wrong
    assert blob.digest in pull_refused(cay, name)
    blobs[blob.digest] = blob.data
    cay.ok("pull", "--quiet", name)


@pytest.mark.parametrize("packing", ["gzip", "zstd", "none"])
def test_a_layer_that_unpacks_to_something_else_is_not_taken(cay, lies, packing):
    promised = image_archives.tar({"f": b"promised"})
    image = registry_images.image([image_archives.tar({"f": b"delivered"})], packing=packing,
                                  rootfs={"type": "layers",
                                          "diff_ids": [image_archives.sha256(promised)]})
    said = pull_refused(cay, lies(image))
    assert image_archives.sha256(promised) in said or image.layers[0].digest in said


@pytest.mark.parametrize("diff_ids", [[], [NOWHERE, NOWHERE]])
def test_a_configuration_has_a_diff_id_for_each_layer(cay, lies, diff_ids):
    image = registry_images.small(rootfs={"type": "layers", "diff_ids": diff_ids})
    pull_refused(cay, lies(image))


@pytest.mark.parametrize("packing", ["gzip", "zstd", "none"])
def test_a_stream_that_is_cut_short_is_not_taken(cay, lies, packing):
    whole = registry_images.pack(image_archives.tar({"f": pulling.random_file(50 * KIB)}), packing)
    image = registry_images.small(packing=packing)
    short = registry_images.Blob(whole[:len(whole) // 2], image.layers[0].media_type)
    made = registry_images.Document(image.data, image.media_type, (image.blobs[0], short)).changed(
        layers=[short.descriptor])
    pull_refused(cay, lies(made))


@pytest.mark.parametrize("data", [b"", b"\x1f\x8b\x08\x00", b"\x28\xb5\x2f\xfd",
                                  b"not a tar" * 99])
def test_a_layer_that_is_none_is_not_taken(cay, lies, data):
    image = registry_images.small()
    wrong = registry_images.Blob(data, image.layers[0].media_type)
    made = registry_images.Document(image.data, image.media_type, (image.blobs[0], wrong)).changed(
        layers=[wrong.descriptor])
    pull_refused(cay, lies(made))


@pytest.mark.parametrize("text", [b"", b"{}", b"[]", b'{"rootfs":7}', b"{" * 9999])
def test_a_configuration_that_is_none_is_not_taken(cay, lies, text):
    image = registry_images.small()
    wrong = registry_images.Blob(text, image.blobs[0].media_type)
    made = registry_images.Document(image.data, image.media_type, (wrong, image.blobs[1])).changed(
        config=wrong.descriptor)
    pull_refused(cay, lies(made))


# What would leave the layer's directory

def attack(*members):
    return archives.archive(*members)


@pytest.fixture(name="outside")
def _outside(tmp_path):
    path = tmp_path / "outside"
    path.mkdir()
    (path / "file").write_text("the host's")
    return path


ATTACKS = {
    "through a symbolic link": lambda out: attack(
        archives.symlink(b"way", out), archives.member(b"way/file", b"evil")),
    "by a hard link": lambda out: attack(
        archives.hard_link(b"way", out + b"/file"), archives.member(b"way", b"evil")),
    "by a climbing name": lambda out: attack(
        archives.pax([(b"path", b"../" * 20 + out[1:] + b"/file")]),
        archives.member(b"x", b"evil")),
    "by an absolute name": lambda out: attack(
        archives.pax([(b"path", out + b"/file")]), archives.member(b"x", b"evil")),
    "a whiteout through a link": lambda out: attack(
        archives.symlink(b"way", out), archives.member(b"way/.wh.file")),
    "an opaque marker through a link": lambda out: attack(
        archives.symlink(b"way", out), archives.member(b"way/.wh..wh..opq")),
}


@pytest.mark.parametrize("way", ATTACKS)
def test_a_layer_that_is_pulled_reaches_nothing_outside(cay, lies, outside, way):
    """Whether it is refused or stays inside: the host's files are what they were."""
    layer = ATTACKS[way](str(outside).encode())
    result = cay("pull", "--quiet", lies(registry_images.image([layer])))
    assert result.returncode in (0, 1), str(result)
    assert [path.name for path in outside.iterdir()] == ["file"]
    assert (outside / "file").read_text() == "the host's"


def test_a_label_is_no_setting(cay, lies):
    labels = {"io.cay.restart": "always", "com.docker.privileged": "true", "cay.restart": "always"}
    settings = {"Cmd": ["/hello"], "Labels": labels, "HostConfig": {"Privileged": True},
                "Privileged": True}
    image = registry_images.small(config=settings, HostConfig={"Privileged": True})
    name = lies(image)
    cay.ok("pull", "--quiet", name)
    container = cay.ok("create", name)
    shown = json.loads(cay.ok("inspect", container))[0]
    assert shown["Config"]["Labels"] == labels
    assert shown["HostConfig"]["Privileged"] is False
    assert shown["HostConfig"]["RestartPolicy"]["Name"] == "no"
    cay.ok("rm", container)


# What the answer says

@pytest.mark.parametrize("evil", ["\x1b]0;title\x07", "a\nsecond line", "\rover", "\x9b31m"])
def test_what_a_registry_says_does_not_reach_the_terminal_as_it_is(cay, proxy, evil):
    proxy.on("/manifests/", fault_proxy.error(403, "DENIED", f"no {evil} here"))
    said = pull_refused(cay, proxy.name("one"))
    assert not re.search(r"[\x00-\x1f\x7f-\x9f]", said)


def test_a_redirect_without_end_ends(cay, proxy, repository):
    proxy.push(repository, "latest", registry_images.small())
    proxy.on("/blobs/", fault_proxy.redirect(proxy.url))
    pull_refused(cay, proxy.name(repository))
    assert len(proxy.requests) < 200


@pytest.mark.parametrize("target", ["file:///etc/passwd", "gopher://127.0.0.1:1/", "//", "http://",
                                    "ftp://127.0.0.1:1/x", "dict://127.0.0.1:1/x"])
def test_a_redirect_leads_to_no_other_protocol(cay, proxy, repository, target):
    proxy.push(repository, "latest", registry_images.small())
    proxy.on("/blobs/", fault_proxy.redirect(lambda request: target))
    pull_refused(cay, proxy.name(repository))


@pytest.mark.parametrize("challenge", [
    'Bearer realm="file:///etc/passwd",service="x"', 'Bearer realm="",service="x"', "Bearer", "",
    "Negotiate", 'Digest realm="x", nonce="y"',
    'Bearer realm="x' + "y" * 9000 + '"', 'Basic realm="unclosed'])
def test_a_challenge_that_cannot_be_met_is_refused(cay, proxy, challenge):
    proxy.on("", fault_proxy.answer(401, b"", **{"WWW_Authenticate": challenge}))
    pull_refused(cay, proxy.name("one"))


def test_a_wait_of_a_day_is_not_waited(cay, proxy, repository):
    proxy.push(repository, "latest", registry_images.small())
    proxy.on("/manifests/", fault_proxy.answer(429, Retry_After="86400"))
    assert proxy.host in pull_refused(cay, proxy.name(repository))


# Who may

def test_a_wrong_password_is_refused_and_not_told(cay, password_registry, repository):
    password_registry.push(repository, "latest", registry_images.small())
    env = pulling.docker_config(cay.state, **{password_registry.host: "user:wrong word"})
    said = pull_refused(cay, password_registry.name(repository), env=env)
    assert re.search("unauthorized|denied|login|credentials|authentication", said)
    assert "wrong word" not in said


def test_without_a_password_one_is_told_to_log_in(cay, password_registry, repository):
    password_registry.push(repository, "latest", registry_images.small())
    said = pull_refused(cay, password_registry.name(repository))
    assert re.search("unauthorized|denied|login|credentials|authentication", said)


def test_a_wrong_password_at_the_token_server_is_refused(cay, token_registry, tokens, repository):
    token_registry.push(repository, "latest", registry_images.small())
    env = pulling.docker_config(cay.state, **{token_registry.host: "user:wrong word"})
    said = pull_refused(cay, token_registry.name(repository), env=env)
    assert re.search("unauthorized|denied|login|credentials|authentication", said)
    assert "wrong word" not in said and tokens.requests


def test_a_token_that_is_never_good_is_not_asked_for_without_end(cay, token_registry, tokens,
                                                                 repository):
    token_registry.push(repository, "latest", registry_images.small())
    tokens.next_lifetimes = [-120] * 1000
    env = pulling.docker_config(cay.state, **{token_registry.host: "user:secret word"})
    pull_refused(cay, token_registry.name(repository), env=env)
    assert len(tokens.requests) < 20


@pytest.mark.parametrize("text", [b"", b"[]", b'{"token":7}', b'{"token":""}',
                                  pytest.param(b"x" * MIB, id="long"),
                                  b'{"token":"a\\r\\nHost: evil"}', b'{"token":"\\u0000"}'])
def test_an_answer_of_a_token_server_that_makes_no_sense_is_refused(cay, token_registry, tokens,
                                                                    repository, text):
    token_registry.push(repository, "latest", registry_images.small())
    tokens.answers = [(200, text)] * 50
    pull_refused(cay, token_registry.name(repository))


def test_a_blocked_registry_is_not_spoken_to(cay, proxy, repository):
    proxy.push(repository, "latest", registry_images.small())
    env = pulling.settings(cay.state, **{proxy.host: {"blocked": True}})
    assert "blocked" in pull_refused(cay, proxy.name(repository), env=env)
    assert proxy.requests == []
