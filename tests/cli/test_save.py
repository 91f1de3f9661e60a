# SPDX-License-Identifier: Apache-2.0
"""`cay save`: an archive that everybody can read, whole or not at all."""

import io
import json
import os
import shutil
import subprocess
import tarfile
import tempfile

import pytest

from harness import image_archives, images, registry_images


@pytest.fixture(name="archive")
def _archive(tmp_path):
    return tmp_path / "archive.tar"


@pytest.fixture(name="two")
def _two(cay):
    """Two images that share a layer, the second with one more, and what their manifests are."""
    lower, upper = image_archives.tar({"lower": b"1"}), image_archives.tar({"upper": b"2"})
    layout = image_archives.Layout()
    for name, layers in ("one:1", [lower]), ("two:1", [lower, upper]):
        packed = [registry_images.pack(layer, "gzip") for layer in layers]
        entry = layout.manifest(image_archives.config(layers), packed,
                                [image_archives.OCI + "layer.v1.tar+gzip"] * len(layers))
        layout.add(entry, name)
    cay("load", input=layout.tar(), check=True)
    return {entry["annotations"]["org.opencontainers.image.ref.name"]: entry["digest"]
            for entry in layout.entries}


def member(archive, name):
    with tarfile.open(archive) as opened:
        return json.load(opened.extractfile(name))


def names(archive):
    """As Docker reads them: configuration -> names."""
    return {entry["Config"]: entry["RepoTags"] for entry in member(archive, "manifest.json")}


def digests(archive):
    return sorted(entry["digest"] for entry in member(archive, "index.json")["manifests"])


def loaded(cay, archive):
    return cay.ok("load", "-i", archive).splitlines()


def remove_all(cay):
    cay.ok("image", "prune", "--all", "--force")
    assert cay.ok("images", "-q") == ""


def test_what_is_saved_is_loaded_as_it_was(cay, two, archive):
    before = [json.loads(cay.ok("image", "inspect", name))[0] for name in two]
    cay.ok("save", "-o", archive, *two)
    remove_all(cay)
    assert loaded(cay, archive) == ["Loaded image: one:1", "Loaded image: two:1"]
    after = [json.loads(cay.ok("image", "inspect", name))[0] for name in two]
    for image in before + after:
        image.pop("Metadata", None)
    assert before == after


def test_the_archive_has_the_manifests_themselves(cay, two, archive):
    cay.ok("save", "-o", archive, *two)
    assert digests(archive) == sorted(two.values())


def test_a_layer_of_several_images_is_there_once(cay, two, archive):
    cay.ok("save", "-o", archive, *two)
    with tarfile.open(archive) as opened:
        found = [entry for entry in opened if entry.name.startswith("blobs/sha256/")]
    assert len({entry.name for entry in found}) == len(found) == 2 + 2 + 2
    assert all(entry.isfile() for entry in found)


def test_standard_output_is_the_archive(cay, two, archive):
    archive.write_bytes(cay("save", "one:1", text=False, check=True).stdout)
    assert digests(archive) == [two["one:1"]]


def test_a_repository_stands_for_all_its_tags(cay, two, archive):
    cay.ok("tag", "one:1", "two:other")
    cay.ok("save", "-o", archive, "two")
    assert sorted(sum(names(archive).values(), [])) == ["two:1", "two:other"]


def test_names_of_one_image_are_one_entry(cay, two, archive):
    cay.ok("tag", "one:1", "registry.example:5000/a/b:c")
    cay.ok("save", "-o", archive, "one:1", "registry.example:5000/a/b:c", "one:1")
    assert list(names(archive).values()) == [["one:1", "registry.example:5000/a/b:c"]]
    remove_all(cay)
    assert loaded(cay, archive) == ["Loaded image: one:1",
                                    "Loaded image: registry.example:5000/a/b:c"]


def test_by_its_id_an_image_has_no_name(cay, two, archive):
    image = cay.ok("images", "-q", "--no-trunc", "one:1")
    cay.ok("save", "-o", archive, image[:20])
    assert list(names(archive).values()) == [[]]
    remove_all(cay)
    assert loaded(cay, archive) == [f"Loaded image ID: {image}"]


