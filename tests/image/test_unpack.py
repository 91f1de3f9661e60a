# SPDX-License-Identifier: Apache-2.0
"""What a layer says about its files is what is on disk afterwards, to the bit."""

import bz2
import gzip
import hashlib
import io
import lzma
import os
import stat
import struct
import subprocess
import tarfile
import zlib

import pytest

from harness import archives
from harness.archives import archive, directory, hard_link, member, pax, symlink

OPAQUE = "trusted.overlay.opaque"
MEDIA_TYPE = "application/vnd.oci.image.layer.v1.tar"


def sha256(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def zstd(data):
    return subprocess.run(["zstd", "-q", "-c"], input=data, stdout=subprocess.PIPE,
                          check=True).stdout


def is_whiteout(path):
    status = os.lstat(path)
    return stat.S_ISCHR(status.st_mode) and status.st_rdev == 0


COMPRESSIONS = {
    "plain": (lambda data: data, MEDIA_TYPE),
    "gzip": (gzip.compress, MEDIA_TYPE + "+gzip"),
    "zstd": (zstd, MEDIA_TYPE + "+zstd"),
    "xz": (lzma.compress, None),
    "bzip2": (bz2.compress, None),
}


@pytest.mark.parametrize("name", COMPRESSIONS)
def test_each_compression_gives_the_tree_and_both_digests(unpack, name):
    compress, media_type = COMPRESSIONS[name]
    content = bytes(range(256)) * 5000
    data = archive(directory(b"d"), member(b"d/f", content))
    packed = compress(data)

    result = unpack(packed)

    assert result["blobDigest"] == sha256(packed)
    assert result["blobSize"] == len(packed)
    assert result["diffId"] == sha256(data)
    assert result["diffSize"] == len(data)
    assert result["treeSize"] == len(content)
    assert result["entries"] == 2
    assert result.get("mediaType") == media_type
    with open(unpack.path(b"d/f"), "rb") as file:
        assert file.read() == content


@pytest.mark.parametrize("name", ["plain", "gzip", "zstd"])
def test_a_blob_that_oci_can_name_is_kept_as_it_came(unpack, name):
    packed = COMPRESSIONS[name][0](archive(member(b"f", b"x" * 300000)))
    result = unpack(packed, "--blob", str(unpack.blob))
    assert unpack.blob.read_bytes() == packed
    assert result["blobDigest"] == sha256(packed)


@pytest.mark.parametrize("name", ["plain", "xz", "bzip2"])
def test_other_blobs_become_zstd_always_the_same(unpack, name):
    data = archive(member(b"f", os.urandom(100000) * 7))
    options = ["--blob", str(unpack.blob), "--compress"]

    result = unpack(COMPRESSIONS[name][0](data), *options)
    first = unpack.blob.read_bytes()
    unpack(lzma.compress(data), *options)

    assert result["mediaType"] == MEDIA_TYPE + "+zstd"
    assert result["blobDigest"] == sha256(first)
    assert result["blobSize"] == len(first) < len(data) // 4
    assert unpack.blob.read_bytes() == first
    assert subprocess.run(["zstd", "-dc"], input=first, stdout=subprocess.PIPE,
                          check=True).stdout == data


def _gzip_member(data, extra=b""):
    """A member of its own, with an extra field (RFC 1952, 2.3.1.1)."""
    deflate = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS)
    flags, field = (b"\4", struct.pack("<H", len(extra)) + extra) if extra else (b"\0", b"")
    return (b"\x1f\x8b\x08" + flags + bytes(4) + b"\0\xff" + field + deflate.compress(data)
            + deflate.flush() + struct.pack("<II", zlib.crc32(data), len(data)))


def test_an_estargz_layer_is_what_its_members_hold(unpack):
    """Each file is a gzip member, the table of contents a file, and an empty member says where."""
    parts = [directory(b"d"), member(b"d/f", b"f" * 3000), member(b".prefetch.landmark", b"\x0f"),
             member(b"d/g", os.urandom(3000)), member(b"stargz.index.json", b"{}"), archives.END]
    footer = _gzip_member(b"", b"SG" + struct.pack("<H", 22) + b"%016xSTARGZ" % 9000)
    packed = b"".join(map(_gzip_member, parts)) + footer
    result = unpack(packed, "--expect-blob", sha256(packed))
    assert result["diffId"] == sha256(b"".join(parts))
    assert unpack.names() == {b"d", b"d/f", b"d/g", b".prefetch.landmark", b"stargz.index.json"}


