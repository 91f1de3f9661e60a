# SPDX-License-Identifier: Apache-2.0
"""Archives made to escape, to lie or to exhaust: each is refused, by name, and nothing is written
beside the target."""

import bz2
import gzip
import hashlib
import lzma
import os
import signal
import struct
import subprocess

import pytest

from harness import archives
from harness.archives import END, archive, directory, hard_link, member, pax, symlink

MEBIBYTE = 1 << 20


def sha256(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def zstd(data, *options):
    return subprocess.run(["zstd", "-q", "-c", *options], input=data, stdout=subprocess.PIPE,
                          check=True).stdout


ESCAPING_NAMES = [b"../x", b"a/../../x", b"a/../x", b"..", b"a/..", b"./../x", b"/x", b"//x",
                  b"/../x"]


@pytest.mark.parametrize("name", ESCAPING_NAMES)
@pytest.mark.parametrize("make", [
    member, directory, lambda name: symlink(name, b"t"), lambda name: hard_link(name, b"first"),
    lambda name: member(name, type=b"6"), lambda name: member(name, type=b"3", device=(1, 3)),
    lambda name: pax([(b"path", name)]) + member(b"innocent"),
    lambda name: archives.gnu_long(b"L", name) + member(b"innocent", magic=b"ustar  \0"),
    lambda name: member(name + b"/.wh.x"),
])
def test_a_name_that_could_leave_is_refused(unpack, name, make):
    kind, message = unpack.fails(archive(member(b"first"), make(name)))
    assert kind == "invalid"
    assert "'" in message and ("'..'" in message or "absolute" in message)
    assert unpack.names() == {b"first"}


def test_an_entry_without_a_name_is_refused(unpack):
    kind, message = unpack.fails(archive(pax([(b"path", b"")]), member(b"")))
    assert kind == "invalid" and "empty name" in message


@pytest.mark.parametrize("target", [b"..", b"/", b"/etc", b"inside", b"dangling", b"../outside"])
@pytest.mark.parametrize("inner", [
    member(b"link/x"), directory(b"link/x"), symlink(b"link/x", b"t"), member(b"link/a/b/x"),
    hard_link(b"link/x", b"inside/f"), member(b"link/.wh.x"), member(b"link/.wh..wh..opq"),
    member(b"link/x", type=b"3", device=(1, 3)), member(b"./link/./x"),
])
def test_nothing_goes_through_a_symlink(unpack, target, inner):
    data = archive(directory(b"inside"), member(b"inside/f", b"f"), symlink(b"link", target), inner)
    kind, message = unpack.fails(data)
    assert kind == "invalid"
    assert "'link" in message and "symbolic link" in message
    assert unpack.names() == {b"inside", b"inside/f", b"link"}
    assert os.listxattr(unpack.path(b"inside")) == []


def test_nothing_goes_through_a_symlink_in_the_middle(unpack):
    kind, message = unpack.fails(archive(directory(b"a"), symlink(b"a/link", b".."),
                                         member(b"a/link/a/x")))
    assert kind == "invalid" and "symbolic link" in message
    assert unpack.names() == {b"a", b"a/link"}


def test_a_directory_that_became_a_symlink_is_not_entered(unpack):
    """The handle of the directory is still open when a symlink replaces it."""
    kind, _ = unpack.fails(archive(directory(b"d"), member(b"d/f"), symlink(b"d", b"/etc"),
                                   member(b"d/x")))
    assert kind == "invalid"
    assert unpack.names() == {b"d"}


def test_writing_to_a_symlink_replaces_it(unpack):
    outside = unpack.directory / "blob"
    outside.write_bytes(b"precious")
    unpack(archive(symlink(b"f", os.fsencode(outside)), member(b"f", b"mine"),
                   symlink(b"m", os.fsencode(outside)), member(b"m", type=b"6", mode=0o600)))
    assert outside.read_bytes() == b"precious"
    assert open(unpack.path(b"f"), "rb").read() == b"mine"


def test_writing_to_a_hard_linked_name_leaves_the_other_name_alone(unpack):
    unpack(archive(member(b"a", b"first"), hard_link(b"b", b"a"), member(b"b", b"second")))
    assert open(unpack.path(b"a"), "rb").read() == b"first"


@pytest.mark.parametrize("target,reason", [
    (b"../x", "'..'"), (b"/etc/passwd", "absolute"), (b"missing", "not brought"),
    (b"missing/x", "not brought"), (b"out/passwd", "symbolic link"),
    (b"in/f", "symbolic link"), (b"d", "cannot be linked"), (b"gone", "not brought"),
    (b"bad", "itself"), (b"d/f/x", "not a directory"),
])
def test_a_hard_link_reaches_only_files_of_its_own_layer(unpack, target, reason):
    data = archive(directory(b"d"), member(b"d/f", b"f"), symlink(b"out", b"/etc"),
                   symlink(b"in", b"d"), member(b".wh.gone"), hard_link(b"bad", target))
    kind, message = unpack.fails(data)
    assert kind == "invalid" and "'bad'" in message and reason in message
    assert b"bad" not in unpack.names()


def test_a_file_is_not_entered_as_a_directory(unpack):
    kind, message = unpack.fails(archive(member(b"f", b"x"), member(b"f/g")))
    assert kind == "invalid" and "'f'" in message and "not a directory" in message


def test_the_root_cannot_be_replaced(unpack):
    for make in (member, lambda name: symlink(name, b"/etc"), lambda name: hard_link(name, b"f")):
        kind, message = unpack.fails(archive(member(b"f"), make(b".")))
        assert kind == "invalid" and "root" in message


@pytest.mark.parametrize("name", [b".wh.", b".wh..", b".wh...", b"d/.wh..."])
def test_a_whiteout_of_no_file_is_refused(unpack, name):
    kind, message = unpack.fails(archive(directory(b"d"), member(name)))
    assert kind == "invalid" and "whiteout of no file" in message
    assert unpack.names() <= {b"d"}


def test_nothing_lies_below_a_whiteout(unpack):
    kind, message = unpack.fails(archive(member(b"d/.wh.x/f")))
    assert kind == "invalid" and "below a whiteout" in message


@pytest.mark.parametrize("name", [
    b"trusted.overlay.opaque", b"trusted.overlay.redirect", b"trusted.overlay.metacopy",
    b"trusted.overlay.overlay.opaque", b"user.overlay.opaque", b"user.overlay.redirect",
])
@pytest.mark.parametrize("options", [[], ["--rootfs"]])
def test_overlayfs_attributes_are_never_taken_from_an_archive(unpack, name, options):
    records = [(b"SCHILY.xattr." + name, b"y")]
    kind, message = unpack.fails(archive(pax(records), directory(b"d")), *options)
    assert kind == "invalid" and "'d'" in message and name.decode() in message
    kind, _ = unpack.fails(archive(pax([(b"LIBARCHIVE.xattr." + name, b"eQ")]), directory(b"d")),
                           *options)
    assert kind == "invalid"
    assert unpack.names() == set()


def test_a_device_that_overlayfs_takes_for_a_whiteout_is_refused(unpack):
    for options in ([], ["--rootfs"]):
        kind, message = unpack.fails(archive(member(b"c", type=b"3", device=(0, 0))), *options)
        assert kind == "invalid" and "'c'" in message and "0:0" in message


def test_device_numbers_that_would_be_cut_are_refused(unpack):
    for device in ((4096, 0), (0, 1 << 20)):
        kind, message = unpack.fails(archive(member(b"c", type=b"3", device=device)))
        assert kind == "invalid" and "out of range" in message


@pytest.mark.parametrize("uid", [b"4294967295", b"4294967296", b"-1", b"99999999999999999999"])
def test_an_owner_that_is_no_user_number_is_refused(unpack, uid):
    kind, message = unpack.fails(archive(pax([(b"uid", uid)]), member(b"f")))
    assert kind == "invalid" and "owner" in message


def test_kinds_that_tar_does_not_define_for_layers_are_refused(unpack):
    kind, message = unpack.fails(archive(member(b"part", b"x", type=b"M")))
    assert kind == "invalid" and "'part'" in message and "kind" in message


@pytest.mark.parametrize("name", [b"x" * 256, b"d/" * 2047 + b"x/x", b"d/" * 257 + b"x",
                                  b"e" * 255 + b"/" + b"f" * 256])
def test_names_beyond_the_limits_are_refused(unpack, name):
    kind, message = unpack.fails(archive(pax([(b"path", name)]), member(b"short")))
    assert kind in ("invalid", "exhausted")
    assert len(message) < 400 and ("longer" in message or "deeper" in message)
    assert unpack.names() == set()


def test_names_at_the_limits_work(unpack):
    deep = b"/".join([b"d" * 14] * 256)
    unpack(archive(pax([(b"path", deep)]), member(b"short"), member(b"d" * 14, b"replaces all")))
    assert unpack.names() == {b"d" * 14}


def test_a_symlink_target_beyond_the_limit_is_refused(unpack):
    kind, message = unpack.fails(archive(pax([(b"linkpath", b"t" * 4096)]), symlink(b"l", b"t")))
    assert kind == "invalid" and "'l'" in message


def test_messages_carry_no_control_characters(unpack):
    _, message = unpack.fails(archive(member(b"../\x1b[2J\n\xff")))
    assert "\\x1b[2J\\x0a\\xff" in message


BOMB = archive(member(b"zeros", bytes(64 * MEBIBYTE)))
RATIO = ["--limit", f"floor={MEBIBYTE}", "--limit", "ratio=100"]


@pytest.mark.parametrize("compress", [gzip.compress, zstd, lzma.compress, bz2.compress])
def test_a_decompression_bomb_is_stopped(unpack, compress):
    kind, message = unpack.fails(compress(BOMB), *RATIO)
    assert kind == "exhausted" and "bomb" in message
    assert os.lstat(unpack.path(b"zeros")).st_size < 48 * MEBIBYTE


def test_a_bomb_behind_the_end_of_the_archive_is_stopped(unpack):
    kind, message = unpack.fails(zstd(archive(member(b"f")) + bytes(64 * MEBIBYTE)), *RATIO)
    assert kind == "exhausted" and "bomb" in message


def test_what_is_small_may_compress_well(unpack):
    unpack(zstd(archive(member(b"zeros", bytes(MEBIBYTE // 2)))), *RATIO)


@pytest.mark.parametrize("arguments", [[], ["--ingest"]])
def test_limits_on_bytes_and_entries_hold(unpack, arguments):
    many = archive(*(member(b"f%d" % i, b"x") for i in range(10)))
    kind, message = unpack.fails(many, "--limit", "entries=9", *arguments)
    assert kind == "exhausted" and "9 entries" in message
    unpack.clear()
    unpack(many, "--limit", "entries=10")

    big = archive(member(b"big", bytes(MEBIBYTE)))
    unpack.clear()
    kind, message = unpack.fails(big, "--limit", f"bytes={MEBIBYTE}", *arguments)
    assert kind == "exhausted" and "limit" in message


def test_a_sparse_bomb_is_stopped(unpack):
    data = archive(pax([(b"GNU.sparse.size", b"1000000000000"), (b"GNU.sparse.numblocks", b"1"),
                        (b"GNU.sparse.offset", b"0"), (b"GNU.sparse.numbytes", b"1")]),
                   member(b"huge", b"x"))
    kind, message = unpack.fails(data)
    assert kind == "exhausted" and "'huge'" in message
    many = archive(*(pax([(b"GNU.sparse.size", b"400000"), (b"GNU.sparse.numblocks", b"1"),
                          (b"GNU.sparse.offset", b"0"), (b"GNU.sparse.numbytes", b"1")])
                     + member(b"s%d" % i, b"x") for i in range(3)))
    kind, message = unpack.fails(many, "--limit", f"bytes={MEBIBYTE}")
    assert kind == "exhausted" and "'s2'" in message


@pytest.mark.parametrize("offset,count,size", [(900, 200, 1000), (5000, 100, 1000)])
def test_content_outside_of_a_files_size_is_refused(unpack, offset, count, size):
    data = archive(pax([(b"GNU.sparse.size", b"%d" % size), (b"GNU.sparse.numblocks", b"1"),
                        (b"GNU.sparse.offset", b"%d" % offset),
                        (b"GNU.sparse.numbytes", b"%d" % count)]), member(b"f", b"x" * count))
    kind, _ = unpack.fails(data)
    assert kind == "corrupt"


def test_too_many_attributes_are_refused(unpack):
    data = archive(pax([(b"SCHILY.xattr.user.a", b"x" * 3000)]), member(b"f"))
    unpack(data, "--limit", "xattrs=4000")
    kind, message = unpack.fails(data, "--limit", "xattrs=2000")
    assert kind == "exhausted" and "'f'" in message


SMALL = archive(directory(b"d"), member(b"d/f", os.urandom(3000)),
                pax([(b"path", b"d/" + b"n" * 200)]), member(b"short", os.urandom(700)),
                symlink(b"l", b"d"))
# What follows the first byte of the end marker's second block may be cut without any loss.
CUTS = sorted({0, 1, 100, 511, 512, 513, 1023, 1024, 1500, 4000, 4608, 5000, 5119, 5120, 5632,
               6000, 6143, 6144, len(SMALL) - 1024, len(SMALL) - 1023, len(SMALL) - 512,
               len(SMALL) - 1})


@pytest.mark.parametrize("cut", CUTS)
def test_a_plain_archive_that_is_cut_short_is_corrupt(unpack, cut):
    kind, message = unpack.fails(SMALL[:cut])
    assert kind == "corrupt" and "cut short" in message


@pytest.mark.parametrize("compress", [gzip.compress, zstd, lzma.compress, bz2.compress])
def test_a_compressed_archive_that_is_cut_short_is_corrupt(unpack, compress):
    packed = compress(SMALL)
    step = max(1, len(packed) // 23)
    for cut in sorted({*range(20, len(packed), step), *range(len(packed) - 9, len(packed))}):
        kind, message = unpack.fails(packed[:cut])
        assert kind == "corrupt" and "cut short" in message, cut


BLOBS = [[], ["--blob", "BLOB"], ["--blob", "BLOB", "--compress"]]
LONG = archive(*(member(b"f%d" % i, os.urandom(100_000)) for i in range(20)))


@pytest.mark.parametrize("compress", [bytes, gzip.compress, zstd])
@pytest.mark.parametrize("options", BLOBS)
def test_a_long_archive_is_cut_short_where_it_ends(unpack, compress, options):
    """Long enough for the threads of a worker: what came before is there."""
    packed = compress(LONG)
    arguments = [word.replace("BLOB", str(unpack.blob)) for word in options]
    for tenths in 3, 9:
        unpack.clear()
        kind, message = unpack.fails(packed[:len(packed) * tenths // 10], *arguments)
        assert kind == "corrupt" and "cut short" in message
        assert b"f1" in unpack.names()


@pytest.mark.parametrize("options", BLOBS)
def test_an_entry_that_is_refused_stops_a_long_archive(unpack, options):
    arguments = [word.replace("BLOB", str(unpack.blob)) for word in options]
    kind, message = unpack.fails(LONG[:-len(END)] + archive(member(b"../x")) + LONG, *arguments)
    assert kind == "invalid" and "'..'" in message
    assert len(unpack.names()) == 20


def test_an_archive_cut_between_members_is_complete_when_its_digest_says_so(unpack):
    data = archive(member(b"f", b"x"))[:-len(END)]
    assert unpack.fails(data)[0] == "corrupt"
    assert unpack(data, "--expect-diff-id", sha256(data))["entries"] == 1


@pytest.mark.parametrize("compress", [gzip.compress, zstd, lzma.compress, bz2.compress])
def test_flipped_bits_of_compressed_data_are_noticed(unpack, compress):
    """Where the format has a checksum; what no checksum covers is for the digest."""
    if compress is zstd:
        packed = bytearray(zstd(SMALL, "--check"))
    else:
        packed = bytearray(compress(SMALL))
    start = 20
    step = max(1, (len(packed) - start) // 29)
    # Some bits mean nothing: in the last byte of gzip's compressed data, which its checksum and
    # size follow, and in bzip2's very last.
    padding = {len(packed) - 1, len(packed) - 9 if compress is gzip.compress else None}
    for position in set(range(start, len(packed), step)) - padding:
        packed[position] ^= 0x10
        kind, _ = unpack.fails(bytes(packed))
        assert kind in ("corrupt", "exhausted", "invalid"), position
        packed[position] ^= 0x10


def test_flipped_bits_of_a_header_are_noticed(unpack):
    for position in (0, 100, 124, 136, 148, 157, 260, 345):
        data = bytearray(SMALL)
        data[512 + position] ^= 1
        assert unpack.fails(bytes(data))[0] == "corrupt", position


@pytest.mark.parametrize("compress", [bytes, gzip.compress, zstd, lzma.compress])
def test_a_digest_that_does_not_match_is_corrupt(unpack, compress):
    packed = compress(SMALL)
    wrong = sha256(b"something else")
    for option, right in (("--expect-blob", sha256(packed)), ("--expect-diff-id", sha256(SMALL))):
        unpack(packed, option, right)
        kind, message = unpack.fails(packed, option, wrong)
        assert kind == "corrupt" and right in message and wrong in message


def test_the_digest_of_the_input_counts_when_the_blob_is_made_anew(unpack):
    packed = lzma.compress(SMALL)
    options = ["--blob", str(unpack.blob), "--expect-blob"]
    unpack(packed, *options, sha256(packed))
    assert unpack.fails(packed, *options, sha256(SMALL))[0] == "corrupt"


def test_bytes_behind_the_end_are_refused_and_zeros_are_not(unpack):
    kind, message = unpack.fails(SMALL + bytes(5000) + b"x")
    assert kind == "corrupt" and "after its end" in message
    for compress in (gzip.compress, lzma.compress, bz2.compress, zstd):
        assert unpack.fails(compress(SMALL) + b"garbage garbage")[0] == "corrupt"
    unpack(gzip.compress(SMALL) + bytes(1000))


def test_what_was_compressed_twice_is_not_a_layer(unpack):
    for first in (gzip.compress, zstd, lzma.compress):
        for second in (gzip.compress, zstd, lzma.compress):
            assert unpack.fails(second(first(SMALL)))[0] == "corrupt"


@pytest.mark.parametrize("data", [b"not an archive at all" * 100, b"PK\x03\x04" + bytes(2000),
                                  b"!<arch>\n" + b"debian-binary   " * 40,
                                  b"070701" + b"0" * 1000, b"\x1f\x8b\x08" + b"junk" * 200])
def test_other_formats_are_not_layers(unpack, data):
    assert unpack.fails(data)[0] == "corrupt"


def test_malformed_extended_headers_are_refused(unpack):
    for body in (b"12 path", b"999 path=x\n", b"x path=y\n", b"9 pathxyz\n", b"0 a=b\n"):
        kind, _ = unpack.fails(archive(member(b"pax", body, type=b"x"), member(b"f")))
        assert kind == "corrupt", body


def test_a_header_that_asks_for_gigabytes_is_refused(unpack):
    for type in (b"x", b"L", b"K", b"g"):
        data = member(b"pax", type=type, size=0o7777777777) + bytes(4096)
        assert unpack.fails(data)[0] in ("corrupt", "exhausted")


def test_compressed_data_that_wants_too_much_memory_is_refused(unpack):
    """A zstd frame with a window of 2 GiB: magic, descriptor, window, one raw block."""
    frame = b"\x28\xb5\x2f\xfd" + b"\x00" + bytes([(31 - 10) << 3]) + struct.pack("<I", 1)[:3]
    assert unpack.fails(frame + bytes(1000))[0] in ("corrupt", "exhausted")


@pytest.mark.parametrize("second", [member(b"f", b"two"), member(b"./f"), hard_link(b"f", b"g"),
                                    symlink(b"f//", b"g")])
def test_an_outer_archive_that_says_two_things_is_refused(unpack, second):
    kind, message = unpack.fails(archive(member(b"f", b"one"), second), "--ingest")
    assert kind == "invalid" and "'f'" in message and "twice" in message


@pytest.mark.parametrize("entry", [
    member(b"../x"), member(b"/x"), member(b"x", type=b"6"), member(b"x", type=b"3", device=(1, 3)),
    member(b"\xff"), member(b"a\nb"), symlink(b"x", b"\x1b"), member(b"."),
])
def test_an_outer_archive_holds_only_what_image_archives_hold(unpack, entry):
    kind, _ = unpack.fails(archive(member(b"first"), entry), "--ingest")
    assert kind == "invalid"
    assert unpack.names() == {b"0"}


def test_members_of_an_outer_archive_never_keep_their_names(unpack):
    unpack.ingest(archive(member(b"a/b/c", b"1"), symlink(b"0", b"/etc/passwd"), member(b"2")))
    assert unpack.names() == {b"0", b"2"}
    assert open(unpack.path(b"0"), "rb").read() == b"1"


def test_a_list_of_members_that_fits_no_reply_is_refused(unpack):
    data = archive(*(symlink(b"%d" % i, b"t") for i in range(65537)))
    kind, message = unpack.fails(data, "--ingest")
    assert kind == "exhausted" and "more members" in message


def test_no_space_is_told_as_that(unpack, tmp_path):
    """On a file system of one megabyte."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", unpack.target], check=True)
    try:
        kind, message = unpack.fails(archive(member(b"f", bytes(4 * MEBIBYTE))))
        assert kind == "exhausted" and "no space left" in message and "'f'" in message
    finally:
        subprocess.run(["umount", unpack.target], check=True)


def test_no_space_for_the_blob_is_told_as_that(unpack):
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", unpack.target], check=True)
    try:
        blob = ["--blob", os.path.join(unpack.target, "blob")]
        for options in (blob, [*blob, "--compress"]):
            kind, message = unpack.fails(archive(member(b"d/f", os.urandom(4 * MEBIBYTE))),
                                         *options, "--limit", "bytes=4000000000")
            assert kind == "exhausted" and "no space left" in message
    finally:
        subprocess.run(["umount", unpack.target], check=True)


def test_a_missing_worker_is_told_by_its_name(unpack):
    unpack.environment["CAY_LIBEXEC"] = "/nonexistent"
    kind, message = unpack.fails(SMALL)
    assert kind == "unavailable" and "'/nonexistent/cay-image'" in message


def _replace_worker(unpack, script):
    worker = unpack.directory / "blob"
    worker.mkdir()
    (worker / "cay-image").write_text("#!/bin/sh\n" + script + "\n")
    (worker / "cay-image").chmod(0o755)
    unpack.environment["CAY_LIBEXEC"] = str(worker)


@pytest.mark.parametrize("script,expected", [
    ("exit 3", "code 3"), (f"kill -{int(signal.SIGKILL)} $$", "signal 9"),
    (f"kill -{int(signal.SIGSYS)} $$", "forbidden system call"),
    ("echo nonsense >&3", "no sense"), ("echo '{}' >&3", "no sense"),
    ("head -c 70000000 /dev/zero >&3", "reply"),
    ("""echo '{"unpacked":{"blobDigest":"sha256:x","blobSize":0,"diffId":"","diffSize":0,"""
     """"treeSize":0,"entries":0}}' >&3""", "no sense"),
])
def test_a_worker_that_fails_or_lies_is_an_error(unpack, script, expected):
    _replace_worker(unpack, script)
    _, message = unpack.fails(SMALL)
    assert expected in message


@pytest.mark.parametrize("entry", [
    '{"path":"x","file":"../x","size":1}',
    '{"path":"x","file":"","size":1}',
    '{"path":"x","file":"1","size":-1}',
    '{"path":"x","file":"1","link":"y","size":1}',
    '{"path":"x"}',
])
def test_a_worker_cannot_name_files_of_its_choice(unpack, entry):
    _replace_worker(unpack, """echo '{"ingested":{"entries":[%s]}}' >&3""" % entry)
    kind, message = unpack.fails(SMALL, "--ingest")
    assert kind == "unavailable" and "no sense" in message


@pytest.mark.parametrize("arguments", [[], ["--help"], ["{}"], ["unpack", "{}"]])
def test_the_worker_refuses_to_be_run_by_hand(build, arguments):
    result = subprocess.run([build / "cay-image", *arguments], capture_output=True, check=False)
    assert result.returncode == 2 and result.stdout == b""
    assert result.stderr.startswith(b"cay-image: not a command: ")
    assert result.stderr.count(b"\n") == 1
