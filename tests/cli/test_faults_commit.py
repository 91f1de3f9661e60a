# SPDX-License-Identifier: Apache-2.0
"""
Commits and exports that are killed at each step, or find no room.

The image is there, with its layer and its name, or it is not, and the next command clears what is
left. The container goes on. A file that an export was to write is the old one or the new one.
"""

import os

import faults
import pytest
from harness import debris, images

CHANGES = [*faults.FILES, *faults.LOCKS, "exit_group"]
COMMIT = ("commit", "one", "one:1")

pytestmark = pytest.mark.as_shipped


@pytest.fixture
def image(cay):
    """Small: what is done with the store is done often."""
    cay.ok("import", "-", "busybox:test", input=images.busybox_tar(["sh", "touch"]), text=False)
    return "busybox:test"


@pytest.fixture(name="container")
def _container(cay, image):
    """A file, a directory and a deletion: each further one takes the same calls."""
    cay.ok("create", "--name", "one", image, "true")
    upper = cay.state.directory / "containers" / cay.ok("inspect", "-f", "{{.Id}}", "one") / "upper"
    (upper / "directory").mkdir()
    (upper / "directory" / "file").write_bytes(b"content" * 1000)
    os.mknod(upper / "home", 0o20000, 0)
    yield "one"
    cay.ok("rm", "one")


def names(cay):
    return cay.ok("images", "--format", "{{.Repository}}:{{.Tag}}").split()


def check_commits(cay, found):
    """Run into each fault; the image is there as a whole or not at all, and can then be made."""
    cay.ok(*COMMIT)
    cay.ok("rmi", "one:1")
    before = debris.of_store(cay.state)
    met = 0
    for fault in found:
        result = fault.run()
        assert not cay.state.settle(), str(fault)
        met += result.returncode != 0
        if "one:1" in names(cay):
            cay.ok("image", "inspect", "one:1")
            assert (cay.ok("run", "--rm", "one:1", "sh", "-c", "echo /directory/* /hom*")
                    == "/directory/file /hom*"), str(fault)
        cay.ok(*COMMIT)
        cay.ok("rmi", "one:1")
        for left in cay.ok("images", "--quiet", "--filter", "dangling=true").split():
            cay.ok("rmi", left)  # one that was made before its name went to the next
        assert debris.of_store(cay.state) == before, f"{fault}: {result}"
        assert debris.of_state(cay.state) == [], str(fault)
    assert met > 1


def test_a_commit_that_is_killed_anywhere_leaves_an_image_or_none(cay, container):
    check_commits(cay, faults.kills(cay, *COMMIT, calls=CHANGES))


@pytest.mark.parametrize("only", ['"pack"', '"applyWhiteouts"'])
def test_a_commit_whose_workers_are_killed_leaves_no_image(cay, container, only):
    check_commits(cay, faults.kills(cay, *COMMIT, program="cay-image", only=only, calls=CHANGES))


@pytest.mark.parametrize("program, only", [("cay", ""), ("cay-image", '"pack"'),
                                           ("cay-image", '"applyWhiteouts"')])
def test_a_commit_that_finds_no_room_leaves_no_image(cay, container, program, only):
    calls = ["mkdirat", "openat", "write", "fsync", "fdatasync", "renameat2", "pwrite64"]
    check_commits(cay, faults.failures(cay, *COMMIT, program=program, only=only, errno="ENOSPC",
                                       calls=calls))


def test_an_export_that_is_killed_anywhere_leaves_the_old_file_or_the_new(cay, container,
                                                                          tmp_path):
    archive = tmp_path / "archive"
    cay.ok("export", "-o", archive, container)
    whole = archive.read_bytes()
    for program in "cay", "cay-image":
        for fault in faults.kills(cay, "export", "-o", archive, container, program=program,
                                  calls=CHANGES):
            archive.write_bytes(b"old")
            result = fault.run()
            assert not cay.state.settle(), str(fault)
            assert archive.read_bytes() in (b"old", whole), f"{fault}: {result}"
            assert debris.of_state(cay.state) == [], str(fault)


# A tmpfs of its own for the state, in a mount namespace of its own: nobody else sees it.
ON_A_SMALL_DISK = ["unshare", "--mount", "sh", "-c",
                   'mount -t tmpfs -o size="$1" none "$CAY_STATE" && shift && "$@"', "sh"]


def test_a_full_disk_is_told_and_nothing_half_committed(cay, tmp_path):
    """There is room for the change once, or for its blob, but not for all three."""
    small = tmp_path / "small.tar"
    small.write_bytes(images.busybox_tar(["sh", "true", "cat", "dd", "touch"]))
    script = tmp_path / "script"
    script.write_text(f"""
        cd "$CAY_STATE"
        cay="{cay.path()}"
        "$cay" import {small} small:1 > /dev/null || exit 10
        "$cay" run --name big small:1 dd if=/dev/urandom of=/big bs=1M count=4 2>&1 || exit 11
        before=$(find layers content -type f | sort)
        "$cay" commit big big:1 && exit 12
        [ "$(find layers content -type f | sort)" = "$before" ] || exit 13
        [ "$("$cay" images --quiet | wc -l)" = 1 ] || exit 14
        "$cay" export -o exported big && exit 15
        [ ! -e exported ] || exit 16
        "$cay" rm big || exit 17
        "$cay" run --name little small:1 touch /little || exit 18
        "$cay" commit little little:1 || exit 19
        "$cay" run --rm little:1 cat /little || exit 20
    """)
    result = type(cay)("/bin", cay.state)(script, prefix=[*ON_A_SMALL_DISK, "9M"], program="sh")
    assert result.returncode == 0, str(result)
    assert all("no space left" in line for line in result.stderr.splitlines()), str(result)
    assert len(result.stderr.splitlines()) == 2