def test_a_chunked_zstd_layer_is_what_its_frames_hold(unpack):
    """Each chunk is a frame; behind them, and between, skippable ones describe them."""
    parts = [member(b"f", os.urandom(3000)), member(b"g", bytes(3000)), archives.END]
    table = zstd(b'{"version":1,"entries":[]}')
    skippable = b"\x50\x2a\x4d\x18" + struct.pack("<I", len(table)) + table
    footer = b"\x50\x2a\x4d\x18" + struct.pack("<I", 40) + bytes(32) + b"GNUlInUx"
    packed = skippable.join(map(zstd, parts)) + skippable + skippable + footer
    result = unpack(packed, "--expect-blob", sha256(packed))
    assert result["diffId"] == sha256(b"".join(parts))
    assert result["mediaType"] == MEDIA_TYPE + "+zstd"
    assert unpack.names() == {b"f", b"g"}


def test_gzip_members_and_zstd_frames_follow_each_other(unpack):
    data = archive(member(b"f", bytes(1000) + b"end"))
    result = unpack(gzip.compress(data[:700]) + gzip.compress(data[700:]))
    assert result["diffId"] == sha256(data)
    skippable = b"\x50\x2a\x4d\x18" + struct.pack("<I", 4) + b"skip"
    result = unpack(skippable + zstd(data[:700]) + zstd(data[700:]))
    assert result["diffId"] == sha256(data)


BLOCK = 256 << 10 # what the worker reads, and inflates, at once


def gzip_of_size(data, size):
    """One member, padded to @size bytes by the file name in its header."""
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    body = deflate.compress(data) + deflate.flush()
    body += struct.pack("<II", zlib.crc32(data), len(data))
    header = b"\x1f\x8b\x08\x08" + bytes(6)
    return header + b"n" * (size - len(header) - 1 - len(body)) + b"\0" + body


@pytest.mark.parametrize("beyond", range(14))
def test_a_gzip_member_that_ends_where_both_blocks_end(unpack, beyond):
    """When its output is full, the decoder has read ahead: what it takes back must be there yet."""
    random = BLOCK - 4096
    data = archive(member(b"f", os.urandom(random) + bytes(2 * BLOCK - random - 512 - 1024)))
    assert len(data) == 2 * BLOCK
    packed = gzip_of_size(data, BLOCK + beyond)
    assert len(packed) == BLOCK + beyond and gzip.decompress(packed) == data

    assert unpack(packed)["diffId"] == sha256(data)
    packed += gzip.compress(bytes(100))
    assert unpack(packed)["diffId"] == sha256(data + bytes(100))


def test_padding_behind_an_archive_is_part_of_the_digest(unpack):
    data = archive(member(b"f", b"x")) + bytes(300000)
    result = unpack(data)
    assert result["diffId"] == sha256(data)
    packed = gzip.compress(data) + bytes(100)
    assert unpack(packed)["blobDigest"] == sha256(packed)


def test_an_empty_layer_is_a_layer(unpack):
    assert unpack(bytes(1024))["entries"] == 0
    assert unpack.names() == set()


def test_owner_mode_and_times_survive(unpack):
    unpack(archive(
        pax([(b"mtime", b"1234567890.123456789"), (b"atime", b"987654321.000000001")]),
        member(b"f", b"x", mode=0o6751, uid=1234, gid=4321),
        pax([(b"mtime", b"1111111111.000000007")]), directory(b"d", mode=0o3710, uid=7, gid=8),
        member(b"d/late", b"written after the directory", mode=0),
        pax([(b"mtime", b"-5.5")]), symlink(b"l", b"/nowhere", uid=9, gid=10)))

    status = os.lstat(unpack.path(b"f"))
    assert (stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid) == (0o6751, 1234, 4321)
    assert status.st_mtime_ns == 1234567890123456789
    assert status.st_atime_ns == 987654321000000001
    status = os.lstat(unpack.path(b"d"))
    assert (stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid) == (0o3710, 7, 8)
    assert status.st_mtime_ns == 1111111111000000007
    status = os.lstat(unpack.path(b"d/late"))
    assert (stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid) == (0, 0, 0)
    status = os.lstat(unpack.path(b"l"))
    assert (status.st_uid, status.st_gid) == (9, 10)
    assert os.readlink(unpack.path(b"l")) == b"/nowhere"


