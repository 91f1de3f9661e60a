# SPDX-License-Identifier: Apache-2.0
"""Volumes whose options say what is mounted: directories, memory, images in files."""

import json
import subprocess

import pytest
from harness import leaks


@pytest.fixture
def state_directory(state_directory_in_memory):
    return state_directory_in_memory


def make(cay, name, kind, device, options=None):
    given = [f"type={kind}", f"device={device}", *([f"o={options}"] if options else [])]
    cay.ok("volume", "create", *[word for option in given for word in ("-o", option)], name)


def fails(result, message, code=125):
    assert result.returncode == code and message in result.stderr, str(result)


def loop_devices(path):
    """The loop devices that show the file."""
    output = subprocess.run(["losetup", "--noheadings", "-O", "NAME", "-j", path],
                            capture_output=True, text=True, check=True).stdout
    return output.split()


@pytest.fixture
def disk(tmp_path):
    """A file with an empty file system in it."""
    path = tmp_path / "disk"
    with open(path, "wb") as file:
        file.truncate(16 << 20)
    subprocess.run(["mkfs.ext4", "-q", path], check=True)
    yield path
    assert loop_devices(path) == []


def test_a_directory_is_shown_with_its_options(cay, image, tmp_path, no_leaks):
    (tmp_path / "file").write_text("hello\n")
    make(cay, "host", "none", tmp_path, "bind,ro,noexec")
    assert cay.ok("run", "--rm", "-v", "host:/data", image, "cat", "/data/file") == "hello"
    result = cay("run", "--rm", "-v", "host:/data", image, "touch", "/data/new")
    assert result.returncode == 1 and "Read-only file system" in result.stderr
    make(cay, "writable", "none", tmp_path, "bind")
    cay.ok("run", "--rm", "-v", "writable:/data", image, "touch", "/data/new")
    assert (tmp_path / "new").exists()


def test_a_directory_that_is_not_there_or_none_is_an_error(cay, image, tmp_path, no_leaks):
    (tmp_path / "file").write_text("hello\n")
    for name in "missing", "file":
        make(cay, name, "none", tmp_path / name, "bind")
        fails(cay("run", "--rm", "-v", f"{name}:/data", image, "true"),
              f"device '{tmp_path / name}'")


def test_removing_the_volume_keeps_the_directory(cay, image, tmp_path):
    (tmp_path / "file").write_text("hello\n")
    make(cay, "host", "none", tmp_path, "bind")
    cay.ok("run", "--rm", "-v", "host:/data", image, "true")
    cay.ok("volume", "rm", "host")
    assert (tmp_path / "file").read_text() == "hello\n"


def test_an_image_is_mounted_and_its_device_ends_with_the_container(cay, image, disk, no_leaks):
    make(cay, "disk", "ext4", disk, "noatime")
    cay.ok("run", "--rm", "-v", "disk:/data", image, "sh", "-c", "echo hello > /data/file")
    assert loop_devices(disk) == []
    assert cay.ok("run", "--rm", "-v", "disk:/data:ro", image, "cat", "/data/file") == "hello"


def test_containers_share_one_device_of_an_image(cay, image, disk, no_leaks):
    make(cay, "disk", "ext4", disk)
    cay.ok("run", "-d", "--name", "one", "-v", "disk:/data", image, "sleep", "1000")
    cay.ok("run", "--rm", "-v", "disk:/other", image, "sh", "-c", "echo hello > /other/file")
    assert cay.ok("exec", "one", "cat", "/data/file") == "hello"
    assert len(loop_devices(disk)) == 1
    cay.ok("rm", "-f", "one")


def test_the_device_of_a_killed_container_ends_too(cay, state, image, disk):
    make(cay, "disk", "ext4", disk)
    cay.ok("run", "-d", "--rm", "-v", "disk:/data", image, "sleep", "1000")
    assert len(loop_devices(disk)) == 1
    state.kill()
    assert cay.ok("ps", "-aq") == ""
    assert loop_devices(disk) == []


def test_an_image_that_holds_no_file_system_says_so(cay, image, tmp_path, no_leaks):
    (tmp_path / "disk").write_bytes(bytes(1 << 20))
    make(cay, "disk", "ext4", tmp_path / "disk")
    result = cay("run", "--rm", "-v", "disk:/data", image, "true")
    fails(result, f"mount '{tmp_path / 'disk'}': ")
    assert loop_devices(tmp_path / "disk") == []


