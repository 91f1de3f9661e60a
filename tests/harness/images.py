# SPDX-License-Identifier: Apache-2.0
"""Images for the tests: a small one of Debian's busybox-static, and Debian itself."""

import io
import subprocess
import tarfile

BUSYBOX = "/bin/busybox"
BUSYBOX_REFERENCE = "busybox:test"
DEBIAN_REFERENCE = "debian:bookworm"

_DIRECTORIES = {
    "bin": 0o755, "dev": 0o755, "etc": 0o755, "home": 0o755, "home/user": 0o755, "proc": 0o755,
    "root": 0o700, "run": 0o755, "sys": 0o755, "tmp": 0o1777, "usr": 0o755, "usr/bin": 0o755,
    "var": 0o755,
}

_FILES = {
    "etc/passwd": "root:x:0:0:root:/root:/bin/sh\n"
                  "user:x:1000:1000:a user:/home/user:/bin/sh\n",
    "etc/group": "root:x:0:\nuser:x:1000:\naudio:x:29:user\nvideo:x:44:user\n",
    "etc/os-release": 'ID=busybox\nPRETTY_NAME="busybox of the tests"\n',
}


def busybox_tar(applets=None):
    """A root file system as `cay import` takes it: busybox under all its names, or @applets."""
    if applets is None:
        listed = subprocess.run([BUSYBOX, "--list"], capture_output=True, text=True, check=True)
        applets = listed.stdout.split()
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, mode in _DIRECTORIES.items():
            entry = tarfile.TarInfo(name)
            entry.type, entry.mode = tarfile.DIRTYPE, mode
            archive.addfile(entry)
        for name, content in _FILES.items():
            entry = tarfile.TarInfo(name)
            entry.mode, entry.size = 0o644, len(content)
            archive.addfile(entry, io.BytesIO(content.encode()))
        with open(BUSYBOX, "rb") as program:
            entry = tarfile.TarInfo("bin/busybox")
            entry.mode, entry.size = 0o755, program.seek(0, io.SEEK_END)
            program.seek(0)
            archive.addfile(entry, program)
        for applet in applets:
            if applet != "busybox":
                entry = tarfile.TarInfo(f"bin/{applet}")
                entry.type, entry.linkname = tarfile.SYMTYPE, "busybox"
                archive.addfile(entry)
    return output.getvalue()


def make_busybox(cay):
    cay("import", "-", BUSYBOX_REFERENCE, input=busybox_tar(), check=True)


def make_debian(cay):
    cay("image", "bootstrap", DEBIAN_REFERENCE, check=True, timeout=900)


def entry(name, content=None, mode=None, uid=0, gid=0, xattrs=None, link=None):
    """A directory, a file with @content, or a symlink to @link, for make_with()."""
    info = tarfile.TarInfo(name)
    info.uid, info.gid = uid, gid
    info.pax_headers = {f"SCHILY.xattr.{key}": value for key, value in (xattrs or {}).items()}
    if link is not None:
        info.type, info.linkname = tarfile.SYMTYPE, link
    elif content is None:
        info.type, info.mode = tarfile.DIRTYPE, 0o755 if mode is None else mode
    else:
        info.mode, info.size = 0o644 if mode is None else mode, len(content)
    return info, (content or "").encode()


def make_with(cay, reference, entries, *changes):
    """The small image with more in it, and with @changes of its configuration."""
    output = io.BytesIO(busybox_tar())
    with tarfile.open(fileobj=output, mode="a", format=tarfile.PAX_FORMAT) as archive:
        for info, content in entries:
            archive.addfile(info, io.BytesIO(content))
    options = [word for change in changes for word in ("-c", change)]
    cay("import", *options, "-", reference, input=output.getvalue(), check=True)
    return reference