def test_owners_beyond_the_octal_field_survive(unpack):
    unpack(archive(pax([(b"uid", b"4294967294"), (b"gid", b"3000000000")]), member(b"f")))
    status = os.lstat(unpack.path(b"f"))
    assert (status.st_uid, status.st_gid) == (4294967294, 3000000000)


def test_names_of_owners_mean_nothing(unpack):
    unpack(archive(member(b"f", uid=77, gid=78, owner=b"daemon")))
    status = os.lstat(unpack.path(b"f"))
    assert (status.st_uid, status.st_gid) == (77, 78)


def test_the_root_takes_its_metadata_from_the_archive(unpack):
    unpack(archive(directory(b"./", mode=0o1710, uid=5, gid=6, mtime=42), member(b"./f")))
    status = os.lstat(unpack.path())
    assert (stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid) == (0o1710, 5, 6)
    assert status.st_mtime == 42


def test_more_directories_than_stay_open_keep_their_times(unpack):
    names = [b"d%d" % i for i in range(50)]
    unpack(archive(*(directory(name, mtime=1000 + i) for i, name in enumerate(names)),
                   *(member(name + b"/f%d" % turn) for turn in range(3) for name in names)))
    for i, name in enumerate(names):
        assert os.lstat(unpack.path(name)).st_mtime == 1000 + i
        assert len(os.listdir(unpack.path(name))) == 3


def test_missing_parents_are_roots(unpack):
    unpack(archive(directory(b"top", mode=0o2777, gid=99), member(b"top/a/b/f", b"x")))
    for name in (b"top/a", b"top/a/b"):
        status = os.lstat(unpack.path(name))
        assert (stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid) == (0o755, 0, 0)


def test_devices_and_fifos_survive(unpack):
    unpack(archive(
        member(b"c", type=b"3", device=(5, 1), mode=0o620, uid=3, gid=5, mtime=7),
        member(b"b", type=b"4", device=(259, 1000), mode=0o660),
        member(b"p", type=b"6", mode=0o4640, uid=1, mtime=8)))
    status = os.lstat(unpack.path(b"c"))
    assert status.st_mode == stat.S_IFCHR | 0o620
    assert (status.st_rdev, status.st_uid, status.st_gid, status.st_mtime) == (
        os.makedev(5, 1), 3, 5, 7)
    status = os.lstat(unpack.path(b"b"))
    assert status.st_mode == stat.S_IFBLK | 0o660 and status.st_rdev == os.makedev(259, 1000)
    status = os.lstat(unpack.path(b"p"))
    assert status.st_mode == stat.S_IFIFO | 0o4640 and status.st_mtime == 8


def test_hard_links_share_one_file_across_directories(unpack):
    result = unpack(archive(directory(b"a"), member(b"a/f", b"shared", mode=0o4755, mtime=3),
                            hard_link(b"b/g", b"a/f"), hard_link(b"./h", b"./a/f"),
                            symlink(b"s", b"a"), hard_link(b"t", b"s")))
    first, second, third = (os.lstat(unpack.path(name)) for name in (b"a/f", b"b/g", b"h"))
    assert first.st_ino == second.st_ino == third.st_ino and first.st_nlink == 3
    assert stat.S_IMODE(first.st_mode) == 0o4755 and first.st_mtime == 3
    assert result["treeSize"] == 6
    assert os.readlink(unpack.path(b"t")) == b"a"


def test_a_set_user_id_file_keeps_its_capabilities_and_attributes(unpack):
    capability = struct.pack("<IIIII", 0x02000001, 1 << 13, 0, 0, 0)
    unpack(archive(
        pax([(b"SCHILY.xattr.security.capability", capability),
             (b"SCHILY.xattr.user.binary", b"\0\n=\xff"),
             (b"LIBARCHIVE.xattr.user.base64", b"aGVsbG8")]),
        member(b"ping", b"x", mode=0o4755, uid=1),
        pax([(b"SCHILY.xattr.user.of-directory", b"yes")]), directory(b"d")))
    path = unpack.path(b"ping")
    assert os.getxattr(path, "security.capability") == capability
    assert os.getxattr(path, "user.binary") == b"\0\n=\xff"
    assert os.getxattr(path, "user.base64") == b"hello"
    assert stat.S_IMODE(os.lstat(path).st_mode) == 0o4755
    assert os.getxattr(unpack.path(b"d"), "user.of-directory") == b"yes"