def test_containers_have_the_same_memory_as_long_as_one_has_it(cay, image, no_leaks):
    make(cay, "memory", "tmpfs", "tmpfs", "size=1m,mode=0750")
    cay.ok("run", "-d", "--name", "one", "-v", "memory:/one:ro", image, "sleep", "1000")
    cay.ok("run", "-d", "--name", "two", "-v", "memory:/two", image, "sh", "-c",
           "echo hello > /two/file; exec sleep 1000")
    assert cay.ok("run", "--rm", "-v", "memory:/three", image, "cat", "/three/file") == "hello"
    assert cay.ok("exec", "one", "cat", "/one/file") == "hello"
    assert cay.ok("exec", "two", "stat", "-c", "%u:%g %a", "/two", "/two/file") == \
        "0:0 750\n0:0 644"
    cay.ok("rm", "-f", "one")
    assert cay.ok("exec", "two", "cat", "/two/file") == "hello"
    cay.ok("rm", "-f", "two")
    assert cay.ok("run", "--rm", "-v", "memory:/data", image, "ls", "/data") == ""


def test_two_places_in_a_container_are_the_same_memory(cay, image, no_leaks):
    make(cay, "memory", "tmpfs", "tmpfs")
    assert cay.ok("run", "--rm", "-v", "memory:/a", "-v", "memory:/b", image, "sh", "-c",
                  "echo hello > /a/file; cat /b/file") == "hello"


def test_containers_that_start_at_once_share_the_memory_that_one_of_them_makes(cay, image,
                                                                               no_leaks):
    make(cay, "memory", "tmpfs", "tmpfs")
    names = [f"c{number}" for number in range(4)]
    found = [cay.spawn("run", "-d", "--name", name, "-v", "memory:/data", image, "sh", "-c",
                       f"touch /data/{name}; exec sleep 1000") for name in names]
    for process in found:
        _, stderr = process.communicate()
        assert process.returncode == 0, stderr
    for name in names:  # the last one of them may not have come so far
        cay.ok("exec", name, "touch", f"/data/{name}")
    for name in names:
        assert cay.ok("exec", name, "ls", "/data").split() == names
    cay.ok("rm", "-f", *names)


def test_what_a_container_has_mounted_over_its_memory_is_not_shown_to_others(cay, image, no_leaks):
    make(cay, "memory", "tmpfs", "tmpfs")
    cay.ok("run", "-d", "--name", "one", "--privileged", "-v", "memory:/data", image, "sleep",
           "1000")
    cay.ok("exec", "--privileged", "one", "mount", "-t", "tmpfs", "tmpfs", "/data")
    fails(cay("run", "--rm", "-v", "memory:/data", image, "true"),
          "container 'one' has mounted something over it")
    cay.ok("rm", "-f", "one")
    cay.ok("run", "--rm", "-v", "memory:/data", image, "true")


def test_events_tell_where_a_volume_is_mounted(cay, image, no_leaks):
    cay.ok("volume", "create", "data")
    cay.ok("run", "--name", "one", "-v", "data:/data:ro", image, "true")
    container = cay.ok("inspect", "-f", "{{.Id}}", "one")
    text = cay.ok("events", "--since", "1h", "--until", "0s", "--filter", "volume=data",
                  "--format", "json")
    events = [json.loads(line) for line in text.splitlines()]
    assert [event["Action"] for event in events] == ["create", "mount", "unmount"]
    assert events[1]["Actor"]["Attributes"] == {
        "container": container, "destination": "/data", "driver": "local", "propagation": "",
        "read/write": "false"}
    assert events[2]["Actor"]["Attributes"] == {"container": container, "driver": "local"}


def test_the_host_never_sees_what_volumes_mount(cay, image, disk, no_leaks):
    before = leaks.mounts()
    make(cay, "memory", "tmpfs", "tmpfs")
    make(cay, "disk", "ext4", disk)
    cay.ok("run", "-d", "--name", "one", "-v", "memory:/a", "-v", "disk:/b", image, "sleep", "1000")
    assert not [mount for mount in leaks.mounts() - before if "loop" in mount or "/a" in mount]
    cay.ok("rm", "-f", "one")
