# SPDX-License-Identifier: Apache-2.0
"""The archive that the kernel unpacks as its first root: cpio, in its "newc" form.

The kernel's Documentation/driver-api/early-userspace/buffer-format.rst describes it.
"""

import stat


def _padded(data):
    return data + bytes(-len(data) % 4)


def _member(number, name, mode, data=b""):
    """A header of fourteen hexadecimal numbers, the name, and the content."""
    fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0)
    header = b"070701" + b"".join(b"%08X" % field for field in fields)
    return _padded(header + name.encode() + b"\0") + _padded(data)


def archive(directories, files):
    """The bytes of an archive of @directories and of @files, {path: (mode, bytes)}."""
    members = [(path, stat.S_IFDIR | 0o755, b"") for path in directories]
    members += [(path, stat.S_IFREG | mode, data) for path, (mode, data) in files.items()]
    return b"".join(_member(number, *member) for number, member in enumerate(members, 1)) \
        + _member(0, "TRAILER!!!", 0)