def test_labels_of_the_hosts_security_module_are_left_out(unpack):
    unpack(archive(pax([(b"SCHILY.xattr.security.selinux", b"system_u:object_r:bin_t:s0\0"),
                        (b"SCHILY.xattr.trusted.mine", b"x")]), member(b"f")))
    assert os.listxattr(unpack.path(b"f")) == []


def acl(*entries):
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)


NOBODY = 0xffffffff
ACCESS = acl((1, 6, NOBODY), (2, 4, 1000), (4, 4, NOBODY), (16, 4, NOBODY), (32, 0, NOBODY))
DEFAULT = acl((1, 7, NOBODY), (4, 5, NOBODY), (8, 6, 2000), (16, 7, NOBODY), (32, 0, NOBODY))


def test_access_control_lists_survive_as_attributes_and_as_text(unpack):
    unpack(archive(
        pax([(b"SCHILY.xattr.system.posix_acl_access", ACCESS)]), member(b"binary", mode=0o640),
        pax([(b"SCHILY.acl.access", b"user::rw-,user:lisa:r--:1000,group::r--,mask::r--,"
                                    b"other::---")]), member(b"text", mode=0o640),
        pax([(b"SCHILY.acl.default", b"user::rwx,group::r-x,group:staff:rw-:2000,mask::rwx,"
                                     b"other::---")]), directory(b"d", mode=0o750)))
    for name in (b"binary", b"text"):
        assert os.getxattr(unpack.path(name), "system.posix_acl_access") == ACCESS
        assert stat.S_IMODE(os.lstat(unpack.path(name)).st_mode) == 0o640
    assert os.getxattr(unpack.path(b"d"), "system.posix_acl_default") == DEFAULT


def test_nothing_inherits_a_default_access_control_list(unpack):
    unpack(archive(
        pax([(b"SCHILY.xattr.system.posix_acl_default", DEFAULT)]), directory(b"d"),
        member(b"d/f", mode=0o604), directory(b"d/e", mode=0o701), member(b"d/implied/f"),
        member(b"d/p", type=b"6", mode=0o602), member(b"d/c", type=b"3", device=(1, 3))))
    for name in (b"f", b"e", b"implied", b"implied/f", b"p", b"c"):
        path = unpack.path(b"d/" + name)
        assert os.listxattr(path, follow_symlinks=False) == [], name
    assert stat.S_IMODE(os.lstat(unpack.path(b"d/f")).st_mode) == 0o604
    assert stat.S_IMODE(os.lstat(unpack.path(b"d/e")).st_mode) == 0o701
    assert stat.S_IMODE(os.lstat(unpack.path(b"d/p")).st_mode) == 0o602


def holes_of(path):
    """[(start, end)] of the data in a file."""
    found = []
    with open(path, "rb") as file:
        end = 0
        size = os.fstat(file.fileno()).st_size
        while end < size:
            try:
                start = os.lseek(file.fileno(), end, os.SEEK_DATA)
            except OSError:
                break
            end = os.lseek(file.fileno(), start, os.SEEK_HOLE)
            found.append((start, end))
    return found


@pytest.mark.parametrize("arguments", [["--format=gnu"], ["--format=pax", "--sparse-version=0.0"],
                                       ["--format=pax", "--sparse-version=0.1"],
                                       ["--format=pax", "--sparse-version=1.0"]])
def test_holes_stay_holes(unpack, arguments):
    source = unpack.directory / "source"
    source.mkdir()
    path = source / "sparse"
    with open(path, "wb") as file:
        file.seek(1 << 20)
        file.write(b"middle" * 1000)
        file.truncate(16 << 20)
    data = subprocess.run(["tar", "-cS", "-C", source, *arguments, "sparse"],
                          stdout=subprocess.PIPE, check=True).stdout
    content = path.read_bytes()
    status = os.stat(path)
    data_before = holes_of(path)
    path.unlink()
    source.rmdir()

    result = unpack(data)

    unpacked = unpack.path(b"sparse")
    with open(unpacked, "rb") as file:
        assert file.read() == content
    assert os.stat(unpacked).st_mtime_ns // 10**9 == status.st_mtime_ns // 10**9
    assert holes_of(unpacked) == data_before
    assert result["treeSize"] == 16 << 20 and result["diffSize"] < 1 << 20


