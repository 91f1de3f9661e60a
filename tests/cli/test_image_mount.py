# SPDX-License-Identifier: Apache-2.0
"""Images mounted on the host: what is seen there, and that they are not removed underneath."""

import contextlib
import json
import os
import stat
import subprocess

import faults
import pytest
from harness import image_archives, images


def mounts_below(directory):
    """Mount points below @directory, the last one first."""
    with open("/proc/self/mountinfo", encoding="utf-8") as lines:
        points = [line.split()[4] for line in lines]
    return [point for point in reversed(points) if point.startswith(f"{directory}/")]


@pytest.fixture(name="target")
def _target(tmp_path):
    """A directory to mount at; whatever is mounted there ends with the test."""
    directory = tmp_path.resolve() / "at here"
    directory.mkdir()
    yield directory
    for point in mounts_below(tmp_path.resolve()):
        escaped = point.encode().decode("unicode_escape")
        subprocess.run(["umount", "--lazy", escaped], check=True)


@pytest.fixture(name="layered")
def _layered(cay, tmp_path):
    """An image of two layers: the upper one hides a file, and has what must not work on a host."""
    lower = image_archives.tar({"kept": b"kept", "hidden": b"hidden", "d": None, "d/f": b"lower"})
    upper = image_archives.tar({".wh.hidden": b"", "d": None, "d/f": b"upper"})
    path = tmp_path / "layered.tar"
    path.write_bytes(image_archives.docker_archive(
        (image_archives.config([lower, upper]), [lower, upper], ["layered:1"])))
    cay.ok("load", "--input", path)
    return "layered:1"


def test_the_files_are_those_of_all_layers(cay, layered, target):
    assert cay.ok("image", "mount", layered, target) == str(target)
    assert sorted(os.listdir(target)) == ["d", "kept"]
    assert (target / "d/f").read_bytes() == b"upper"
    assert cay.ok("image", "unmount", target) == str(target)
    assert not os.listdir(target)


def test_an_image_of_one_layer_has_nothing_but_its_files(cay, image, target):
    cay.ok("image", "mount", image, target)
    assert sorted(os.listdir(target)) == sorted(["bin", "dev", "etc", "home", "proc", "root", "run",
                                                 "sys", "tmp", "usr", "var"])
    assert stat.S_IMODE(os.stat(target / "tmp").st_mode) == 0o1777


def test_nobody_writes_there_and_no_device_or_privilege_works(cay, image, target):
    cay.ok("image", "mount", image, target)
    with pytest.raises(OSError, match="Read-only"):
        (target / "new").touch()
    flags = os.statvfs(target).f_flag
    assert flags & os.ST_RDONLY and flags & os.ST_NODEV and flags & os.ST_NOSUID


def test_what_is_mounted_is_listed(cay, image, target):
    identity = cay.ok("images", "--quiet")
    assert cay.ok("image", "mount").split() == ["IMAGE", "IMAGE", "ID", "TARGET"]
    cay.ok("image", "mount", identity, target)
    header, row = cay.ok("image", "mount").splitlines()
    assert header.split() == ["IMAGE", "IMAGE", "ID", "TARGET"]
    assert row.split(maxsplit=2) == [image, identity, str(target)]
    assert cay.ok("image", "mount", "--quiet") == str(target)
    assert json.loads(cay.ok("image", "mount", "--format", "json")) == {
        "ID": identity, "Image": image, "Target": str(target)}


def test_an_image_that_is_mounted_is_not_removed(cay, image, target):
    identity = cay.ok("images", "--quiet")
    cay.ok("image", "mount", image, target)
    refused = cay("rmi", image)
    assert refused.returncode == 1
    assert refused.stderr == (
        f"cay: unable to remove repository reference '{image}' (must force) - its image is mounted "
        f"at '{target}', see 'cay image unmount'\n")
    refused = cay("rmi", "--force", identity)
    assert refused.stderr == (f"cay: unable to delete {identity} (cannot be forced) - image is "
                              f"mounted at '{target}', see 'cay image unmount'\n")
    assert refused.returncode == 1
    cay.ok("image", "prune", "--all", "--force")
    assert (target / "bin/busybox").exists()
    assert cay.ok("images", "--quiet") == identity


def test_a_name_is_removed_by_force_and_the_files_stay(cay, image, target):
    cay.ok("image", "mount", image, target)
    assert cay.ok("rmi", "--force", image) == f"Untagged: {image}"
    assert (target / "bin/busybox").exists()
    assert cay.ok("image", "mount", "--format", "{{.Image}}") == "<none>"


