# SPDX-License-Identifier: Apache-2.0
"""
Images whose makers are killed at each step, get no descriptor, or meet a full disk.

Nothing half-written is ever visible, the same command works the next time, and once the images are
removed the store is empty. (Removals are in tests/crash.)
"""

import os

import faults
import pytest
from harness import debris, image_archives, images

KILLED = -9

pytestmark = pytest.mark.as_shipped


@pytest.fixture(name="rootfs")
def _rootfs(tmp_path):
    """A file, a directory and a link: every further one is made by the same calls."""
    path = tmp_path / "rootfs.tar"
    path.write_bytes(image_archives.tar({"d": None, "d/f": b"f" * 5000}, {"l": "d/f"}))
    return path


@pytest.fixture(name="archive")
def _archive(tmp_path):
    """Two layers, as `docker save` writes them."""
    layers = [image_archives.tar({"a": b"a" * 5000}), image_archives.tar({"b": b"b"})]
    path = tmp_path / "image.tar"
    path.write_bytes(image_archives.docker_archive(
        (image_archives.config(layers), layers, ["two:layers"])))
    return path


def names(cay):
    return cay.ok("images", "--format", "{{.Repository}}:{{.Tag}}").split()


def remove_all(cay):
    """Remove all images; nothing is left then but the store's own skeleton."""
    for image in set(cay.ok("images", "--quiet", "--no-trunc").split()):
        cay.ok("rmi", "--force", image)
    assert debris.of_store(cay.state) + debris.of_state(cay.state) == []
    assert not cay.state.processes()


def check_making(cay, faults_, arguments, wanted):
    """Run into each of @faults_ from an empty store; then the same command must work."""
    cay.ok(*arguments)
    size = len(debris.of_store(cay.state))
    met = 0
    for fault in faults_:
        remove_all(cay)
        result = fault.run()
        assert not cay.state.settle(), str(fault)
        met += result.returncode != 0
        if result.returncode != KILLED:
            check_failure(cay, result, fault)
        assert set(names(cay)) <= {wanted}, str(fault)
        for name in names(cay):
            assert cay("image", "inspect", name).returncode == 0, str(fault)
        again = cay(*arguments)
        assert again.returncode == 0, f"{fault}: {again}"
        assert wanted in names(cay), str(fault)
        if names(cay) == [wanted]:
            assert len(debris.of_store(cay.state)) == size, str(fault)
        assert debris.of_state(cay.state) == [], str(fault)
    remove_all(cay)
    assert met > 5


def check_failure(cay, result, fault):
    """It ended by itself: with success, or with one line and without a trace."""
    if result.returncode != 0:
        assert (result.returncode, result.stderr.count("\n")) == (1, 1), f"{fault}: {result}"
        # SQLite opens for reading what it cannot open for writing: it stays so for the collection.
        if not names(cay) and "readonly database" not in result.stderr:
            assert debris.of_store(cay.state) == [], f"{fault}: {result}"


@pytest.mark.parametrize("program", ["cay", "cay-image"])
def test_an_import_that_is_killed_anywhere_leaves_no_half_image(cay, rootfs, program):
    arguments = ("import", rootfs, "raw:1")
    check_making(cay, faults.kills(cay, *arguments, program=program), arguments, "raw:1")


@pytest.mark.parametrize("program", ["cay", "cay-image"])
def test_a_load_that_is_killed_anywhere_leaves_no_half_image(cay, archive, program):
    arguments = ("load", "--quiet", "--input", archive)
    check_making(cay, faults.kills(cay, *arguments, program=program), arguments, "two:layers")


def test_an_import_without_descriptors_leaves_no_half_image(cay, rootfs):
    arguments = ("import", rootfs, "raw:1")
    check_making(cay, faults.failures(cay, *arguments, errno="EMFILE",
                                      calls=["openat", "pipe2", "pidfd_open"]), arguments, "raw:1")


# A tmpfs of its own for the state, in a mount namespace of its own: nobody else sees it.
ON_A_SMALL_DISK = ["unshare", "--mount", "sh", "-c",
                   'mount -t tmpfs -o size="$1" none "$CAY_STATE" && shift && "$@"', "sh"]


def test_a_full_disk_is_told_and_nothing_half_stored(cay, tmp_path):
    small, big = tmp_path / "small.tar", tmp_path / "big.tar"
    small.write_bytes(images.busybox_tar(["sh", "true", "cat"]))
    big.write_bytes(image_archives.tar({"a": os.urandom(8 << 20)}))
    script = tmp_path / "script"
    script.write_text(f"""
        cd "$CAY_STATE"
        cay="{cay.path()}"
        "$cay" import {small} small:1 > /dev/null || exit 10
        before=$(find layers content -type f | sort)
        "$cay" import {big} big:1 && exit 11
        [ "$(find layers content -type f | sort)" = "$before" ] || exit 12
        [ "$("$cay" images --quiet | wc -l)" = 1 ] || exit 13

        cat /dev/zero > filler 2> /dev/null
        "$cay" run --name full small:1 true; [ $? = 125 ] || exit 14
        rm filler
        [ -z "$("$cay" ps --all --quiet)" ] || exit 15
        [ -z "$(ls -A containers)" ] || exit 16
        "$cay" run --rm small:1 true || exit 17
    """)
    result = type(cay)("/bin", cay.state)(script, prefix=[*ON_A_SMALL_DISK, "7M"], program="sh")
    assert result.returncode == 0, str(result)
    first, second = result.stderr.splitlines()
    assert "no space left" in first and "disk is full" in second


def test_what_has_filled_the_disk_can_be_removed(cay, tmp_path):
    small = tmp_path / "small.tar"
    small.write_bytes(images.busybox_tar(["sh", "true", "cat"]))
    script = tmp_path / "script"
    script.write_text(f"""
        cay="{cay.path()}"
        "$cay" import {small} small:1 > /dev/null || exit 10
        "$cay" run --name filler small:1 sh -c 'cat /dev/zero > /filled' 2> /dev/null && exit 11
        "$cay" run --name other small:1 true 2> /dev/null && exit 12
        [ "$("$cay" ps --all --format '{{{{.Names}}}}' 2> /dev/null)" = filler ] || exit 16
        "$cay" rm filler > /dev/null 2> /dev/null || exit 13
        "$cay" run --rm --name filler small:1 true || exit 14
        [ -z "$("$cay" ps --all --quiet)" ] || exit 15
    """)
    result = type(cay)("/bin", cay.state)(script, prefix=[*ON_A_SMALL_DISK, "7M"], program="sh")
    assert (result.returncode, result.stderr) == (0, ""), str(result)
