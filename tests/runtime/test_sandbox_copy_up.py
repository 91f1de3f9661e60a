# SPDX-License-Identifier: Apache-2.0
"""tmpcopyup: a tmpfs that starts with what the image has there."""

import os
import socket
import stat
import subprocess

import pytest


@pytest.fixture
def content(bundle):
    """/data of the image, with one of each kind."""
    data = bundle.rootfs / "data"
    (data / "one/two/three").mkdir(parents=True)
    bundle.write("/data/file", "text\n", 0o4750)
    bundle.write("/data/one/two/three/deep", "deep\n")
    (data / "link").symlink_to("one/two")
    (data / "dangling").symlink_to("/nowhere")
    os.mkfifo(data / "pipe", 0o620)
    os.mknod(data / "null", stat.S_IFCHR | 0o640, os.makedev(1, 3))
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(data / "socket"))
    os.setxattr(data / "file", "security.capability",
                bytes.fromhex("0100000201000000000000000000000000000000"))
    os.setxattr(data / "one", "trusted.mark", b"kept")
    for path, mode in (("one", 0o1770), ("one/two", 0o711)):
        (data / path).chmod(mode)
    for path, uid, gid in (("file", 7, 8), ("one", 9, 10), ("pipe", 11, 12), ("dangling", 13, 14)):
        os.chown(data / path, uid, gid, follow_symlinks=False)
    data.joinpath("file").chmod(0o4750)
    os.setxattr(data / "file", "security.capability",
                bytes.fromhex("0100000201000000000000000000000000000000"))
    data.chmod(0o751)
    os.chown(data, 15, 16)
    for path in ("file", "link", "pipe", "one/two/three/deep", "one/two/three", "one/two", "one",
                 ""):
        os.utime(data / path, ns=(1_000_000_001, 2_000_000_002), follow_symlinks=False)
    return bundle


def copy_up(bundle, *options):
    bundle.mount("/data", "tmpfs", ["tmpcopyup", *options], "tmpfs")


def describe(directory):
    """path -> what is to be the same."""
    found = {}
    for root, names, files in os.walk(directory):
        for name in (".", *names, *files):
            path = os.path.join(root, name)
            info = os.lstat(path)
            attributes = {} if stat.S_ISLNK(info.st_mode) else \
                {key: os.getxattr(path, key) for key in os.listxattr(path)}
            found[os.path.normpath(os.path.relpath(path, directory))] = (
                info.st_mode, info.st_uid, info.st_gid, info.st_rdev, info.st_mtime_ns,
                os.readlink(path) if stat.S_ISLNK(info.st_mode) else None,
                open(path, "rb").read() if stat.S_ISREG(info.st_mode) else None, attributes)
    return found


def test_everything_is_as_in_the_image(content):
    expected = describe(content.rootfs / "data")
    copy_up(content)
    created = content.create("cat")
    assert describe(created.path("root/data")) == expected
    assert len(expected) == 11
    assert created.finish().status == 0


def test_what_is_written_does_not_reach_the_image(content):
    copy_up(content)
    content.shell("echo new > /data/file; echo new > /data/one/two/three/deep; rm /data/link")
    assert (content.rootfs / "data/file").read_text() == "text\n"
    assert (content.rootfs / "data/one/two/three/deep").read_text() == "deep\n"
    assert (content.rootfs / "data/link").is_symlink()


def test_options_of_the_file_system_win_over_the_directorys(content):
    copy_up(content, "mode=700", "uid=1", "gid=2")
    assert content.shell("stat -c '%a %u:%g' /data /data/one") == "700 1:2\n1770 9:10\n"


def test_it_may_be_read_only_afterwards(content):
    copy_up(content, "ro")
    result = content.run("sh", "-c", "cat /data/file; echo > /data/new")
    assert result.stdout == "text\n" and "Read-only file system" in result.stderr


def test_a_missing_directory_is_an_empty_file_system(bundle):
    copy_up(bundle)
    assert bundle.shell("ls -A /data; stat -f -c %T /data") == "tmpfs\n"


def test_a_user_namespace_sees_its_own_ids(bundle):
    bundle.write("/data/file", "text\n")
    bundle.add_user_namespace()
    os.chown(bundle.rootfs / "data/file", 100003, 100004)
    copy_up(bundle)
    assert bundle.shell("cat /data/file; stat -c %u:%g /data/file /data") == "text\n3:4\n0:0\n"


def test_a_sparse_file_takes_no_more_than_its_data(bundle):
    sparse = bundle.write("/data/sparse", "")
    with open(sparse, "r+b") as file:
        file.truncate(1 << 40)
        file.seek(1 << 39)
        file.write(b"island")
    copy_up(bundle, "size=1m")
    assert bundle.shell("stat -c %s /data/sparse; dd if=/data/sparse bs=6 count=1 "
                        f"skip={(1 << 39) >> 20}M iflag=skip_bytes 2>/dev/null") == \
        f"{1 << 40}\nisland"


def test_content_that_does_not_fit_is_an_error(bundle):
    bundle.write("/data/big", "x" * (1 << 20))
    copy_up(bundle, "size=64k")
    result = bundle.run("true")
    assert result.status == 125
    assert "mount '/data': copy 'big': No space left on device" in result.stderr


def test_what_is_mounted_below_is_left_out(bundle, outside):
    for path in ("data/volume/hidden", "data/hosts"):
        bundle.write(path, "hidden\n")
    (outside / "secret").write_text("secret\n")
    bundle.mount("/data/volume", outside, ["bind"])
    bundle.mount("/data/hosts", outside / "secret", ["bind"])
    copy_up(bundle)
    assert bundle.shell("find /data -type f | sort; cat /data/hosts") == "/data/hosts\n"


def test_directories_too_deep_are_an_error(bundle):
    bundle.write("/data/" + "d/" * 64 + "file", "deep\n")
    copy_up(bundle)
    assert bundle.shell("cat /data/" + "d/" * 64 + "file") == "deep\n"
    bundle.write("/data/" + "d/" * 65 + "file", "deeper\n")
    result = bundle.run("true")
    assert result.status == 125
    assert "mount '/data': directories are nested too deep for 'tmpcopyup'" in result.stderr


def test_links_of_the_image_are_copied_and_not_followed(bundle, outside):
    (outside / "secret").write_text("secret\n")
    bundle.write("/data/file", "text\n")
    (bundle.rootfs / "data/leak").symlink_to("../" * 20 + str(outside / "secret").lstrip("/"))
    (bundle.rootfs / "data/all").symlink_to("../" * 20 + str(outside).lstrip("/"))
    copy_up(bundle)
    assert bundle.shell("cd /data; find . -type f; cat leak all/secret 2>/dev/null || true") == \
        "./file\n"


def test_many_names_are_all_copied(bundle):
    """More than one read of a directory gives."""
    for number in range(500):
        bundle.write(f"/data/{'n' * 40}{number}", "")
    copy_up(bundle)
    assert bundle.shell("ls /data | wc -l") == "500\n"


def test_a_pipe_in_the_image_is_not_waited_for(content):
    (content.rootfs / "data/file").unlink()
    os.mkfifo(content.rootfs / "data/file")
    copy_up(content)
    assert content.run("test", "-p", "/data/file").status == 0


def test_nothing_is_open_afterwards(content):
    copy_up(content)
    assert content.shell("ls /proc/self/fd").split() == ["0", "1", "2", "3"]
    assert subprocess.run(["findmnt", "-n", str(content.rootfs)], check=False,
                          capture_output=True).stdout == b""