def test_the_platform_has_to_be_the_image_s(cay, two, archive):
    cay.ok("save", "--platform", "linux/amd64", "-o", archive, "one:1")
    archive.unlink()
    result = cay("save", "--platform", "linux/s390x", "-o", archive, "one:1")
    assert result.returncode == 1
    assert "'one:1' is there for platform 'linux/amd64', not for" in result.stderr
    assert not archive.exists()


def test_podman_and_skopeo_read_it(cay, image, archive):
    cay.ok("save", "-o", archive, image)
    by_docker, by_oci = [
        json.loads(subprocess.run(["skopeo", "inspect", "--config", f"{transport}:{archive}"],
                                  capture_output=True, check=True).stdout)
        for transport in ("docker-archive", "oci-archive")]
    assert by_docker == by_oci
    place = tempfile.mkdtemp(prefix="cay-test-")  # podman wants a short name
    podman = ["podman", "--root", f"{place}/root", "--runroot", f"{place}/run",
              "--storage-driver", "vfs"]
    try:
        said = subprocess.run([*podman, "load", "-i", archive], capture_output=True, text=True,
                              check=True).stdout
        assert images.BUSYBOX_REFERENCE in said
        found = subprocess.run([*podman, "image", "inspect", "--format", "{{.Id}}",
                                images.BUSYBOX_REFERENCE],
                               capture_output=True, text=True, check=True).stdout.strip()
        assert "sha256:" + found == cay.ok("images", "-q", "--no-trunc", image)
    finally:
        shutil.rmtree(place)


def test_a_terminal_gets_no_archive(cay, image, pty_run):
    terminal = pty_run("save", image)
    terminal.expect("cowardly refusing to save to a terminal")
    assert terminal.wait() == 1


def test_an_unknown_image_leaves_no_file(cay, image, archive):
    archive.write_bytes(b"before")
    result = cay("save", "-o", archive, image, "nobody:1")
    assert result.returncode == 1
    assert "no such image: 'nobody:1'" in result.stderr
    assert archive.read_bytes() == b"before"
    assert os.listdir(archive.parent) == [archive.name]


def test_no_space_leaves_no_file(cay, image, tmp_path):
    script = ('mount -t tmpfs -o size=64k none "$1" && '
              '"$0" save -o "$1/archive.tar" "$2"; code=$?; ls -A "$1"; exit $code')
    result = subprocess.run(["unshare", "--mount", "sh", "-c", script, cay.path(), tmp_path,
                             image], env=cay.state.environment(), capture_output=True, text=True,
                            check=False)
    assert result.returncode == 1
    assert result.stdout == ""
    assert "no space left" in result.stderr


def test_no_space_behind_standard_output_is_a_failure(cay, image):
    with open("/dev/full", "wb") as full:
        result = subprocess.run([cay.path(), "save", image], env=cay.state.environment(),
                                stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert result.returncode == 1
    assert "no space left" in result.stderr


def test_a_damaged_blob_is_not_saved(cay, two, archive):
    blobs = cay.state.directory / "content" / "blobs" / "sha256"
    manifest = json.loads((blobs / two["one:1"].removeprefix("sha256:")).read_text())
    layer = blobs / manifest["layers"][0]["digest"].removeprefix("sha256:")
    content = bytearray(layer.read_bytes())
    content[-1] ^= 1
    layer.write_bytes(content)
    result = cay("save", "-o", archive, "one:1")
    assert result.returncode == 1
    assert "digest mismatch" in result.stderr
    assert not archive.exists()


def test_events_tell_of_it(cay, two, archive):
    cay.ok("save", "-o", archive, "one:1")
    said = cay.ok("events", "--since", "0", "--until", "0s", "--format", "{{.Action}} {{.ID}}")
    image = cay.ok("images", "-q", "--no-trunc", "one:1")
    assert f"save {image}" in said.splitlines()


def test_nothing_is_left_in_the_store(cay, two, archive):
    cay.ok("save", "-o", archive, "one:1")
    assert not list((cay.state.directory / "content" / "staging").iterdir())
    assert len(tarfile.open(fileobj=io.BytesIO(archive.read_bytes())).getnames()) > 3
