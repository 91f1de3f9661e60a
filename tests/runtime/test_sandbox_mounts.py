# SPDX-License-Identifier: Apache-2.0
"""Mounts: file systems, binds, their options, propagation, masked and read-only paths."""

import os
import subprocess

import pytest

from harness.mounts import host_mounts, mounts_of


def test_the_root_is_the_bundles_and_the_hosts_is_out_of_reach(bundle):
    bundle.write("/marker", "inside\n")
    mounts = mounts_of(bundle)
    assert bundle.shell("cat /marker; cd ..; cd ../..; pwd; ls -d etc") == "inside\n/\netc\n"
    assert set(mounts) >= {"/", "/proc", "/dev", "/sys", "/dev/pts", "/dev/mqueue", "/dev/shm"}
    host = host_mounts()
    assert not any(mount[1] == host["/"][1] for name, mount in mounts.items() if name != "/")


@pytest.mark.vm_core
def test_the_root_may_be_a_detached_mount_of_the_callers(bundle):
    bundle.write("/marker", "inside\n")
    assert bundle.shell("cat /marker", options=["--rootfs"]) == "inside\n"


def test_a_read_only_root_cannot_be_written_but_what_is_mounted_in_it_can(bundle):
    bundle.config["root"]["readonly"] = True
    result = bundle.run("sh", "-c", "echo > /dev/shm/x && echo shm; echo > /x")
    assert result.stdout == "shm\n"
    assert "Read-only file system" in result.stderr


@pytest.mark.vm_core
def test_file_systems_are_of_their_type_with_their_options(bundle):
    mounts = mounts_of(bundle)
    assert mounts["/proc"][1] == "proc"
    assert {"nosuid", "noexec", "nodev", "rw"} <= set(mounts["/proc"][0])
    assert mounts["/sys"][1] == "sysfs" and "ro" in mounts["/sys"][0]
    assert mounts["/dev"][1] == "tmpfs" and {"mode=755", "size=65536k"} <= set(mounts["/dev"][3])
    assert "relatime" not in mounts["/dev"][0] and "noexec" not in mounts["/dev"][0]
    assert mounts["/dev/pts"][1] == "devpts"
    assert {"gid=5", "mode=620", "ptmxmode=666"} <= set(mounts["/dev/pts"][3])
    assert mounts["/dev/mqueue"][1] == "mqueue"
    assert mounts["/dev/shm"][2] == "shm"


@pytest.mark.parametrize("options, present, absent", [
    (["ro"], ["ro"], ["rw"]),
    (["ro", "rw"], ["rw"], ["ro"]),
    (["nosuid", "nodev", "noexec", "noatime"], ["nosuid", "nodev", "noexec", "noatime"], []),
    (["noexec", "exec", "nosuid", "suid", "nodev", "dev"], [], ["noexec", "nosuid", "nodev"]),
    (["strictatime"], [], ["relatime", "noatime"]),
    (["noatime", "relatime"], ["relatime"], ["noatime"]),
    (["nodiratime"], ["nodiratime"], []),
    (["nosymfollow"], ["nosymfollow"], []),
    (["defaults", "silent"], ["rw", "relatime"], []),
])
@pytest.mark.parametrize("kind", ["tmpfs", "bind"])
def test_mount_flags_are_set_and_cleared_as_written(bundle, outside, kind, options, present,
                                                    absent):
    bundle.mount("/mnt", outside if kind == "bind" else "tmpfs", options, kind)
    flags = mounts_of(bundle)["/mnt"][0]
    assert set(present) <= set(flags) and not set(absent) & set(flags), flags


def test_a_bind_shows_the_source_and_writes_reach_it(bundle, outside):
    (outside / "file").write_text("from outside\n")
    bundle.mount("/mnt/deep/er", outside, ["rbind"])
    assert bundle.shell("cat /mnt/deep/er/file; echo back > /mnt/deep/er/new") == "from outside\n"
    assert (outside / "new").read_text() == "back\n"


def test_a_file_is_bound_over_a_file_that_is_made_if_missing(bundle, outside):
    (outside / "file").write_text("bound\n")
    bundle.write("/etc/present", "image\n")
    for target in ("/etc/present", "/etc/new/absent"):
        bundle.mount(target, outside / "file", ["bind", "ro"])
    assert bundle.shell("cat /etc/present /etc/new/absent") == "bound\nbound\n"
    assert (bundle.rootfs / "etc/present").read_text() == "image\n"


