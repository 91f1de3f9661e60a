# SPDX-License-Identifier: Apache-2.0
"""
Saves and copies that are killed at each step, or meet a full disk there: what they write is there
whole, or is as it was, and the same command works the next time.
"""

import json
import os
import shutil
import tarfile

import faults
import pytest
from harness import debris, image_archives
from harness.image_archives import sha256

KILLED = -9

pytestmark = pytest.mark.as_shipped


@pytest.fixture(name="two")
def _two(cay, tmp_path):
    """An image of two layers."""
    layers = [image_archives.tar({"a": b"a" * 5000}), image_archives.tar({"b": b"b"})]
    archive = image_archives.docker_archive((image_archives.config(layers), layers, ["two:1"]))
    cay("load", input=archive, check=True)
    return "two:1"


@pytest.fixture(name="place")
def _place(tmp_path):
    """A directory of nothing but what is written."""
    (tmp_path / "place").mkdir()
    return tmp_path / "place"


def check_blobs(read, descriptors):
    """All that @descriptors lead to is there, by its digest."""
    for descriptor in descriptors:
        data = read(descriptor["digest"].removeprefix("sha256:"))
        assert sha256(data) == descriptor["digest"]
        if descriptor["mediaType"].endswith("manifest.v1+json"):
            manifest = json.loads(data)
            check_blobs(read, [manifest["config"], *manifest["layers"]])


def check_archive(path):
    with tarfile.open(path) as archive:
        def read(name):
            return archive.extractfile(f"blobs/sha256/{name}").read()

        check_blobs(read, json.load(archive.extractfile("index.json"))["manifests"])


def check_layout(path):
    if (path / "index.json").exists():
        check_blobs(lambda name: (path / "blobs" / "sha256" / name).read_bytes(),
                    json.loads((path / "index.json").read_text())["manifests"])


def check_directory(path):
    manifest = json.loads((path / "manifest.json").read_text())
    check_blobs(lambda name: (path / name).read_bytes(),
                [manifest["config"], *manifest["layers"]])


def remove(path):
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def check(cay, place, faults_, arguments, look, leftovers=()):
    """Each of @faults_, then the same command. @leftovers: what a killed one may leave beside."""
    met = 0
    for fault in faults_:
        remove(place / "it")
        result = fault.run()
        assert not cay.state.settle(), str(fault)
        met += result.returncode != 0
        if result.returncode not in (0, KILLED):
            assert (result.returncode, result.stderr.count("\n")) == (1, 1), f"{fault}: {result}"
        allowed = {"it"} | (set(leftovers) if result.returncode == KILLED else set())
        assert set(os.listdir(place)) <= allowed, str(fault)
        if (place / "it").exists():
            look(place / "it")
        again = cay(*arguments)
        assert again.returncode == 0, f"{fault}: {again}"
        assert os.listdir(place) == ["it"], str(fault)
        look(place / "it")
        assert debris.of_state(cay.state) == [], str(fault)
    assert met > 5


CASES = [
    (("save", "-o", "PLACE/it", "two:1"), check_archive, ()),
    (("image", "copy", "-q", "two:1", "oci-archive:PLACE/it:x"), check_archive, ()),
    (("image", "copy", "-q", "two:1", "oci:PLACE/it:x"), check_layout, ()),
    (("image", "copy", "-q", "two:1", "dir:PLACE/it"), check_directory, (".it.partial",)),
]


@pytest.fixture(name="case", params=CASES, ids=lambda case: case[0][-1].partition(":")[0])
def _case(request, place):
    arguments, look, leftovers = request.param
    return [word.replace("PLACE", str(place)) for word in arguments], look, leftovers


def test_what_is_killed_anywhere_leaves_no_half(cay, two, place, case):
    arguments, look, leftovers = case
    check(cay, place, faults.kills(cay, *arguments), arguments, look, leftovers)


def test_who_has_no_space_anywhere_leaves_no_half(cay, two, place, case):
    arguments, look, _ = case
    check(cay, place, faults.failures(cay, *arguments, errno="ENOSPC",
                                      calls=["write", "openat", "mkdirat", "mkdir", "renameat",
                                             "renameat2", "linkat", "fsync", "syncfs"]),
          arguments, look)


def test_a_save_whose_worker_is_killed_leaves_no_file(cay, two, place):
    arguments = ["save", "-o", str(place / "it"), two]
    for fault in faults.kills(cay, *arguments, program="cay-image"):
        remove(place / "it")
        result = fault.run()
        if result.returncode == 0:  # it was killed when all was said
            check_archive(place / "it")
        else:
            assert result.returncode == 1, f"{fault}: {result}"
            assert not os.listdir(place), str(fault)
        assert debris.of_state(cay.state) == [], str(fault)


def test_a_save_that_is_killed_leaves_what_was_there(cay, two, place):
    arguments = ["save", "-o", str(place / "it"), two]
    (place / "it").touch()  # the calls are those of a replacement
    for fault in faults.kills(cay, *arguments, calls=["write", "renameat", "linkat"]):
        (place / "it").write_bytes(b"before")
        assert fault.run().returncode == KILLED
        if (place / "it").read_bytes() != b"before":
            check_archive(place / "it")
