# SPDX-License-Identifier: Apache-2.0
"""Archives that are made of a tree: what is in them, and what somebody who changes the tree
meanwhile can do."""

import json
import os
import pathlib
import subprocess
import tarfile

import pytest

from harness.manifest import difference, manifest
from harness.trees import ACL, ODD_NAME, Swapper, fill


class Packer:
    def __init__(self, build, directory):
        self.program = build / "tests" / "image" / "pack-tree"
        self.environment = dict(os.environ, CAY_LIBEXEC=str(build))
        self.archive = directory / "archive.tar"

    def run(self, tree, *options):
        result = subprocess.run([self.program, *options, tree, self.archive], check=False,
                                env=self.environment, capture_output=True, timeout=120)
        assert result.returncode in (0, 1) and not result.stderr, result.stderr.decode()
        return json.loads(result.stdout)

    def __call__(self, tree, *options):
        reply = self.run(tree, *options)
        assert "error" not in reply, reply["error"]
        return reply["packed"]

    def names(self):
        with tarfile.open(self.archive) as archive:
            return [member.name + ("/" if member.isdir() else "") for member in archive]


@pytest.fixture
def pack(build, tmp_path):
    return Packer(build, pathlib.Path(tmp_path))


@pytest.fixture
def tree(tmp_path):
    path = pathlib.Path(tmp_path) / "tree"
    path.mkdir()
    return path


def test_a_tree_is_the_same_after_packing_and_unpacking(pack, unpack, tree):
    fill(tree)
    packed = pack(tree, "--as", "")
    unpacked = unpack(pack.archive.read_bytes(), "--rootfs")
    assert difference(manifest(tree), manifest(unpack.target)) == {}
    assert unpacked["diffId"] == packed["diffId"]
    assert unpacked["treeSize"] == packed["treeSize"]
    assert unpacked["entries"] == packed["entries"]


def test_gnu_tar_reads_the_same_tree(pack, tree, tmp_path):
    fill(tree)
    (tree / ODD_NAME).unlink()
    other = pathlib.Path(tmp_path) / "other"
    other.mkdir()
    pack(tree)
    subprocess.run(["tar", "--extract", "--file", pack.archive, "--directory", other,
                    "--numeric-owner", "--preserve-permissions", "--same-owner", "--xattrs",
                    "--xattrs-include=*"], check=True)
    assert difference(manifest(tree, top=False), manifest(other, top=False)) == {}


def test_pythons_tarfile_reads_the_same_content(pack, tree):
    fill(tree)
    pack(tree)
    with tarfile.open(pack.archive) as archive:
        for name in "sparse", "hole", "sparse-end", "directory/file":
            assert archive.extractfile(name).read() == (tree / name).read_bytes()


def test_equal_trees_give_equal_bytes(pack, tree, tmp_path):
    names = [f"{number:03}" for number in range(300)]
    other = pathlib.Path(tmp_path) / "other"
    other.mkdir()
    for root, order in (tree, names), (other, reversed(names)):
        for name in order:
            (root / name).write_bytes(name.encode())
            os.setxattr(root / name, "user.b" if root == tree else "user.a", b"1")
            os.setxattr(root / name, "user.a" if root == tree else "user.b", b"1")
            os.utime(root / name, ns=(0, 7))
    first = pack(tree)
    bytes_of_first = pack.archive.read_bytes()
    assert pack(other) == first
    assert pack.archive.read_bytes() == bytes_of_first
    assert pack.names() == names


def test_a_compressed_archive_is_that_of_the_same_tar(pack, unpack, tree):
    (tree / "file").write_bytes(b"a" * 1000000)
    plain = pack(tree)
    compressed = pack(tree, "--compress")
    assert compressed["diffId"] == plain["diffId"] == plain["blobDigest"]
    assert compressed["blobSize"] == pack.archive.stat().st_size < plain["blobSize"]
    assert unpack(pack.archive.read_bytes())["blobDigest"] == compressed["blobDigest"]


def test_the_top_is_called_as_asked_for(pack, tree):
    (tree / "d").mkdir()
    (tree / "d" / "f").touch()
    pack(tree)
    assert pack.names() == ["d/", "d/f"]
    pack(tree, "--as", "x")
    assert pack.names() == ["x/", "x/d/", "x/d/f"]
    pack(tree, "--as", "")
    assert pack.names() == ["./", "d/", "d/f"]
    pack(tree, "--as", ".")
    assert pack.names() == ["./", "./d/", "./d/f"]
    pack(tree, "--name", "d")
    assert pack.names() == ["d/", "d/f"]
    pack(tree / "d", "--name", "f", "--as", "g")
    assert pack.names() == ["g"]


