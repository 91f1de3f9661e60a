# SPDX-License-Identifier: Apache-2.0
"""Trees of files: made, described so that two can be compared, and one with all that there is."""

import os
import pathlib
import stat

# CAP_NET_RAW, effective, as a file's capabilities of version 2.
NET_RAW = bytes.fromhex("0100000200200000000000000000000000000000")
ODD_NAMES = [b"with space", b"line\nend", b"not-utf8-\xff\xfe", b"-rf", b"back\\slash", b"*",
             b"x" * 255]


def shape(directory):
    """{path: content, "-> target", or None for a directory} of all below @directory."""
    directory = pathlib.Path(directory)
    found = {}
    for path in sorted(directory.rglob("*")):
        name = str(path.relative_to(directory))
        if path.is_symlink():
            found[name] = f"-> {os.readlink(path)}"
        else:
            found[name] = None if path.is_dir() else path.read_text()
    return found


def make(directory, content):
    """Make what shape() describes."""
    directory = pathlib.Path(directory)
    directory.mkdir(exist_ok=True)
    for name, what in content.items():
        path = directory / name
        if what is None:
            path.mkdir(parents=True)
        elif what.startswith("-> "):
            path.symlink_to(what.removeprefix("-> "))
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(what)


def _attributes(path):
    return {name: os.getxattr(path, name, follow_symlinks=False)
            for name in os.listxattr(path, follow_symlinks=False)
            if not name.startswith("trusted.overlay.")}


def _describe(path, links, owners):
    status = os.lstat(path)
    described = {"mode": status.st_mode, "time": status.st_mtime_ns, "device": status.st_rdev,
                 "attributes": _attributes(path)}
    if owners:
        described["owner"] = status.st_uid, status.st_gid
    if stat.S_ISLNK(status.st_mode):
        described["target"] = os.readlink(path)
    if stat.S_ISREG(status.st_mode):
        with open(path, "rb") as file:
            described["content"] = file.read()
        described["sparse"] = status.st_blocks * 512 < status.st_size
    if status.st_nlink > 1 and not stat.S_ISDIR(status.st_mode):
        described["same as"] = links.setdefault(status.st_ino, path)
    return described


def describe(directory, owners=True):
    """All that a copy has to keep, by path below @directory, which is "." itself."""
    directory, links, found = os.fsencode(directory), {}, {}
    for parent, directories, files in os.walk(directory):
        directories.sort()
        for name in [b".", *sorted(directories + files)] if parent == directory else sorted(
                directories + files):
            path = os.path.join(parent, name)
            relative = os.path.relpath(path, directory)
            described = _describe(path, links, owners)
            if "same as" in described:
                described["same as"] = os.path.relpath(described["same as"], directory)
            found[relative] = described
    return found


def make_with_everything(directory):
    """Files of all types, owners, attributes, holes, hard links, and names."""
    directory = pathlib.Path(directory)
    make(directory, {"file": "text", "empty": "", "dir/deep/er/file": "deep", "link": "-> file",
                     "dangling": "-> /none/at all", "suid": "s", "capable": "c"})
    for name in ODD_NAMES:
        with open(os.path.join(os.fsencode(directory), name), "wb") as file:
            file.write(b"odd")
    with open(directory / "sparse", "wb") as file:
        file.write(b"begin")
        file.seek(3 << 20)
        file.write(b"middle")
        file.truncate(8 << 20)
    os.mkfifo(directory / "fifo")
    os.mknod(directory / "null", stat.S_IFCHR | 0o666, os.makedev(1, 3))
    os.mknod(directory / "block", stat.S_IFBLK | 0o640, os.makedev(7, 99))
    os.link(directory / "file", directory / "dir/same")
    os.link(directory / "file", directory / "dir/deep/same")
    os.setxattr(directory / "file", "user.colour", b"red")
    os.setxattr(directory / "dir", "user.colour", b"blue")
    for number, path in enumerate(sorted(directory.rglob("*"))):
        os.chown(path, 1000 + number, 2000 + number, follow_symlinks=False)
    os.chmod(directory / "suid", 0o6755)
    os.chmod(directory / "dir", 0o3711)
    os.chmod(directory / "null", 0o666)
    os.setxattr(directory / "capable", "security.capability", NET_RAW)
    for number, path in enumerate(sorted(directory.rglob("*"), reverse=True)):
        os.utime(path, ns=(number * 10**9 + 1, number * 10**9 + 2), follow_symlinks=False)
