# SPDX-License-Identifier: Apache-2.0
"""Tar archives byte by byte: what no honest tool writes can be written here.

Names are bytes. A member is made of header and content; join members and END to an archive.
"""

BLOCK = 512
END = bytes(2 * BLOCK)


def _padded(data):
    return data + bytes(-len(data) % BLOCK)


def _octal(value, width):
    return b"%0*o" % (width - 1, value) + b"\0"


def member(name, data=b"", *, type=b"0", mode=0o644, uid=0, gid=0, mtime=0, link=b"", size=None,
           device=(0, 0), prefix=b"", owner=b"", magic=b"ustar\x0000"):
    """A header of the ustar format, with its checksum, and the content behind it."""
    assert len(name) <= 100 and len(link) <= 100 and len(prefix) <= 155
    fields = (
        name.ljust(100, b"\0") + _octal(mode, 8) + _octal(uid, 8) + _octal(gid, 8)
        + _octal(len(data) if size is None else size, 12) + _octal(mtime, 12) + b" " * 8 + type
        + link.ljust(100, b"\0") + magic + owner.ljust(32, b"\0") + owner.ljust(32, b"\0")
        + _octal(device[0], 8) + _octal(device[1], 8) + prefix.ljust(155, b"\0"))
    header = fields.ljust(BLOCK, b"\0")
    checksum = b"%06o\0 " % sum(header)
    return header[:148] + checksum + header[156:] + _padded(data)


def pax(records, *, type=b"x"):
    """An extended header for the member that follows."""
    body = b""
    for key, value in records:
        rest = b" " + key + b"=" + value + b"\n"
        length = len(rest) + len(b"%d" % len(rest))
        if len(b"%d" % length) != len(b"%d" % len(rest)):
            length += 1
        body += b"%d" % length + rest
    return member(b"pax", body, type=type)


def gnu_long(type, name):
    """What GNU tar puts before a member whose name (L) or link (K) is long."""
    return member(b"././@LongLink", name + b"\0", type=type, magic=b"ustar  \0")


def directory(name, **arguments):
    return member(name, type=b"5", **{"mode": 0o755, **arguments})


def symlink(name, target, **arguments):
    return member(name, type=b"2", link=target, mode=0o777, **arguments)


def hard_link(name, target, **arguments):
    return member(name, type=b"1", link=target, **arguments)


def archive(*members):
    return b"".join(members) + END
