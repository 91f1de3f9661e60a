# SPDX-License-Identifier: Apache-2.0
"""Trees of files that are hard to keep exactly, and somebody who changes one all the time."""

import os
import threading

# A v2 capability of cap_net_raw, as `setcap cap_net_raw+ep` writes it.
CAPABILITY = bytes.fromhex("0100000200200000000000000000000000000000")
ACL = bytes.fromhex("02000000"            # version
                    "01000700ffffffff"    # user::rwx
                    "02000400e8030000"    # user:1000:r--
                    "04000500ffffffff"    # group::r-x
                    "10000500ffffffff"    # mask::r-x
                    "20000500ffffffff")   # other::r-x

ODD_NAME = os.fsdecode(b"odd \xff\n=\\name")


def _sparse(path, parts, size):
    with open(path, "wb") as file:
        for offset, data in parts:
            file.seek(offset)
            file.write(data)
        file.truncate(size)
        os.fsync(file.fileno())


def fill(tree):
    """One of everything that a file system can hold."""
    (tree / "directory").mkdir(mode=0o2750)
    (tree / "empty").mkdir()
    (tree / "directory" / "file").write_bytes(b"content\n" * 1000)
    (tree / "directory" / ("long-" * 50)).write_bytes(b"x")
    deep = tree.joinpath(*["d" * 60] * 5)
    deep.mkdir(parents=True)
    (deep / "file").write_bytes(b"deep")
    os.symlink("l" * 300, tree / "long-link")
    os.symlink("/etc/passwd", tree / "link")
    os.link(tree / "link", tree / "link-again", follow_symlinks=False)
    os.link(tree / "directory" / "file", tree / "again")
    os.link(tree / "directory" / "file", tree / "zzz")
    os.mkfifo(tree / "fifo", 0o640)
    os.mknod(tree / "device", 0o20640, os.makedev(1, 3))
    os.mknod(tree / "block", 0o60640, os.makedev(4000, 1000000))
    _sparse(tree / "sparse", [(1 << 20, b"middle"), (3 << 20, b"more")], 8 << 20)
    _sparse(tree / "hole", [], 1 << 20)
    _sparse(tree / "sparse-end", [((1 << 20) - 4096, b"e" * 4096)], 1 << 20)
    (tree / ODD_NAME).write_bytes(b"")
    (tree / "ünicode").write_bytes(b"")
    (tree / "setuid").write_bytes(b"#!/bin/sh\n")
    os.chown(tree / "setuid", 1000, 4000000000)
    os.chown(tree / "link", 65534, 3000000, follow_symlinks=False)
    os.chmod(tree / "setuid", 0o6755)
    os.setxattr(tree / "setuid", "security.capability", CAPABILITY)
    os.setxattr(tree / "directory", "system.posix_acl_access", ACL)
    os.setxattr(tree / "directory", "user.empty", b"")
    os.setxattr(tree / "directory" / "file", "user.binary", bytes(range(256)) * 4)
    os.setxattr(tree / "directory" / "file", "user.another", b"line\n12 a=b\n")
    times = {"setuid": -2_000_000_000, "again": 123_456_789_012_345_678, "fifo": 5_000_000_000,
             "link": 999_999_999_999_999_999, "directory": 1, "ünicode": 8_589_934_592_000_000_001}
    for name, time in times.items():
        os.utime(tree / name, ns=(time, time), follow_symlinks=False)


class Swapper(threading.Thread):
    """Makes a name mean one thing and then another, as long as it is told to."""

    def __init__(self, names):
        super().__init__()
        self.names = names
        self.goes_on = True

    def run(self):
        first, second, spare = self.names
        while self.goes_on:
            os.rename(first, spare)
            os.rename(second, first)
            os.rename(spare, second)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.goes_on = False
        self.join()
