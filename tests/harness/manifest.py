# SPDX-License-Identifier: Apache-2.0
"""All that can be said of a tree, so that two of them can be compared by `==`."""

import hashlib
import os
import stat


def _attributes(path):
    names = os.listxattr(path, follow_symlinks=False)
    return {name: os.getxattr(path, name, follow_symlinks=False) for name in sorted(names)
            if not name.startswith(("trusted.", "security.selinux"))}


def _content(path, status):
    """Size, digest, and where the holes are."""
    with open(path, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest() if hasattr(
            hashlib, "file_digest") else hashlib.sha256(file.read()).hexdigest()
        extents, offset = [], 0
        while offset < status.st_size:
            try:
                start = os.lseek(file.fileno(), offset, os.SEEK_DATA)
            except OSError:
                break
            offset = os.lseek(file.fileno(), start, os.SEEK_HOLE)
            extents.append((start, offset))
    return status.st_size, digest, extents


def _describe(path, links):
    status = os.lstat(path)
    kind = stat.S_IFMT(status.st_mode)
    entry = {"mode": oct(status.st_mode), "owner": (status.st_uid, status.st_gid),
             "modified": status.st_mtime_ns, "attributes": _attributes(path)}
    if kind == stat.S_IFREG:
        entry["content"] = _content(path, status)
    elif kind == stat.S_IFLNK:
        entry["target"] = os.readlink(path)
    elif kind in (stat.S_IFCHR, stat.S_IFBLK):
        entry["device"] = (os.major(status.st_rdev), os.minor(status.st_rdev))
    if kind != stat.S_IFDIR and status.st_nlink > 1:
        links.setdefault((status.st_dev, status.st_ino), []).append(path)
    return entry


def manifest(root, skip=(), top=True):
    """{path: what is known of it}; names linked to each other are listed at each of them. @skip:
    paths that are left out, with all below; without @top the root itself is not looked at."""
    root = os.fsencode(root)
    found, links, names = {}, {}, [b""]
    while names:
        name = names.pop()
        path = os.path.join(root, name) if name else root
        if os.fsdecode(name) in skip:
            continue
        if name or top:
            found[name] = _describe(path, links)
        if stat.S_ISDIR(os.lstat(path).st_mode):
            names += [os.path.join(name, child) for child in os.listdir(path)]
    for paths in links.values():
        group = sorted(os.path.relpath(path, root) for path in paths)
        for path in paths:
            found[os.path.relpath(path, root)]["links"] = group
    return found


def _disagreement(one, other):
    if one is None or other is None:
        return one, other
    return {key: (one.get(key), other.get(key))
            for key in {*one, *other} if one.get(key) != other.get(key)}


def difference(one, other):
    """What two manifests do not agree on, for a test's message."""
    return {name: _disagreement(one.get(name), other.get(name))
            for name in sorted({*one, *other}) if one.get(name) != other.get(name)}
