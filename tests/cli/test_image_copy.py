# SPDX-License-Identifier: Apache-2.0
"""`cay image copy`: from anywhere to anywhere else, and it stays what it was."""

import fcntl
import json
import os
import subprocess

import pytest

from harness import image_archives, registry_images
from harness.image_archives import Layout, sha256

KINDS = ["docker", "oci", "oci-archive", "docker-archive", "dir"]


class Places:
    """Names of places of each kind, and what is there by skopeo's word."""

    def __init__(self, directory, registry, repository):
        self.directory = directory
        self.registry = registry
        self.repository = repository
        self.made = 0

    def new(self, kind):
        self.made += 1
        if kind == "docker":
            return f"docker://{self.registry.host}/{self.repository}/{self.made}:tag"
        tag = {"oci": ":tag", "oci-archive": ":tag", "docker-archive": ":name:tag", "dir": ""}[kind]
        return f"{kind}:{self.directory}/{self.made}{tag}"

    @staticmethod
    def raw(place):
        """The manifest there."""
        return subprocess.run(["skopeo", "inspect", "--raw", "--tls-verify=false", place],
                              capture_output=True, check=True).stdout


@pytest.fixture(name="places")
def _places(tmp_path, registry, repository):
    return Places(tmp_path, registry, repository)


def copy(cay, *words):
    return cay.ok("image", "copy", "-q", *words).strip()


def failure(cay, *words):
    result = cay("image", "copy", "-q", *words)
    assert result.returncode == 1, result
    return result.stderr


@pytest.fixture(name="start")
def _start(cay, tmp_path):
    """An image of two layers in the store, and its digest."""
    layers = [image_archives.tar({"a": b"1"}), image_archives.tar({"b": b"2" * 100000})]
    layout = Layout()
    packed = [registry_images.pack(layer, packing)
              for layer, packing in zip(layers, ("gzip", "zstd"), strict=True)]
    entry = layout.manifest(image_archives.config(layers), packed,
                            [image_archives.OCI + "layer.v1.tar+gzip",
                             image_archives.OCI + "layer.v1.tar+zstd"])
    cay("load", input=layout.add(entry, "start:1").tar(), check=True)
    return entry["digest"]


@pytest.mark.parametrize("destination", KINDS)
@pytest.mark.parametrize("source", KINDS)
def test_the_digest_is_the_same_everywhere(cay, start, places, source, destination):
    first, second = places.new(source), places.new(destination)
    assert copy(cay, "start:1", first) == start
    assert copy(cay, first, second) == start
    if destination != "docker-archive":  # of which skopeo makes a manifest of its own
        assert sha256(places.raw(second)) == start


@pytest.mark.parametrize("source", KINDS)
def test_from_everywhere_it_comes_to_this_machine(cay, start, places, source):
    place = places.new(source)
    copy(cay, "start:1", place)
    image = cay.ok("images", "-q", "--no-trunc", "start:1")
    cay.ok("rmi", "start:1")
    assert copy(cay, place, "cay:here") == start
    assert cay.ok("images", "-q", "--no-trunc", "here:latest") == image
    assert "one platform each" in cay("image", "copy", "--all", place, "cay:x").stderr


@pytest.fixture(name="many")
def _many():
    """An index of two platforms, one of them in an index of its own."""
    amd = registry_images.small(b"amd64", architecture="amd64")
    arm = registry_images.small(b"arm64", architecture="arm64")
    inner = registry_images.index((arm, registry_images.platform("arm64")))
    return registry_images.index((amd, registry_images.platform("amd64")), inner), amd, arm


@pytest.mark.parametrize("kind", ["docker", "oci", "oci-archive", "dir"])
def test_an_index_is_copied_whole(cay, places, registry, many, kind):
    digest = registry.push(places.repository, "1", many[0])
    place, back = places.new(kind), places.new("docker")
    assert copy(cay, "--all", f"docker://{registry.host}/{places.repository}:1", place) == digest
    assert copy(cay, "--all", place, back) == digest
    repository = back.removeprefix(f"docker://{registry.host}/").removesuffix(":tag")
    assert registry.digest(repository, "tag") == digest
    for image in many[1:]:
        assert registry.get_manifest(repository, image.digest)[0] == image.data
        for blob in image.blobs:
            assert registry.get_blob(repository, blob.digest) == blob.data


@pytest.mark.parametrize("kind", KINDS)
def test_what_comes_from_a_registry_is_complete(cay, places, registry, kind, tmp_path):
    """It is here in no other place, and is left in none."""
    image = registry_images.small(kind.encode() * 1000)
    registry.push(places.repository, "1", image)
    place = places.new(kind)
    assert copy(cay, f"docker://{registry.host}/{places.repository}:1", place) == image.digest
    assert copy(cay, place, f"dir:{tmp_path}/dir") == image.digest
    for blob in image.blobs:
        assert (tmp_path / "dir" / blob.digest.removeprefix("sha256:")).read_bytes() == blob.data
    assert not list((cay.state.directory / "content").glob("partial/*"))