NAMES = [
    b"e\xcc\x81 decomposed", b"\xc3\xa9 composed", b"latin \xe9", b"\xff\xfe\x80 binary",
    b"new\nline", b"back\\slash", b"..three", b".wh", b"\xf0\x9f\x90\x8b",
]
LONG = [b"d" * 120 + b"/" + b"f" * 250, b"\xc3\xa9" * 120, b"e\xcc\x81" * 80]


@pytest.mark.parametrize("name", NAMES)
def test_names_survive_byte_by_byte_in_every_format(unpack, name):
    unpack(archive(
        member(b"old-" + name, magic=bytes(8)), member(b"ustar-" + name),
        member(b"gnu-" + name, magic=b"ustar  \0"), member(b"n" + name, prefix=b"prefix" + name),
        pax([(b"path", b"pax-" + name)]), member(b"replaced"),
        pax([(b"hdrcharset", b"BINARY"), (b"path", b"paxbinary-" + name)]), member(b"replaced"),
        symlink(b"ustar-link", name), pax([(b"linkpath", name)]), symlink(b"pax-link", b"-"),
        hard_link(b"hard-link", b"ustar-" + name)))
    assert unpack.names() == {
        b"old-" + name, b"ustar-" + name, b"gnu-" + name, b"prefix" + name,
        b"prefix" + name + b"/n" + name, b"pax-" + name, b"paxbinary-" + name, b"ustar-link",
        b"pax-link", b"hard-link"}
    assert os.readlink(unpack.path(b"ustar-link")) == name
    assert os.readlink(unpack.path(b"pax-link")) == name


@pytest.mark.parametrize("name", LONG)
def test_long_names_survive_in_both_extensions(unpack, name):
    unpack(archive(
        archives.gnu_long(b"L", b"gnu-" + name), member(b"cut", magic=b"ustar  \0"),
        pax([(b"path", b"pax-" + name)]), member(b"cut"),
        archives.gnu_long(b"K", name), symlink(b"l", b"cut", magic=b"ustar  \0")))
    assert {b"gnu-" + name, b"pax-" + name, b"l"} <= unpack.names()
    assert os.readlink(unpack.path(b"l")) == name


@pytest.mark.parametrize("format", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_what_pythons_tarfile_writes_is_read(unpack, format):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=format) as file:
        info = tarfile.TarInfo("a/b")
        info.size, info.mode, info.mtime = 3, 0o640, 1000
        file.addfile(info, io.BytesIO(b"abc"))
    unpack(buffer.getvalue())
    assert os.lstat(unpack.path(b"a/b")).st_mtime == 1000


def test_later_members_replace_earlier_ones(unpack):
    unpack(archive(
        member(b"f", b"old"), hard_link(b"kept", b"f"), member(b"f", b"new"),
        member(b"file-to-directory", b"x"), directory(b"file-to-directory"),
        member(b"file-to-directory/f"),
        directory(b"directory-to-file/a/b"), member(b"directory-to-file/a/b/c"),
        member(b"directory-to-file", b"y"),
        symlink(b"link-to-directory", b"/etc"), directory(b"link-to-directory"),
        member(b"link-to-directory/inside"),
        directory(b"stays", mode=0o700), member(b"stays/f"), directory(b"stays", mode=0o755),
        symlink(b"link-to-file", b"kept"), member(b"link-to-file", b"own")))
    assert open(unpack.path(b"f"), "rb").read() == b"new"
    assert open(unpack.path(b"kept"), "rb").read() == b"old"
    assert open(unpack.path(b"directory-to-file"), "rb").read() == b"y"
    assert open(unpack.path(b"link-to-file"), "rb").read() == b"own"
    assert os.listdir(unpack.path(b"link-to-directory")) == [b"inside"]
    assert os.listdir(unpack.path(b"stays")) == [b"f"]
    assert stat.S_IMODE(os.lstat(unpack.path(b"stays")).st_mode) == 0o755


