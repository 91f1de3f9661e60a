# SPDX-License-Identifier: Apache-2.0
"""New file systems: their own flags, remounts, and those that show a namespace."""

import os
import pathlib
import stat
import subprocess

import pytest

from harness.mounts import mounts_of


@pytest.fixture
def host_queue():
    """The name of one of the host's message queues, which are mounted where they usually are."""
    mounted = os.path.ismount("/dev/mqueue")
    if not mounted:
        pathlib.Path("/dev/mqueue").mkdir(exist_ok=True)
        subprocess.run(["mount", "-t", "mqueue", "mqueue", "/dev/mqueue"], check=True)
    queue = pathlib.Path("/dev/mqueue") / f"caytest-{os.getpid()}"
    queue.touch()
    yield queue.name
    queue.unlink()
    if not mounted:
        subprocess.run(["umount", "/dev/mqueue"], check=True)


@pytest.mark.parametrize("options, present", [
    (["sync", "dirsync", "lazytime", "mand"], ["sync", "dirsync", "lazytime", "mand"]),
    (["sync", "async", "lazytime", "nolazytime", "mand", "nomand"], []),
    (["noiversion", "async"], []),
])
def test_flags_of_the_file_system_are_set_on_it(bundle, options, present):
    bundle.mount("/mnt", "tmpfs", options, "tmpfs")
    flags = set(mounts_of(bundle)["/mnt"][3])
    assert flags & {"sync", "dirsync", "lazytime", "mand"} == set(present)


@pytest.fixture
def disk(outside):
    """A block device with ext4 on it."""
    image = outside / "image"
    with open(image, "wb") as file:
        file.truncate(8 << 20)
    subprocess.run(["mkfs.ext4", "-q", image], check=True)
    device = subprocess.run(["losetup", "--find", "--show", "--read-only", image], check=True,
                            capture_output=True, text=True).stdout.strip()
    yield device
    subprocess.run(["losetup", "--detach", device], check=True)


def test_a_read_only_device_is_mounted_read_only(bundle, disk):
    bundle.mount("/mnt", disk, ["ro", "nodev", "norecovery", "stripe=7"], "ext4")
    mount = mounts_of(bundle)["/mnt"]
    assert mount[1:3] == ("ext4", disk) and {"ro", "nodev"} <= set(mount[0])
    assert {"ro", "norecovery", "stripe=7"} <= set(mount[3])
    bundle.config["mounts"][-1]["options"].remove("ro")
    assert bundle.run("true").status == 125


def test_a_disk_is_mounted_although_the_container_may_not_open_it(bundle, disk):
    """The device list is the container's: it does not yet bind whoever sets it up."""
    bundle.mount("/mnt", disk, ["ro", "idmap"], "ext4")
    bundle.config["mounts"][-1]["uidMappings"] = bundle.config["mounts"][-1]["gidMappings"] = [
        {"containerID": 0, "hostID": 7, "size": 1}]
    assert bundle.shell("stat -c %u:%g /mnt/lost+found") == "7:7\n"
    bundle.config["mounts"][-1]["options"].append("colour=red")
    assert bundle.run("true").stderr.startswith("invalid: mount '/mnt': file system ext4: Unknown")


def test_a_relative_destination_starts_at_the_root(bundle, outside):
    (outside / "file").write_text("found\n")
    bundle.mount("mnt/../data", outside, ["bind"])
    assert bundle.shell("cat /data/file") == "found\n"
    bundle.config["mounts"][-1]["destination"] = "."
    assert "'.': the root is not a place for a mount" in bundle.run("true").stderr


def test_a_remount_changes_the_options_of_the_file_system(bundle):
    bundle.mount("/dev/shm", "shm", ["remount", "size=128k", "sync", "noexec"], "tmpfs")
    mount = mounts_of(bundle)["/dev/shm"]
    assert {"size=128k", "sync"} <= set(mount[3]) and {"noexec", "nosuid", "nodev"} <= set(mount[0])


def test_a_remount_of_a_bind_changes_the_mount_alone(bundle, outside):
    bundle.mount("/mnt", outside, ["bind"])
    bundle.mount("/mnt", "none", ["bind", "remount", "ro", "nodev"])
    mount = mounts_of(bundle)["/mnt"]
    assert {"ro", "nodev"} <= set(mount[0]) and "rw" in mount[3]
    bundle.config["mounts"][-1]["options"] = ["bind", "remount", "size=1m"]
    assert bundle.run("true").stderr == \
        "invalid: mount '/mnt': a bind mount has no option 'size'\n"