def test_a_relative_bind_source_starts_from_the_bundle(bundle):
    (bundle.directory / "hosts").write_text("names\n")
    bundle.mount("/etc/hosts", "hosts", ["bind"])
    assert bundle.shell("cat /etc/hosts") == "names\n"


def test_a_mount_point_that_is_a_dangling_link_is_made_where_it_points(bundle, outside):
    (outside / "file").write_text("resolver\n")
    (bundle.rootfs / "etc/resolv.conf").symlink_to("../run/systemd/resolve/stub")
    bundle.mount("/etc/resolv.conf", outside / "file", ["bind"])
    assert bundle.shell("cat /etc/resolv.conf /run/systemd/resolve/stub") == "resolver\n" * 2


def test_a_mount_point_through_a_link_out_of_the_root_stays_inside(bundle, outside):
    (outside / "file").write_text("bound\n")
    (bundle.rootfs / "escape").symlink_to(f"../../../../../../../..{outside}/target")
    bundle.mount("/escape", outside / "file", ["bind"])
    assert bundle.shell("cat /escape") == "bound\n"
    assert os.listdir(outside) == ["file"]
    assert (bundle.rootfs / str(outside).lstrip("/") / "target").is_file()


def test_a_missing_source_is_told_by_name(bundle, outside):
    bundle.mount("/mnt", outside / "missing", ["rbind"])
    result = bundle.run("true")
    assert result.status == 125
    assert result.stderr == (f"not-found: mount '{outside}/missing' on '/mnt': "
                             "No such file or directory\n")


def test_a_directory_is_not_mounted_on_a_file_nor_a_file_on_a_directory(bundle, outside):
    bundle.mount("/etc/file", outside, ["bind"])
    bundle.write("/etc/file", "")
    assert "'/etc/file' is not a directory, but the source is" in bundle.run("true").stderr
    (outside / "file").write_text("")
    bundle.config["mounts"][-1].update(destination="/etc", source=str(outside / "file"))
    assert "'/etc' is a directory, but the source is not" in bundle.run("true").stderr


@pytest.mark.parametrize("kind, options, message", [
    ("tmpfs", ["size=lots"], "invalid: file system tmpfs: Bad value for 'size'"),
    ("tmpfs", ["colour=red"], "invalid: file system tmpfs: Unknown parameter 'colour'"),
    ("bind", ["size=1m"], "invalid: mount '/mnt': a bind mount has no option 'size'"),
    ("cgroup", ["size=1m"], "invalid: mount '/mnt': a cgroup mount has no option 'size'"),
    ("bind", ["sync"], "invalid: mount '/mnt': a bind mount has no option 'sync'"),
    ("bind", ["tmpcopyup"], "invalid: mount '/mnt': a bind mount has no option 'tmpcopyup'"),
    ("cgroup", ["idmap"], "invalid: mount '/mnt': a cgroup mount has no option 'idmap'"),
    ("proc", ["tmpcopyup"], "invalid: mount '/mnt': 'tmpcopyup' is an option of the type 'tmpfs'"),
    ("tmpfs", ["iversion"], "invalid: file system tmpfs: Unknown parameter 'i_version'"),
    ("tmpfs", ["copy-symlink"], "unsupported: mount '/mnt': mount option 'copy-symlink' is not"),
    ("bind", ["src-nofollow"], "unsupported: mount '/mnt': mount option 'src-nofollow' is not"),
    ("bind", ["idmap"], "invalid: mount '/mnt': 'idmap' needs uidMappings and gidMappings"),
    ("nonsensefs", [], "unsupported: the kernel has no file system 'nonsensefs'"),
])
def test_a_bad_option_is_told(bundle, outside, kind, options, message):
    bundle.mount("/mnt", outside if kind == "bind" else kind, options, kind)
    result = bundle.run("true")
    assert result.status == 125
    assert result.stderr.startswith(message), result


@pytest.fixture
def tree(outside):
    """A directory with a tmpfs mounted below it."""
    (outside / "below").mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "below", outside / "below"], check=True)
    (outside / "below/file").write_text("below\n")
    yield outside
    subprocess.run(["umount", outside / "below"], check=True)


def test_a_recursive_bind_takes_what_is_mounted_below_along(bundle, tree):
    bundle.mount("/plain", tree, ["bind"])
    bundle.mount("/all", tree, ["rbind"])
    assert bundle.shell("ls /plain/below; cat /all/below/file") == "below\n"


