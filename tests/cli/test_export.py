# SPDX-License-Identifier: Apache-2.0
"""`cay export`: the root file system of a container as an archive, whole or not at all."""

import os
import subprocess
import tarfile

import pytest

from harness.manifest import difference, manifest
from harness.trees import fill


def upper(cay, name):
    """Where the container's changes are: what is put there before it runs is as if it had made
    it."""
    return cay.state.directory / "containers" / cay.ok("inspect", "-f", "{{.Id}}", name) / "upper"


@pytest.fixture(name="archive")
def _archive(tmp_path):
    return tmp_path / "archive.tar"


def names(archive):
    with tarfile.open(archive) as opened:
        return opened.getnames()


@pytest.mark.parametrize("userns", ["auto", "host"])
def test_it_is_what_the_container_has(cay, image, no_leaks, archive, tmp_path, userns):
    """Owners are as images have them, whatever they are on the host."""
    cay.ok("create", "--name", "one", "--userns", userns, image, "true")
    (upper(cay, "one") / "tree").mkdir()
    fill(upper(cay, "one") / "tree")
    cay.ok("export", "-o", archive, "one")
    unpacked = tmp_path / "unpacked"
    unpacked.mkdir()
    subprocess.run(["tar", "--extract", "--file", archive, "--directory", unpacked,
                    "--numeric-owner", "--preserve-permissions", "--same-owner", "--xattrs",
                    "--xattrs-include=*"], check=True)
    assert difference(manifest(upper(cay, "one") / "tree"), manifest(unpacked / "tree")) == {}
    assert (unpacked / "bin" / "busybox").stat().st_size > 100000
    assert "." not in names(archive)
    cay.ok("rm", "one")


def test_what_was_deleted_is_not_there_and_nothing_marks_it(cay, image, no_leaks, archive):
    cay.ok("run", "--name", "one", image, "sh", "-c",
           "rm /etc/os-release; rm -r /home; mkdir /home")
    cay.ok("export", "-o", archive, "one")
    found = names(archive)
    assert "home" in found and "home/user" not in found and "etc/os-release" not in found
    assert not [name for name in found if ".wh." in name]
    cay.ok("rm", "one")


def test_what_is_mounted_is_an_empty_mount_point(cay, image, no_leaks, archive, tmp_path):
    (tmp_path / "file").touch()
    cay.ok("run", "-d", "--name", "one", "-v", "volume:/volume", "-v", f"{tmp_path}:/bind",
           "--tmpfs", "/run", image, "sh", "-c",
           "touch /volume/x /run/x /dev/x /new; exec sleep 1000")
    cay.ok("exec", "one", "sh", "-c", "until [ -e /new ]; do :; done")
    cay.ok("export", "-o", archive, "one")
    found = names(archive)
    assert {"volume", "bind", "run", "dev", "proc", "new"} <= {*found}
    assert not [name for name in found if name.startswith(("volume/", "bind/", "run/", "dev/",
                                                           "proc/", "sys/"))]
    cay.ok("rm", "-f", "one")
    cay.ok("volume", "rm", "volume")


def test_the_same_container_gives_the_same_bytes_to_a_file_and_a_pipe(cay, image, no_leaks,
                                                                      archive):
    cay.ok("create", "--name", "one", image, "true")
    cay.ok("export", "--output", archive, "one")
    piped = cay("export", "one", text=False)
    assert piped.returncode == 0 and piped.stdout == archive.read_bytes()
    assert archive.stat().st_mode & 0o777 == 0o600
    cay.ok("rm", "one")


def test_an_export_becomes_an_image_again(cay, image, no_leaks, archive):
    cay.ok("run", "--name", "one", image, "sh", "-c", "echo content >/new; chown 7:8 /new")
    cay.ok("export", "-o", archive, "one")
    cay.ok("import", archive, "again:1")
    assert cay.ok("run", "--rm", "again:1", "sh", "-c", "cat /new; stat -c %u:%g /new") == (
        "content\n7:8")
    cay.ok("rm", "one")


def test_a_terminal_gets_no_archive(cay, image, pty_run):
    cay.ok("create", "--name", "one", image, "true")
    terminal = pty_run("export", "one")
    terminal.expect("cowardly refusing to save to a terminal")
    assert terminal.wait() == 1
    cay.ok("rm", "one")


def test_a_failure_leaves_what_was_there(cay, image, archive):
    archive.write_text("old")
    assert cay("export", "-o", archive, "nobody").returncode == 1
    assert archive.read_text() == "old"
    assert os.listdir(archive.parent) == [archive.name]
    failed = cay("export", "-o", archive.parent / "none" / "x", "nobody")
    assert failed.returncode == 1 and "open the directory of" in failed.stderr


def test_a_pipe_that_nobody_reads_any_more_is_an_error(cay, image, no_leaks):
    cay.ok("create", "--name", "one", image, "true")
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "wb") as pipe:
        result = subprocess.run([cay.path(), "export", "one"], env=cay.state.environment(),
                                stdout=pipe, stderr=subprocess.PIPE, text=True, check=False)
    assert result.returncode == 1
    assert "write the archive: Broken pipe" in result.stderr
    cay.ok("rm", "one")


def test_a_file_that_changes_all_the_time_leads_nowhere(cay, image, no_leaks, archive, tmp_path):
    """What the container swaps while it is exported is it itself or nothing."""
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "file").write_text("the host's secret")
    cay.ok("run", "-d", "--name", "one", image, "sh", "-c",
           f"mkdir -p /a/d /a/e; touch /a/d/file; ln -s {secret} /a/l; touch /ready; "
           "while :; do mv /a/d /a/x; mv /a/l /a/d; mv /a/d /a/l; mv /a/x /a/d; done")
    cay.ok("exec", "one", "sh", "-c", "until [ -e /ready ]; do :; done")
    for _ in range(10):
        cay.ok("export", "-o", archive, "one")
        assert b"the host's secret" not in archive.read_bytes()
        cay.ok("diff", "one")
    cay.ok("rm", "-f", "one")