@pytest.mark.parametrize("unmount", [
    lambda cay, target: cay.ok("image", "umount", target),
    lambda cay, target: subprocess.run(["umount", target], check=True),
], ids=["by cay", "by umount"])
def test_once_it_is_unmounted_it_can_be_removed(cay, state, image, target, unmount):
    cay.ok("image", "mount", image, target)
    unmount(cay, target)
    assert cay.ok("image", "mount", "--quiet") == ""
    cay.ok("rmi", image)
    assert not os.listdir(state.directory / "layers")


def test_a_mount_of_the_host_is_known_in_other_mount_namespaces(cay, image, target):
    cay.ok("image", "mount", image, target)
    script = f"umount '{target}' && exec \"$@\""
    refused = cay("rmi", "--force", cay.ok("images", "--quiet"),
                  prefix=("unshare", "--mount", "sh", "-c", script, "sh"))
    assert f"image is mounted at '{target}'" in refused.stderr


def test_mistakes_are_told(cay, image, layered, target, tmp_path):
    for arguments, message in [
        (["mount", image], "cay image mount: needs a directory as well: "
                           "cay image mount IMAGE TARGET"),
        (["mount", "--quiet", image, target],
         "cay image mount: the options are those of the list, which is shown without arguments"),
        (["mount", "nothing", target], "cay: no such image: 'nothing'"),
        (["mount", image, tmp_path / "none"], f"cay: there is no directory '{tmp_path}/none'"),
        (["unmount", target], f"cay: there is no image mounted at '{target}'"),
    ]:
        result = cay("image", *arguments)
        assert (result.returncode, result.stderr) == (1, message + "\n")
    cay.ok("image", "mount", image, target)
    assert cay("image", "mount", layered, target).stderr == (
        f"cay: there is an image mounted at '{target}' already\n")
    with open(target / "etc/passwd", encoding="ascii"):
        assert cay("image", "unmount", target).stderr == f"cay: the image at '{target}' is in use\n"
    cay.ok("image", "unmount", target)


def test_an_image_of_another_machine_s_kind_can_be_looked_at(cay, target, tmp_path):
    layer = image_archives.tar({"f": b"f"})
    config = json.loads(image_archives.config([layer]))
    config["architecture"] = "s390x"
    path = tmp_path / "other.tar"
    path.write_bytes(image_archives.docker_archive(
        (json.dumps(config).encode(), [layer], ["other:1"])))
    cay.ok("load", "--input", path)
    cay.ok("image", "mount", "other:1", target)
    assert (target / "f").read_bytes() == b"f"


def test_an_image_that_is_mounted_is_no_space_to_reclaim(cay, image, target):
    def reclaimable():
        lines = cay.ok("system", "df", "--format", "json").splitlines()
        return json.loads(lines[0])["Reclaimable"]

    before = reclaimable()
    cay.ok("image", "mount", image, target)
    assert reclaimable() != before


def test_of_a_mount_and_a_removal_at_once_one_wins(cay, target, tmp_path):
    rootfs = tmp_path / "rootfs.tar"
    rootfs.write_bytes(image_archives.tar({"f": b"f"}))
    for _ in range(10):
        cay.ok("import", rootfs, "race:1")
        both = [cay.spawn("image", "mount", "race:1", target), cay.spawn("rmi", "race:1")]
        ended = [process.wait(60) for process in both]
        assert sorted(ended) == [0, 1]
        assert os.path.ismount(target) == (ended[0] == 0)
        if ended[0] == 0:
            cay.ok("image", "prune", "--all", "--force")
            assert (target / "f").read_bytes() == b"f"
            cay.ok("image", "unmount", target)


@pytest.mark.as_shipped
def test_killed_at_any_step_it_is_mounted_or_not(cay, state, target):
    images.make_busybox(cay)
    image = images.BUSYBOX_REFERENCE
    seen = set()
    for fault in faults.kills(cay, "image", "mount", image, target):
        with contextlib.suppress(subprocess.CalledProcessError):
            subprocess.run(["umount", target], check=True, capture_output=True)
        fault.run()
        mounted = os.path.ismount(target)
        seen.add(mounted)
        assert cay.ok("image", "mount", "--quiet") == (str(target) if mounted else ""), str(fault)
        assert (cay("rmi", image).returncode == 0) != mounted, str(fault)
        if not mounted:
            images.make_busybox(cay)
    assert seen == {True, False}
