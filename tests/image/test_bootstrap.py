# SPDX-License-Identifier: Apache-2.0
"""A base image from the Debian archive: the same to the byte, and nothing of this host in it."""

import functools
import http.server
import os
import shutil
import socket
import subprocess
import threading

import pytest


def host_mirror():
    """Where apt on this machine gets Debian from."""
    targets = subprocess.run(["apt-get", "indextargets", "--format", "$(REPO_URI)",
                              "Created-By: Packages", "Origin: Debian", "Release: bookworm"],
                             capture_output=True, text=True, check=True).stdout
    return targets.split()[0].rstrip("/")


@pytest.fixture(scope="module")
def mirror_is_there(tmp_path_factory):
    """Whether the archive can be reached is the machine's business, and said once."""
    target = tmp_path_factory.mktemp("probe") / "InRelease"
    probe = subprocess.run(["/usr/lib/apt/apt-helper", "download-file",
                            f"{host_mirror()}/dists/bookworm/InRelease", target],
                           capture_output=True, check=False, timeout=120)
    if probe.returncode:
        pytest.skip("the Debian archive cannot be reached")


def test_the_same_archive_gives_the_same_image_whatever_the_surroundings(store, mirror_is_there):
    first = store("bootstrap", "first:1")["Id"]
    store.environment.update(TZ="Asia/Tokyo", LANG="tr_TR.UTF-8", LC_ALL="tr_TR.UTF-8",
                             HOME="/nonexistent", TMPDIR="/var/tmp", USER="somebody")
    umask = os.umask(0o077)
    try:
        second = store("bootstrap", "second:1")["Id"]
    finally:
        os.umask(umask)
    assert first == second
    assert len(store.layers()) == 1
    assert store.is_clean()

    shown = store("inspect", "first:1")
    assert shown["Config"]["Cmd"] == ["bash"]
    assert shown["Os"] == "linux" and shown["Architecture"] in ("amd64", "arm64")
    root = store.root("first:1")
    assert "VERSION_CODENAME=bookworm" in (root / "usr/lib/os-release").read_text()
    assert (root / "dev").is_dir()
    sources = (root / "etc/apt/sources.list").read_text().splitlines()
    assert sources[0] == f"deb {host_mirror()} bookworm main"
    for name in ("etc/hostname", "etc/resolv.conf", "etc/apt/apt.conf.d/99mmdebstrap"):
        assert not os.path.lexists(root / name)
    found = subprocess.run(["grep", "-rlw", "--binary-files=without-match",
                            socket.gethostname() + "\\|mmdebstrap", root / "etc", root / "var/log"],
                           capture_output=True, text=True, check=False)
    assert found.stdout == "" or socket.gethostname() in ("debian", "localhost", "vm")
    newest = max(os.lstat(os.path.join(directory, name)).st_mtime
                 for directory, _, names in os.walk(root) for name in names)
    assert shown["Created"].startswith(
        subprocess.run(["date", "-u", "-d", f"@{int(newest)}", "+%Y-%m-%dT%H:%M"],
                       capture_output=True, text=True, check=True).stdout.strip())


@pytest.mark.parametrize("arguments, words", [
    (["Base:1"], "must be lowercase"),
    (["base:1", "book worm"], "invalid suite 'book worm'"),
    (["base:1", "-x"], "invalid suite"),
    (["base:1", "../etc"], "invalid suite"),
    (["base:1", "sid", "ftp://x"], "must begin with http:// or https://"),
    (["base:1", "sid", "file:/x"], "must begin with http:// or https://"),
    (["base:1", "sid", "http://x/$(touch y)"], "does not belong into a URL"),
    (["base:1", "sid", "http://me:secret@x/"], "password"),
    (["base:1", "sid", "http://x/", "a b"], "invalid package name 'a b'"),
    (["base:1", "sid", "http://x/", "--option"], "invalid package name"),
    (["base:1", "sid", "http://x/", "./x.deb"], "invalid package name"),
])
def test_malformed_wishes_are_refused(store, arguments, words):
    kind, message = store.fails("bootstrap", *arguments)
    assert kind == "invalid" and words in message


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_arguments):
        pass


@pytest.fixture
def mirror(tmp_path):
    """A mirror's URL; it has the suite `sid`, which is not signed."""
    directory = tmp_path / "mirror"
    path = directory / "dists" / "sid" / "InRelease"
    path.parent.mkdir(parents=True)
    path.write_text("Origin: test\nDate: Fri, 02 Jan 2026 03:04:05 UTC\n")
    handler = functools.partial(QuietHandler, directory=directory)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_suite_that_the_mirror_lacks_is_said(store, mirror):
    kind, message = store.fails("bootstrap", "base:1", "nosuch", mirror)
    assert kind == "not-found" and message == f"no such suite: 'nosuch' is not at '{mirror}'"
    assert store("list") == [] and store.is_clean()


def test_a_mirror_that_does_not_answer_is_said(store):
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))  # taken, and nobody listens
        mirror = f"http://127.0.0.1:{reserved.getsockname()[1]}/debian"
        kind, message = store.fails("bootstrap", "base:1", "bookworm", mirror)
    assert kind == "unavailable" and f"cannot reach the mirror '{mirror}'" in message
    assert "\n" not in message


def programs(directory, *names):
    directory.mkdir()
    for name in names:
        (directory / name).symlink_to(shutil.which(name))
    return directory


def test_without_mmdebstrap_its_package_is_named(store, mirror, tmp_path):
    path = programs(tmp_path / "bin", "apt-get", "apt-config", "dpkg")
    kind, message = store.fails("bootstrap", "base:1", "sid", mirror, path=path)
    assert kind == "unavailable" and "install the package 'mmdebstrap'" in message


def test_without_apt_the_way_out_is_said(store, tmp_path):
    kind, message = store.fails("bootstrap", "base:1", path=programs(tmp_path / "bin"))
    assert kind == "unavailable" and "import a root file system" in message


def test_what_mmdebstrap_complains_about_is_passed_on(store, mirror):
    """An archive without signatures, or anything else that it does not like."""
    kind, message = store.fails("bootstrap", "base:1", "sid", mirror)
    assert kind == "unavailable" and message.startswith("bootstrap 'sid': mmdebstrap failed: ")
    assert "\n" not in message
    assert store("list") == [] and store.is_clean()