@pytest.mark.vm_core
def test_recursive_flags_reach_the_mounts_below_and_plain_ones_do_not(bundle, tree):
    bundle.mount("/plain", tree, ["rbind", "ro"])
    bundle.mount("/all", tree, ["rbind", "rro", "rnoexec"])
    mounts = mounts_of(bundle)
    assert "ro" in mounts["/plain"][0] and "rw" in mounts["/plain/below"][0]
    for destination in ("/all", "/all/below"):
        assert {"ro", "noexec"} <= set(mounts[destination][0])


@pytest.fixture
def shared(outside):
    """A shared mount of the host."""
    subprocess.run(["mount", "-t", "tmpfs", "shared", outside], check=True)
    subprocess.run(["mount", "--make-shared", outside], check=True)
    yield outside
    subprocess.run(["umount", "-R", outside], check=True)


@pytest.mark.parametrize("options, field", [
    (["rbind"], "master:"), (["rbind", "rslave"], "master:"), (["rbind", "rshared"], "shared:"),
    (["rbind", "rprivate"], ""), (["rbind", "private"], ""),
    (["rbind", "runbindable"], "unbindable"),
])
def test_propagation_is_as_asked_for_and_slave_when_not(bundle, shared, options, field):
    bundle.mount("/mnt", shared, options)
    fields = mounts_of(bundle)["/mnt"][4]
    assert [name.startswith(field) for name in fields] == ([True] if field else []), fields


def test_a_mount_made_on_the_host_later_appears_in_a_slave(bundle, shared):
    (shared / "later").mkdir()
    bundle.mount("/mnt", shared, ["rbind", "rslave"])
    created = bundle.create("cat", "/mnt/later/file")
    subprocess.run(["mount", "-t", "tmpfs", "later", shared / "later"], check=True)
    (shared / "later/file").write_text("later\n")
    assert created.finish().stdout == "later\n"


def test_nothing_that_is_unmounted_inside_is_unmounted_on_the_host(bundle, shared):
    """The old root goes away with pivot_root: below a shared mount the host would see that."""
    (shared / "below").mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "below", shared / "below"], check=True)
    bundle.run("true")
    assert os.path.ismount(shared / "below")


def test_masked_files_are_empty_and_masked_directories_too(bundle):
    bundle.write("/secret", "secret\n")
    bundle.write("/secrets/file", "secret\n")
    bundle.linux["maskedPaths"] += ["/secret", "/secrets"]
    assert bundle.shell("cat /secret /proc/keys /proc/timer_list; ls /secrets /sys/firmware") == \
        "/secrets:\n\n/sys/firmware:\n"
    assert bundle.run("sh", "-c", "echo > /secrets/x").status != 0


def test_masks_cover_what_a_mount_brought(bundle, outside):
    (outside / "secret").write_text("secret\n")
    bundle.mount("/mnt", outside, ["rbind"])
    bundle.linux["maskedPaths"].append("/mnt/secret")
    assert bundle.shell("cat /mnt/secret") == ""


def test_read_only_paths_can_be_read_and_not_written(bundle, tree):
    bundle.mount("/mnt", tree, ["rbind"])
    bundle.linux["readonlyPaths"].append("/mnt")
    script = "cat /mnt/below/file; for i in /mnt/x /mnt/below/x /proc/sys/kernel/hostname; do " \
             "echo x > $i && echo wrote $i; done; true"
    assert bundle.shell(script) == "below\n"


def test_a_tmpfs_over_dev_that_is_read_only_is_populated_first(bundle):
    bundle.find_mount("/dev")["options"].append("ro")
    assert bundle.shell("test -c /dev/null; touch /dev/x 2>/dev/null || echo refused") == \
        "refused\n"


def test_the_configurations_mount_of_dev_is_left_alone(bundle, outside):
    os.mknod(outside / "null", 0o20666, os.makedev(1, 3))
    for destination in ("/dev/pts", "/dev/shm", "/dev/mqueue"):
        bundle.config["mounts"].remove(bundle.find_mount(destination))
    bundle.find_mount("/dev").update(type="bind", source=str(outside), options=["rbind"])
    assert bundle.shell("ls /dev") == "null\n"


def test_a_remount_changes_the_flags_of_what_is_there(bundle):
    bundle.mount("/dev/shm", "none", ["remount", "ro"], "tmpfs")
    assert "ro" in mounts_of(bundle)["/dev/shm"][0]


def test_the_root_is_no_place_for_a_mount(bundle, outside):
    bundle.mount("/..", outside, ["bind"])
    assert "the root is not a place for a mount" in bundle.run("true").stderr