def test_of_an_index_one_platform_is_taken(cay, places, registry, many):
    registry.push("many", "1", many[0])
    source = f"docker://{registry.host}/many:1"
    assert copy(cay, source, places.new("oci")) == many[1].digest
    assert copy(cay, "--platform", "linux/arm64", source, places.new("oci")) == many[2].digest
    message = failure(cay, "--platform", "linux/s390x", source, places.new("oci"))
    assert "linux/s390x" in message and "linux/amd64" in message and "linux/arm64" in message


def test_within_one_registry_nothing_is_fetched_or_sent(cay, proxy, repository):
    image = registry_images.small(b"1" * 100000)
    proxy.push(f"{repository}/a", "1", image)
    before = len(proxy.requests)
    said = cay.ok("image", "copy", f"docker://{proxy.host}/{repository}/a:1",
                  f"docker://{proxy.host}/{repository}/b:1")
    after = proxy.requests[before:]
    assert f": Mounted from {repository}/a\n" in said
    assert not [one for one in after if one.method == "GET" and "/blobs/" in one.path]
    assert not [one for one in after if one.method in ("PUT", "PATCH") and "/blobs/" in one.path]
    assert proxy.digest(f"{repository}/b", "1") == image.digest


def test_what_cannot_be_taken_from_there_is_fetched(cay, proxy, repository):
    """A registry may answer a mount with an upload, as if nothing had been said of it."""
    image = registry_images.small(b"2" * 100000)
    proxy.push(f"{repository}/a", "1", image)
    proxy.on("mount=", lambda exchange: exchange.answer(
        202, b"", ("Location", f"/v2/{repository}/b/blobs/uploads/none")),
             nth=range(1, 3), method="POST")
    cay.ok("image", "copy", f"docker://{proxy.host}/{repository}/a:1",
           f"docker://{proxy.host}/{repository}/b:1")
    assert len(proxy.asked("/blobs/uploads/none", method="DELETE")) == 2
    assert len(proxy.asked("/a/blobs/sha256:")) == 2
    assert proxy.digest(f"{repository}/b", "1") == image.digest


def test_what_is_there_is_not_fetched_again(cay, places, registry, many, tmp_path):
    registry.push("many", "1", many[0])
    place = places.new("oci")
    copy(cay, "--all", f"docker://{registry.host}/many:1", place)
    for image in many[1:]:
        registry.delete_blob("many", image.layers[0].digest)
    assert copy(cay, "--all", f"docker://{registry.host}/many:1", place) == many[0].digest


def test_an_archive_for_docker_has_no_index(cay, places, registry, many):
    registry.push("many", "1", many[0])
    source = f"docker://{registry.host}/many:1"
    assert "no indexes" in failure(cay, "--all", source, places.new("docker-archive"))
    assert not os.listdir(places.directory)


def test_a_layout_keeps_what_else_is_in_it(cay, start, tmp_path):
    place = f"oci:{tmp_path}/layout"
    copy(cay, "start:1", f"{place}:one")
    index = json.loads((tmp_path / "layout" / "index.json").read_text())
    index["annotations"] = {"of": "others"}
    index["manifests"][0]["artifactType"] = "application/of.others"
    (tmp_path / "layout" / "index.json").write_text(json.dumps(index))
    copy(cay, "start:1", f"{place}:two")
    copy(cay, "start:1", f"{place}:two")
    after = json.loads((tmp_path / "layout" / "index.json").read_text())
    assert after["annotations"] == index["annotations"]
    assert after["manifests"][0] == index["manifests"][0]
    assert [entry["annotations"]["org.opencontainers.image.ref.name"]
            for entry in after["manifests"]] == ["one", "two"]
    assert "there is 'one', 'two'" in failure(cay, f"{place}:three", f"dir:{tmp_path}/dir")


