# SPDX-License-Identifier: Apache-2.0
"""Limits of size: project quotas of ext4 and xfs, which few kernels of test machines have."""

import contextlib
import ctypes
import os
import pathlib
import sqlite3
import struct
import subprocess

import pytest

import faults
from harness import images
from harness.program import Cay, State

MIB = 1 << 20
LIMIT = 20 * MIB
DISK = 400 * MIB
FILL = "dd if=/dev/zero of=/filled bs=64k count=640; stat -c %s /filled"

MAKE = {"ext4": ["mkfs.ext4", "-q", "-O", "quota,project", "-E", "quotatype=prjquota"],
        "xfs": ["mkfs.xfs", "-q"]}

QUOTACTL_FD = 443
PROJECTS = 2
GET_NEXT_QUOTA = (0x800009 << 8) | PROJECTS
NEXT_QUOTA = struct.Struct("8QII") # struct if_nextdqblk


def limits(directory):
    """{project: limit in bytes} of all that have one in the file system of @directory."""
    found, project = {}, 0
    libc = ctypes.CDLL(None, use_errno=True)
    fd = os.open(directory, os.O_RDONLY)
    data = ctypes.create_string_buffer(NEXT_QUOTA.size)
    while libc.syscall(QUOTACTL_FD, fd, GET_NEXT_QUOTA, project, data) == 0:
        fields = NEXT_QUOTA.unpack(data.raw)
        if fields[0]:
            found[fields[9]] = fields[0] * 1024
        project = fields[9] + 1
    os.close(fd)
    return found


@contextlib.contextmanager
def mounted(path, make, options):
    """The mount point of a new file system in a file."""
    disk = pathlib.Path(f"{path}.disk")
    with disk.open("wb") as file:
        file.truncate(DISK)
    subprocess.run([*make, str(disk)], check=True)
    path.mkdir()
    subprocess.run(["mount", "-o", f"loop,{options}", str(disk), str(path)], check=True)
    try:
        yield path
    finally:
        subprocess.run(["umount", str(path)], check=True)
        disk.unlink()


@contextlib.contextmanager
def installation(build, base, busybox):
    """cay with its state below @base."""
    state = State(base / "cay")
    state.copy_from(busybox)
    cay = Cay(build, state)
    try:
        yield cay
    finally:
        state.kill()
        cay("ps", "--all", "--quiet")
        state.remove()


@pytest.fixture(params=["ext4", "xfs"])
def kind(request):
    return request.param


@pytest.fixture
def cay(build, kind, worker_directory, numbers, busybox_template):
    path = worker_directory / str(next(numbers))
    with mounted(path, MAKE[kind], "prjquota") as base, \
            installation(build, base, busybox_template) as cay:
        yield cay
        for container in cay.state.containers():
            cay("rm", container)
        cay("volume", "prune", "--all", "--force")
        assert not limits(cay.state.directory), "limits stay behind"


def limited(cay, *arguments, size="20m"):
    return cay("run", "--storage-opt", f"size={size}", *arguments)