def test_whiteouts_become_overlayfs_marks(unpack):
    unpack(archive(directory(b"d", mtime=5), member(b"d/.wh.gone"), member(b".wh.\xff"),
                   directory(b"o", mtime=6), member(b"o/.wh..wh..opq"), member(b"o/new"),
                   member(b"implied/.wh.x")))
    assert unpack.names() == {b"d", b"d/gone", b"\xff", b"o", b"o/new", b"implied", b"implied/x"}
    for name in (b"d/gone", b"\xff", b"implied/x"):
        assert is_whiteout(unpack.path(name))
    assert os.getxattr(unpack.path(b"o"), OPAQUE) == b"y"
    assert OPAQUE not in os.listxattr(unpack.path(b"d"))
    assert os.lstat(unpack.path(b"d")).st_mtime == 5
    assert os.lstat(unpack.path(b"o")).st_mtime == 6


@pytest.mark.parametrize("first", [True, False])
def test_a_whiteout_hides_lower_layers_and_not_its_own(unpack, first):
    whiteouts = [member(b".wh.d"), member(b".wh.f"), member(b".wh.i")]
    others = [directory(b"d"), member(b"d/own"), member(b"f", b"own"), member(b"i/own")]
    unpack(archive(*(whiteouts + others if first else others + whiteouts)))
    assert unpack.names() == {b"d", b"d/own", b"f", b"i", b"i/own"}
    assert os.getxattr(unpack.path(b"d"), OPAQUE) == b"y"
    assert os.getxattr(unpack.path(b"i"), OPAQUE) == b"y"
    assert open(unpack.path(b"f"), "rb").read() == b"own"


def test_the_bookkeeping_of_aufs_is_skipped(unpack):
    unpack(archive(directory(b".wh..wh.plnk"), member(b".wh..wh.plnk/123.456", b"x"),
                   member(b".wh..wh.aufs"), member(b"d/.wh..wh.orph")))
    assert unpack.names() == {b"d"}


def test_in_a_root_file_system_whiteouts_are_ordinary_files(unpack):
    unpack(archive(member(b".wh.f", b"x"), member(b"d/.wh..wh..opq", b"y")), "--rootfs")
    assert unpack.names() == {b".wh.f", b"d", b"d/.wh..wh..opq"}
    assert open(unpack.path(b".wh.f"), "rb").read() == b"x"
    assert os.listxattr(unpack.path(b"d")) == []


def test_an_outer_archive_becomes_numbered_files(unpack):
    entries = unpack.ingest(gzip.compress(archive(
        directory(b"blobs"), member(b"./blobs/one", b"1" * 1000), member(b"manifest.json", b"{}"),
        symlink(b"layer.tar", b"../x/layer.tar"), hard_link(b"again", b"blobs/one"))))
    assert entries == [
        {"path": "blobs/one", "file": "0", "size": 1000},
        {"path": "manifest.json", "file": "1", "size": 2},
        {"path": "layer.tar", "link": "../x/layer.tar"},
        {"path": "again", "link": "blobs/one", "isHardLink": True}]
    assert unpack.names() == {b"0", b"1"}
    assert stat.S_IMODE(os.lstat(unpack.path(b"0")).st_mode) == 0o600


def test_a_sparse_member_of_an_outer_archive_keeps_its_size(unpack):
    content = bytes(1000) + b"x" * 24 + bytes(5000)
    data = archive(pax([(b"GNU.sparse.size", b"6024"), (b"GNU.sparse.numblocks", b"1"),
                        (b"GNU.sparse.offset", b"1000"), (b"GNU.sparse.numbytes", b"24")]),
                   member(b"sparse", b"x" * 24))
    assert unpack.ingest(data)[0]["size"] == len(content)
    assert open(unpack.path(b"0"), "rb").read() == content


@pytest.mark.parametrize("parent", [
    b"", directory(b"d", gid=7), directory(b"d", gid=7, mode=0o2755), directory(b"d", uid=7),
    pax([(b"SCHILY.acl.default", b"user::rwx,group::---,other::---")]) + directory(b"d"),
])
def test_owner_and_mode_are_the_files_own_in_any_directory(unpack, parent):
    wanted = {b"d/%d" % number: (mode, uid, gid) for number, (mode, uid, gid) in enumerate(
        (mode, uid, gid) for mode in (0, 0o666, 0o4755, 0o2711, 0o1777)
        for uid, gid in ((0, 0), (0, 9), (9, 0)))}
    unpack(archive(parent, *(member(name, b"x", mode=mode, uid=uid, gid=gid)
                             for name, (mode, uid, gid) in wanted.items())))
    for name, (mode, uid, gid) in wanted.items():
        status = os.lstat(unpack.path(name))
        assert (stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid) == (mode, uid, gid)
        assert not os.listxattr(unpack.path(name))
