# SPDX-License-Identifier: Apache-2.0
"""Debian's kernel, unpacked from its package into a directory of ours and installed nowhere.

Installed, it would become what this machine boots next. The directory is whole once it has its
name, and what is in it stays until it is deleted.
"""

import contextlib
import os
import pathlib
import re
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


class Kernel:
    """What is in @directory: `image` to boot, `modules` as /lib/modules, and their `release`."""

    def __init__(self, directory):
        self.image, = (directory / "boot").glob("vmlinuz-*")
        self.release = self.image.name.removeprefix("vmlinuz-")
        self.modules = directory / "lib/modules"

    def module_files(self, names):
        """The files of modules and of what they depend on, in the order in which they load."""
        folder = self.modules / self.release
        needs, files = {}, {}
        for line in (folder / "modules.dep").read_text(encoding="utf-8").splitlines():
            file, _, needed = line.partition(":")
            needs[file] = needed.split()
            files[pathlib.Path(file).stem.replace("-", "_")] = file
        ordered = []
        for name in names:
            # depmod lists what is needed with the nearest first.
            ordered += [*reversed(needs[files[name]]), files[name]]
        return [folder / file for file in dict.fromkeys(ordered)]


def _package():
    """The package that always depends on the newest kernel; dist/packages has its name."""
    text = (ROOT / "dist/packages").read_text(encoding="utf-8")
    return re.search(r"^\[kernel\]\n(\S+)$", text, re.MULTILINE).group(1)


def _apt(command, *arguments, cwd=None):
    return subprocess.run([f"apt-{command}", "-q", *arguments], cwd=cwd, check=False,
                          capture_output=True, text=True)


def _download(package, directory):
    """Fetch the .deb of the kernel that @package depends on. Returns apt's complaint, or ""."""
    depends = _apt("cache", "depends", package)
    name = re.search(r"^  Depends: (linux-image-\S+)$", depends.stdout, re.MULTILINE)
    if not name:
        return depends.stderr or f"no package {package}"
    result = _apt("get", "-o", "APT::Sandbox::User=root", "download", name.group(1), cwd=directory)
    return result.stderr if result.returncode else ""


def fetch(directory):
    """The kernel in @directory, which is made where it does not exist."""
    if not directory.exists():
        directory.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="kernel-", dir=directory.parent) as scratch:
            scratch, made = pathlib.Path(scratch), pathlib.Path(scratch) / "made"
            package = _package()
            if _download(package, scratch):
                _apt("get", "update")  # the lists are missing, or too old
                if complaint := _download(package, scratch):
                    raise RuntimeError(f"cannot download {package}: {complaint.strip()}")
            deb, = scratch.glob("*.deb")
            subprocess.run(["dpkg-deb", "--extract", deb, made], check=True)
            subprocess.run(["depmod", "--basedir", made, Kernel(made).release], check=True)
            with contextlib.suppress(FileExistsError):  # somebody else was faster
                os.rename(made, directory)
    return Kernel(directory)