def test_a_remount_tells_what_the_file_system_does_not_know(bundle):
    bundle.mount("/dev/shm", "shm", ["remount", "colour=red"], "tmpfs")
    assert bundle.run("true").stderr.startswith("invalid: file system tmpfs: Unknown parameter")
    bundle.config["mounts"][-1].update(destination="/nowhere", options=["remount", "ro"])
    assert bundle.run("true").stderr == \
        "not-found: change mount '/nowhere': No such file or directory\n"


def test_dev_may_be_remounted_read_only_and_still_be_filled(bundle):
    bundle.mount("/dev", "tmpfs", ["remount", "ro"], "tmpfs")
    assert bundle.shell("test -c /dev/null; touch /dev/x 2>/dev/null || echo refused") == \
        "refused\n"


def test_the_last_remount_decides_whether_it_can_be_written(bundle):
    bundle.mount("/mnt", "tmpfs", ["ro"], "tmpfs")
    for options, expected in ((["remount", "rw"], "rw"), (["remount", "noexec"], "rw"),
                              (["remount", "ro"], "ro"), (["remount", "rrw"], "rw")):
        bundle.mount("/mnt", "none", options, "tmpfs")
        assert expected in mounts_of(bundle)["/mnt"][0]


def test_a_recursive_remount_reaches_the_mounts_below(bundle):
    bundle.mount("/dev", "tmpfs", ["remount", "rro", "rnoexec"], "tmpfs")
    mounts = mounts_of(bundle)
    for destination in ("/dev", "/dev/shm", "/dev/pts"):
        assert {"ro", "noexec"} <= set(mounts[destination][0])


def test_a_memory_file_system_is_as_open_as_the_directory_that_it_covers(bundle):
    (bundle.rootfs / "data").mkdir()
    (bundle.rootfs / "data").chmod(0o2710)
    bundle.mount("/data", "tmpfs", [], "tmpfs")
    bundle.mount("/etc", "tmpfs", ["mode=700"], "tmpfs")
    bundle.mount("/new", "tmpfs", ["ro"], "tmpfs")
    assert bundle.shell("stat -c %a /data /etc /new") == "2710\n700\n1777\n"


@pytest.mark.parametrize("destination, is_directory, mode", [
    ("/deep/er/directory", True, 0o755), ("/deep/er/file", False, 0o644)])
@pytest.mark.parametrize("umask", [0o022, 0o777])
def test_missing_mount_points_are_made_with_plain_modes(bundle, outside, destination, is_directory,
                                                        mode, umask):
    source = outside
    if not is_directory:
        source = outside / "file"
        source.write_text("")
    bundle.mount(destination, source, ["bind"])
    before = os.umask(umask)
    try:
        bundle.write_config(["true"])
        result = bundle.run("true")
    finally:
        os.umask(before)
    assert result.status == 0, result
    made = bundle.rootfs / destination.lstrip("/")
    assert stat.S_IMODE(os.stat(made).st_mode) == mode
    assert made.is_dir() == is_directory
    assert stat.S_IMODE(os.stat(made.parent).st_mode) == 0o755


def test_the_kernels_devices_show_read_only_where_they_cannot_be_mounted(bundle):
    """A user namespace without a network namespace of its own may not mount sysfs."""
    bundle.add_user_namespace()
    bundle.remove_namespace("network")
    bundle.find_mount("/sys")["options"] = ["nosuid", "noexec", "nodev"]
    bundle.config["mounts"].remove(bundle.find_mount("/sys/fs/cgroup"))
    mounts = mounts_of(bundle)
    assert mounts["/sys"][1] == "sysfs" and "ro" in mounts["/sys"][0]
    below = [name for name in mounts if name.startswith("/sys/")]
    assert below and all("ro" in mounts[name][0] for name in below if name != "/sys/firmware")
    devices = bundle.shell("ls /sys/class/net").split()
    assert devices == sorted(os.listdir("/sys/class/net"))


def test_the_cgroup_of_the_container_covers_the_hosts_there(bundle):
    bundle.add_user_namespace()
    bundle.remove_namespace("network")
    tree = bundle.shell("find /sys/fs/cgroup -name cgroup.procs | head -n 1; "
                        "find /sys/fs/cgroup -mindepth 2 -type d | head -n 1").split()
    assert len(tree) == 1


