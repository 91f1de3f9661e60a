# SPDX-License-Identifier: Apache-2.0
"""`cay push`: the image is there as it is here, and nothing is sent twice."""

import json
import re
import subprocess

import pytest

from harness import image_archives, registry_images
from harness.image_archives import Layout


def make(cay, name, contents, packing="gzip"):
    """An image of layers with these contents, loaded as @name; its manifest's digest."""
    layers = [image_archives.tar({"file": content}) for content in contents]
    kind = image_archives.OCI + "layer.v1.tar" + ("" if packing == "none" else f"+{packing}")
    layout = Layout()
    entry = layout.manifest(image_archives.config(layers),
                            [registry_images.pack(layer, packing) for layer in layers],
                            [kind] * len(layers))
    cay("load", input=layout.add(entry, name).tar(), check=True)
    return entry["digest"]


def fails(cay, *words, **options):
    result = cay("push", *words, **options)
    assert result.returncode == 1, result
    return result.stderr


@pytest.mark.parametrize("packing", ["none", "gzip", "zstd"])
def test_the_image_has_the_same_digest_there(cay, registry, repository, packing):
    digest = make(cay, registry.name(repository, "1"), [b"1", b"2"], packing)
    said = cay.ok("push", registry.name(repository, "1")).splitlines()
    assert registry.digest(repository, "1") == digest
    assert said[0] == f"The push refers to repository [{registry.host}/{repository}]"
    size = len(registry.get_manifest(repository, "1")[0])
    assert said[-1] == f"1: digest: {digest} size: {size}"
    assert len([line for line in said if re.fullmatch("[0-9a-f]{12}: Pushed", line)]) == 2


def test_the_second_push_sends_nothing(cay, registry, repository):
    make(cay, registry.name(repository, "1"), [b"1", b"2"])
    cay.ok("push", registry.name(repository, "1"))
    cay.ok("tag", registry.name(repository, "1"), registry.name(repository, "2"))
    said = cay.ok("push", registry.name(repository, "2"))
    assert said.count("Layer already exists") == 2 and "Pushed" not in said
    assert registry.tags(repository) == ["1", "2"]


def test_skopeo_pulls_what_was_pushed(cay, registry, repository, tmp_path, image):
    cay.ok("tag", image, registry.name(repository, "1"))
    cay.ok("push", registry.name(repository, "1"))
    subprocess.run(["skopeo", "copy", "--src-tls-verify=false",
                    f"docker://{registry.name(repository, '1')}", f"oci:{tmp_path}/layout:1"],
                   check=True, capture_output=True)
    index = json.loads((tmp_path / "layout" / "index.json").read_text())
    assert index["manifests"][0]["digest"] == registry.digest(repository, "1")


def test_an_image_of_120_layers_goes_and_is_saved(cay, registry, repository, tmp_path):
    name = registry.name(repository, "1")
    digest = make(cay, name, [b"%d" % number for number in range(120)])
    assert cay.ok("push", name).count(": Pushed") == 120
    assert registry.digest(repository, "1") == digest
    cay.ok("save", "-o", tmp_path / "archive.tar", name)
    assert cay.ok("image", "copy", "-q", f"docker-archive:{tmp_path}/archive.tar",
                  f"oci:{tmp_path}/layout:1") == digest


def test_foreign_layers_stay_where_they_are(cay, registry, repository, tmp_path):
    """Its URLs say where it is to be had. The registry is told of it, and not given it."""
    layer = registry_images.pack(image_archives.tar({"file": b"foreign"}), "gzip")
    layout = Layout()
    entry = layout.manifest(image_archives.config([b""]), [layer],
                            [image_archives.OCI + "layer.nondistributable.v1.tar+gzip"])
    manifest = json.loads(layout.blobs[f"blobs/sha256/{entry['digest'].removeprefix('sha256:')}"])
    manifest["layers"][0]["urls"] = ["https://example.invalid/layer"]
    entry = layout.blob(json.dumps(manifest).encode(), image_archives.MANIFEST)
    (tmp_path / "archive.tar").write_bytes(layout.add(entry, "1").tar())
    result = cay("image", "copy", f"oci-archive:{tmp_path}/archive.tar",
                 f"docker://{registry.name(repository, '1')}")
    assert ": Skipped foreign layer" in result.stdout
    assert not registry.has_blob(repository, manifest["layers"][0]["digest"])