def test_a_copy_waits_for_who_writes_the_layout(cay, start, spawn, tmp_path):
    place = tmp_path / "layout"
    copy(cay, "start:1", f"oci:{place}:one")
    lock = os.open(place, os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    process = spawn("image", "copy", "-q", "start:1", f"oci:{place}:two")
    (place / "index.json").write_text('{"schemaVersion":2,"manifests":[]}')
    assert process.poll() is None
    os.close(lock)
    assert process.wait(60) == 0
    assert len(json.loads((place / "index.json").read_text())["manifests"]) == 1


def test_what_is_no_layout_is_left_alone(cay, start, tmp_path):
    (tmp_path / "index.json").write_text("{}")
    assert "is no OCI layout" in failure(cay, "start:1", f"oci:{tmp_path}")
    (tmp_path / "index.json").rename(tmp_path / "file")
    assert "neither empty nor one of the transport 'dir'" in failure(cay, "start:1",
                                                                    f"dir:{tmp_path}")
    assert os.listdir(tmp_path) == ["file"]
    assert not list(tmp_path.parent.glob(".*.partial"))


@pytest.mark.parametrize("text, message", [
    ('{"imageLayoutVersion":"2.0.0"}', "version '2.0.0', only 1.0.0 is supported"),
    ('{"createdBy":"1.0.0"}', "imageLayoutVersion"),
])
def test_a_layout_that_is_another_than_ours_is_not_added_to(cay, start, tmp_path, text, message):
    (tmp_path / "oci-layout").write_text(text, encoding="utf-8")
    told = failure(cay, "start:1", f"oci:{tmp_path}")
    assert message in told and f"'{tmp_path}'" in told
    assert [path.name for path in tmp_path.iterdir()] == ["oci-layout"]


def test_a_directory_is_replaced_as_a_whole(cay, image, start, tmp_path):
    place = tmp_path / "dir"
    copy(cay, image, f"dir:{place}")
    before = set(os.listdir(place))
    assert copy(cay, "start:1", f"dir:{place}") == sha256((place / "manifest.json").read_bytes())
    after = set(os.listdir(place))
    assert before & after == {"manifest.json", "version"}
    assert os.listdir(tmp_path) == ["dir"]


@pytest.fixture(name="layout")
def _layout(cay, start, tmp_path):
    """A layout with one image, to be damaged: its path and the blobs' paths by media type."""
    copy(cay, "start:1", f"oci:{tmp_path}/layout")
    blobs = tmp_path / "layout" / "blobs" / "sha256"
    manifest = json.loads((blobs / start.removeprefix("sha256:")).read_text())
    return tmp_path / "layout", blobs, manifest


def test_a_damaged_blob_is_not_copied(cay, layout, tmp_path):
    place, blobs, manifest = layout
    layer = blobs / manifest["layers"][0]["digest"].removeprefix("sha256:")
    content = bytearray(layer.read_bytes())
    content[-1] ^= 1
    layer.write_bytes(content)
    assert "digest mismatch" in failure(cay, f"oci:{place}", f"oci:{tmp_path}/new")
    layer.write_bytes(content[:-1])
    assert "its descriptor says" in failure(cay, f"oci:{place}", f"oci:{tmp_path}/new")
    layer.unlink()
    assert "the directory lacks" in failure(cay, f"oci:{place}", f"oci:{tmp_path}/new")
    assert not (tmp_path / "new").exists()


def test_links_and_fifos_in_a_layout_lead_nowhere(cay, layout, tmp_path):
    place, blobs, manifest = layout
    layer = blobs / manifest["layers"][0]["digest"].removeprefix("sha256:")
    layer.rename(tmp_path / "outside")
    layer.symlink_to(tmp_path / "outside")
    assert "open 'blobs/sha256/" in failure(cay, f"oci:{place}", f"oci:{tmp_path}/new")
    layer.unlink()
    os.mkfifo(layer)
    assert "no regular file" in failure(cay, f"oci:{place}", f"oci:{tmp_path}/new")


def test_an_index_that_leads_to_itself_ends(cay, tmp_path):
    """By its size: no document can have the digest of what contains that."""
    layout = Layout()
    entry = layout.index()
    for _ in range(6):
        entry = layout.index(entry)
    (tmp_path / "layout" / "blobs" / "sha256").mkdir(parents=True)
    for name, content in layout.add(entry, "1").files().items():
        (tmp_path / "layout" / name).write_bytes(content)
    assert "nested more than" in failure(cay, "--all", f"oci:{tmp_path}/layout",
                                         f"oci:{tmp_path}/new")


def test_plain_archives_of_old_dockers_become_images(cay, tmp_path):
    layer = image_archives.tar({"a": b"1"})
    archive = tmp_path / "old.tar"
    archive.write_bytes(image_archives.docker_archive(
        (image_archives.config([layer]), [layer], ["old:1", "old:2"])))
    digest = copy(cay, f"docker-archive:{archive}:old:2", f"oci:{tmp_path}/layout:1")
    manifest = json.loads((tmp_path / "layout" / "blobs" / "sha256" /
                           digest.removeprefix("sha256:")).read_text())
    assert manifest["layers"][0]["digest"] == sha256(layer)
    assert manifest["layers"][0]["mediaType"] == image_archives.OCI + "layer.v1.tar"
    assert "there is 'old:1', 'old:2'" in failure(cay, f"docker-archive:{archive}:new",
                                                  f"dir:{tmp_path}/dir")


@pytest.mark.parametrize("words, message", [
    (("oci:", "dir:x"), "names no path"),
    (("start:1", "docker-daemon:x"), "is not supported"),
    (("--all", "--platform", "linux/arm64", "start:1", "dir:x"), "exclude each other"),
])
def test_faulty_command_lines_are_refused(cay, words, message):
    result = cay("image", "copy", *words)
    assert result.returncode == 1, result
    assert result.stderr.startswith("cay image copy: ") and message in result.stderr