def test_a_pid_namespace_that_is_the_hosts_shows_its_procfs(bundle):
    bundle.add_user_namespace()
    bundle.remove_namespace("pid")
    created = bundle.create("sh", "-c", "echo $$; test -d /proc/$$ && cat /proc/mounts")
    lines = created.finish().stdout.splitlines()
    assert lines[0] == str(created.pid)
    assert any(line.startswith("proc /proc proc ") and "nosuid" in line for line in lines)


def test_procfs_shows_the_pid_namespace_that_was_joined(new_bundle):
    owner, guest = new_bundle(), new_bundle()
    first = owner.create("sh", "-c", "echo executed; cat; true")
    guest.remove_namespace("pid")
    guest.linux["namespaces"].append({"type": "pid", "path": str(first.path("ns/pid"))})
    first.start()
    assert first.process.stdout.readline() == b"executed\n"
    assert guest.shell("cat /proc/1/cmdline | tr '\\0' ' '; echo; test -d /proc/$$ && "
                       "test $$ != 1") == "sh -c echo executed; cat; true \n"
    assert first.wait().status == 0


def test_a_joined_pid_namespace_of_another_user_namespace_is_told(new_bundle):
    """The host's procfs would show other processes than the container's."""
    owner, guest = new_bundle(), new_bundle()
    first = owner.create("cat")
    guest.add_user_namespace()
    guest.remove_namespace("pid")
    guest.linux["namespaces"].append({"type": "pid", "path": str(first.path("ns/pid"))})
    assert guest.run("true").stderr == (
        "denied: mount '/proc': the file system 'proc' takes the user namespace that owns the pid "
        "namespace\n")
    assert first.finish().status == 0


def test_message_queues_are_those_of_the_namespace(new_bundle):
    owner, guest = new_bundle(), new_bundle()
    first = owner.create("cat")
    (first.path("root/dev/mqueue") / "mine").touch()
    guest.remove_namespace("ipc")
    guest.linux["namespaces"].append({"type": "ipc", "path": str(first.path("ns/ipc"))})
    assert guest.shell("ls /dev/mqueue") == "mine\n"
    guest.linux["namespaces"][-1] = {"type": "ipc"}
    assert guest.shell("ls /dev/mqueue") == ""
    assert first.finish().status == 0


def test_message_queues_of_the_host_are_bound_where_they_cannot_be_mounted(bundle, host_queue):
    bundle.add_user_namespace()
    bundle.remove_namespace("ipc")
    assert host_queue in bundle.shell("ls /dev/mqueue").split()


def test_type_cgroup2_is_the_containers_cgroup_in_the_unified_hierarchy(bundle):
    bundle.find_mount("/sys/fs/cgroup")["type"] = "cgroup2"
    for namespace in ("cgroup", None):
        result = bundle.shell("stat -f -c %T /sys/fs/cgroup; cat /sys/fs/cgroup/cgroup.procs; "
                              "grep -c ' /sys/fs/cgroup' /proc/self/mountinfo")
        assert result.splitlines()[0] in ("cgroup2", "cgroupfs", "UNKNOWN"), result
        assert result.splitlines()[1] == "1" and result.splitlines()[-1] == "1"
        bundle.remove_namespace(namespace)


def test_a_group_that_the_user_namespace_does_not_have_is_told(bundle):
    bundle.add_user_namespace()
    bundle.linux["gidMappings"] = [{"containerID": 0, "hostID": 100000, "size": 5}]
    assert bundle.run("true").stderr == (
        "invalid: mount '/dev/pts': 'gid=5' is not an id of the user namespace: map it in "
        "linux.gidMappings, or leave the option out\n")
    bundle.find_mount("/dev/pts")["options"].remove("gid=5")
    assert bundle.run("true").status == 0


def test_a_label_without_selinux_is_an_error_and_an_empty_one_is_none(bundle):
    assert not os.path.exists("/sys/fs/selinux/enforce"), "the kernel of the tests has no SELinux"
    bundle.linux["mountLabel"] = ""
    assert bundle.run("true").status == 0
    bundle.linux["mountLabel"] = "system_u:object_r:container_file_t:s0:c1,c2"
    assert bundle.run("true").stderr == \
        "unsupported: linux.mountLabel: SELinux is not enabled on this host\n"