def test_without_a_tag_it_is_the_latest(cay, registry, repository):
    make(cay, registry.name(repository), [b"1"])
    assert cay.ok("push", registry.name(repository)).startswith("Using default tag: latest\n")
    assert registry.tags(repository) == ["latest"]


def test_quietly_only_the_name_is_said(cay, registry, repository):
    make(cay, registry.name(repository, "1"), [b"1"])
    assert cay.ok("push", "-q", registry.name(repository, "1")) == registry.name(repository, "1")


def test_all_tags_go_at_once(cay, registry, repository):
    one = make(cay, registry.name(repository, "one"), [b"1"])
    two = make(cay, registry.name(repository, "two"), [b"1", b"2"])
    make(cay, registry.name(repository + "/more", "three"), [b"3"])
    said = cay.ok("push", "--all-tags", registry.name(repository))
    assert registry.tags(repository) == ["one", "two"]
    assert f"one: digest: {one}" in said and f"two: digest: {two}" in said
    assert "tag can't be used" in fails(cay, "-a", registry.name(repository, "one"))


def test_what_is_in_another_repository_is_mounted(cay, registry, proxy, repository):
    """The registry has it from there: no byte of the layer goes over the network again."""
    first, second = f"{proxy.host}/{repository}/a:1", f"{proxy.host}/{repository}/b:1"
    make(cay, first, [b"1" * 100000])
    cay.ok("push", first)
    cay.ok("tag", first, second)
    before = len(proxy.requests)
    assert f": Mounted from {repository}/a\n" in cay.ok("push", second)
    after = proxy.requests[before:]
    assert [one for one in after if "mount=" in one.path]
    assert registry.tags(f"{repository}/b") == ["1"]


def test_the_digest_is_known_afterwards(cay, registry, repository):
    digest = make(cay, "local:1", [b"1"])
    cay.ok("tag", "local:1", registry.name(repository, "1"))
    cay.ok("push", registry.name(repository, "1"))
    assert registry.name(repository, digest=digest) in cay.ok(
        "image", "inspect", "-f", "{{.RepoDigests}}", "local:1")


def test_events_tell_of_it(cay, registry, repository):
    make(cay, registry.name(repository, "1"), [b"1"])
    cay.ok("push", registry.name(repository, "1"))
    said = cay.ok("events", "--since", "0", "--until", "0s", "--format",
                  "{{.Action}} {{.Actor.Attributes.name}}")
    assert f"push {registry.name(repository, '1')}" in said.splitlines()


def test_what_is_not_here_cannot_be_pushed(cay, registry, repository):
    make(cay, registry.name(repository, "1"), [b"1"])
    assert "tag does not exist: " in fails(cay, registry.name(repository, "2"))
    assert "an image does not exist locally with the tag: 'nobody'" in fails(cay, "nobody")
    assert "cannot push a digest reference" in fails(
        cay, registry.name(repository, digest="sha256:" + "0" * 64))
    assert "not for the specified platform 'linux/s390x'" in fails(
        cay, "--platform", "linux/s390x", registry.name(repository, "1"))
    with pytest.raises(LookupError):
        registry.tags(repository)


def test_who_may_not_is_told_so(cay, password_registry, repository):
    name = password_registry.name(repository, "1")
    make(cay, name, [b"1"])
    assert f"push access denied for '{password_registry.host}/{repository}'" in fails(cay, name)
    cay("login", "-u", "user", "--password-stdin", password_registry.host, input="secret word",
        check=True)
    cay.ok("push", name)
    assert password_registry.tags(repository) == ["1"]


def test_a_token_is_asked_for(cay, token_registry, repository):
    name = token_registry.name(repository, "1")
    digest = make(cay, name, [b"1"])
    cay("login", "-u", "user", "--password-stdin", token_registry.host, input="secret word",
        check=True)
    cay.ok("push", name)
    assert token_registry.digest(repository, "1") == digest


def test_a_damaged_blob_does_not_get_there(cay, registry, repository):
    digest = make(cay, registry.name(repository, "1"), [b"1"])
    blobs = cay.state.directory / "content" / "blobs" / "sha256"
    manifest = json.loads((blobs / digest.removeprefix("sha256:")).read_text())
    layer = blobs / manifest["layers"][0]["digest"].removeprefix("sha256:")
    content = bytearray(layer.read_bytes())
    content[-1] ^= 1
    layer.write_bytes(content)
    fails(cay, registry.name(repository, "1"))
    assert not registry.has_blob(repository, manifest["layers"][0]["digest"])