def test_marks_of_overlayfs_become_those_of_a_layer(pack, unpack, tree):
    (tree / "opaque").mkdir()
    (tree / "opaque" / "new").touch()
    os.setxattr(tree / "opaque", "trusted.overlay.opaque", b"y")
    os.setxattr(tree / "opaque", "trusted.overlay.origin", b"secret")
    os.mknod(tree / "gone", 0o20000, 0)
    os.link(tree / "gone", tree / "gone-too")
    pack(tree, "--layer")
    assert pack.names() == [".wh.gone", ".wh.gone-too", "opaque/", "opaque/.wh..wh..opq",
                            "opaque/new"]
    assert b"secret" not in pack.archive.read_bytes()
    unpack(pack.archive.read_bytes())
    assert os.getxattr(unpack.target / "opaque", "trusted.overlay.opaque") == b"y"
    assert os.lstat(unpack.target / "gone-too").st_rdev == 0


def test_a_name_that_would_mean_a_deletion_is_refused_in_a_layer(pack, tree):
    (tree / ".wh.file").touch()
    error = pack.run(tree, "--layer")["error"]
    assert error["kind"] == "invalid" and "'.wh.file' has a name that means a deletion" in error[
        "message"]
    pack(tree)
    assert pack.names() == [".wh.file"]


def test_owners_are_those_inside(pack, tree):
    for name, owner in {"root": 200000, "user": 201000}.items():
        (tree / name).touch()
        os.chown(tree / name, owner, owner)
    os.setxattr(tree / "user", "system.posix_acl_access", ACL.replace(
        bytes.fromhex("e8030000"), (200007).to_bytes(4, "little")))
    pack(tree, "--ids", "0:200000")
    with tarfile.open(pack.archive) as archive:
        assert {member.name: (member.uid, member.gid) for member in archive} == {
            "root": (0, 0), "user": (1000, 1000)}
        value = archive.getmember("user").pax_headers["SCHILY.xattr.system.posix_acl_access"]
        assert (7).to_bytes(4, "little") in value.encode("utf-8", "surrogateescape")
    os.chown(tree / "user", 1, 1)
    assert "has no id in the container" in pack.run(tree, "--ids", "0:200000")["error"]["message"]


def test_sockets_are_left_out_and_told_of(pack, tree):
    os.mknod(tree / "socket", 0o140600)
    (tree / "file").touch()
    assert pack(tree)["warnings"] == ["'socket' is a socket and left out"]
    assert pack.names() == ["file"]


def test_what_is_mounted_below_is_there_only_if_asked_for(pack, tree):
    (tree / "mounted").mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "caytest-pack", tree / "mounted"], check=True)
    try:
        (tree / "mounted" / "file").touch()
        pack(tree)
        assert pack.names() == ["mounted/"]
        pack(tree, "--mounts")
        assert pack.names() == ["mounted/", "mounted/file"]
    finally:
        subprocess.run(["umount", tree / "mounted"], check=True)


def test_what_is_swapped_while_it_is_packed_leads_nowhere(pack, tree, tmp_path):
    outside = pathlib.Path(tmp_path) / "outside"
    outside.mkdir()
    (outside / "secret").write_bytes(b"the host's secret")
    for name in "file", "directory":
        (tree / name).mkdir() if name == "directory" else (tree / name).touch()
    (tree / "directory" / "harmless").write_bytes(b"harmless")
    os.symlink(outside, tree / "z-directory")
    os.symlink(outside / "secret", tree / "z-file")
    with Swapper([tree / "directory", tree / "z-directory", tree / "spare-directory"]), \
            Swapper([tree / "file", tree / "z-file", tree / "spare-file"]):
        for _ in range(40):
            pack(tree)
            data = pack.archive.read_bytes()
            assert b"the host's secret" not in data
            with tarfile.open(pack.archive) as archive:
                assert not [name for name in archive.getnames() if "secret" in name]


def test_a_fifo_or_a_device_in_place_of_a_file_keeps_nobody_waiting(pack, tree):
    (tree / "file").touch()
    os.mkfifo(tree / "z-fifo")
    with Swapper([tree / "file", tree / "z-fifo", tree / "spare"]):
        for _ in range(40):
            pack(tree)