def test_a_container_sees_its_limit_as_the_size_of_its_disk(cay):
    result = limited(cay, "--rm", images.BUSYBOX_REFERENCE, "df", "-k", "/")
    assert result.returncode == 0, str(result)
    assert result.stdout.splitlines()[1].split()[1] == str(LIMIT // 1024)


@pytest.mark.vm_core
def test_what_a_container_writes_ends_at_its_limit(cay):
    result = limited(cay, "--rm", images.BUSYBOX_REFERENCE, "sh", "-c", FILL)
    assert LIMIT - MIB < int(result.stdout) <= LIMIT, str(result)


# Give the directory project 5, as root of the first user namespace or of the container's.
LEAVE = """
import ctypes, fcntl, os, struct, sys
directory, namespace = sys.argv[1:]
fd = os.open(directory, os.O_RDONLY)
if namespace != "none":
    namespace_fd = os.open(namespace, os.O_RDONLY)
    assert ctypes.CDLL(None).setns(namespace_fd, 0x10000000) == 0
    os.setgid(0)
    os.setuid(0)
attributes = bytearray(28)
fcntl.ioctl(fd, 0x801c581f, attributes) # FS_IOC_FSGETXATTR
struct.pack_into("I", attributes, 12, 5)
fcntl.ioctl(fd, 0x401c5820, bytes(attributes)) # FS_IOC_FSSETXATTR
"""


@pytest.mark.parametrize("kind", ["ext4"])
def test_root_in_a_container_cannot_leave_its_project(cay):
    limited(cay, "-d", "--name", "limited", images.BUSYBOX_REFERENCE, "sleep", "1000")
    cay.ok("exec", "limited", "mkdir", "/out")
    pid = cay.ok("inspect", "--format", "{{.State.Pid}}", "limited")

    def leave(namespace):
        return subprocess.run(["/usr/bin/python3", "-c", LEAVE, f"/proc/{pid}/root/out", namespace],
                              check=False, capture_output=True, text=True)

    result = leave(f"/proc/{pid}/ns/user")
    assert result.returncode == 1 and "Invalid argument" in result.stderr, result.stderr
    assert leave("none").returncode == 0 # what makes the difference is the namespace
    cay.ok("rm", "-f", "limited")


@pytest.mark.parametrize("kind", ["ext4"])
def test_others_are_not_concerned_by_a_limit(cay):
    image = images.BUSYBOX_REFERENCE
    limited(cay, "--name", "full", image, "sh", "-c", FILL)
    assert int(cay.ok("run", "--rm", image, "sh", "-c", FILL)) == 40 * MIB
    result = limited(cay, "--rm", image, "sh", "-c", FILL, size="30m")
    assert 29 * MIB < int(result.stdout) <= 30 * MIB
    assert sorted(limits(cay.state.directory).values()) == [LIMIT]


def test_a_container_that_is_full_starts_again_and_can_make_room(cay):
    limited(cay, "--name", "full", images.BUSYBOX_REFERENCE, "sh", "-c",
            f"[ -e /filled ] && rm /filled && touch /empty && df -k / | tail -n 1 || {{ {FILL}; }}")
    assert cay.ok("start", "--attach", "full").split()[1] == str(LIMIT // 1024)
    assert list(limits(cay.state.directory).values()) == [LIMIT]


def test_the_project_is_in_the_row_and_ends_with_it(cay):
    image = images.BUSYBOX_REFERENCE
    cay.ok("create", "--name", "one", "--storage-opt", "size=20m", image, "true")
    cay.ok("create", "--name", "two", "--storage-opt", "size=1.5g", image, "true")
    with contextlib.closing(sqlite3.connect(cay.state.directory / "cay.db")) as database:
        rows = dict(database.execute("SELECT name, project FROM container"))
    assert limits(cay.state.directory) == {rows["one"]: LIMIT, rows["two"]: 1536 * MIB}
    cay.ok("rm", "one")
    assert limits(cay.state.directory) == {rows["two"]: 1536 * MIB}
    assert cay.ok("inspect", "--format", "{{json .HostConfig.StorageOpt}}", "two") == \
        '{"size":"1.5g"}'


def test_a_volume_with_a_limit_is_a_disk_of_that_size_for_all_its_containers(cay):
    image = images.BUSYBOX_REFERENCE
    cay.ok("volume", "create", "-o", "size=20m", "data")
    fill = FILL.replace("/filled", "/data/filled")
    output = cay.ok("run", "--rm", "-v", "data:/data", image, "sh", "-c",
                    f"df -k /data | tail -n 1; {fill}")
    assert output.split()[1] == str(LIMIT // 1024)
    assert LIMIT - MIB < int(output.split()[-1]) <= LIMIT
    result = cay("run", "--rm", "-v", "data:/data", image, "sh", "-c",
                 "dd if=/dev/zero of=/data/more bs=64k count=16")
    assert result.returncode == 1, str(result)
    assert list(limits(cay.state.directory).values()) == [LIMIT]
    assert cay.ok("volume", "inspect", "--format", "{{json .Options}}", "data") == \
        '{"size":"20m"}'
    cay.ok("volume", "rm", "data")
    assert not limits(cay.state.directory)


@pytest.mark.parametrize("kind", ["ext4"])
def test_a_volume_whose_maker_or_remover_is_killed_leaves_no_limit(cay):
    make, remove = ["volume", "create", "-o", "size=20m", "data"], ["volume", "rm", "data"]
    for command, opposite in (make, remove), (remove, make):
        cay(*opposite)
        for fault in faults.kills(cay, *command, calls=("quotactl_fd",)):
            cay(*opposite)
            fault.run()
            left = cay.ok("volume", "ls", "--quiet")
            assert list(limits(cay.state.directory).values()) == [LIMIT] * bool(left), str(fault)


def test_a_file_system_that_is_without_quotas_by_now_is_refused_at_the_next_start(cay, kind):
    image = images.BUSYBOX_REFERENCE
    cay.ok("create", "--name", "kept", "--storage-opt", "size=20m", image, "true")
    mount_point = cay.state.base.parent
    subprocess.run(["umount", str(mount_point)], check=True)
    subprocess.run(["mount", "-o", "loop", f"{mount_point}.disk", str(mount_point)], check=True)
    result = cay("start", "kept")
    assert result.returncode == 1
    assert result.stderr.endswith("mount it with the option 'prjquota'\n"), str(result)
    assert f"the {kind} file system of '{cay.state.directory}/containers/" in result.stderr


@pytest.mark.parametrize("kind", ["xfs"])
def test_a_run_that_is_killed_while_its_limit_is_set_leaves_none(cay):
    arguments = ("run", "--rm", "--storage-opt", "size=20m", images.BUSYBOX_REFERENCE, "true")
    for fault in faults.kills(cay, *arguments, calls=("quotactl_fd",)):
        fault.run()
        assert cay("ps", "--all", "--quiet").stdout == "", str(fault)
        assert not limits(cay.state.directory), str(fault)


def test_ext4_without_the_feature_is_refused_with_what_to_do(
        build, worker_directory, numbers, busybox_template):
    path = worker_directory / str(next(numbers))
    with mounted(path, ["mkfs.ext4", "-q"], "rw") as base, \
            installation(build, base, busybox_template) as cay:
        result = limited(cay, "--rm", images.BUSYBOX_REFERENCE, "true")
        assert result.returncode == 125
        assert "call 'tune2fs -O project,quota -Q prjquota' with its device" in result.stderr
        assert not cay.state.containers()


def test_what_a_volume_starts_with_counts_for_its_limit(cay):
    """It is copied beside the volume's files, and renamed: all of it in the volume's project."""
    image = images.BUSYBOX_REFERENCE
    files = cay.state.directory / "volumes/small/_data"
    cay.ok("volume", "create", "-o", "size=1m", "small")
    result = cay("create", "-v", "small:/bin", image, "true")
    assert result.returncode == 1 and "volume 'small'" in result.stderr, str(result)
    assert os.listdir(files.parent) == ["_data"] and os.listdir(files) == []
    cay.ok("volume", "create", "-o", "size=20m", "large")
    output = cay.ok("run", "--rm", "-v", "large:/bin", image, "df", "-k", "/bin")
    size, used = map(int, output.splitlines()[1].split()[1:3])
    assert size == LIMIT // 1024 and used > 1024
    cay.ok("volume", "rm", "small", "large")
