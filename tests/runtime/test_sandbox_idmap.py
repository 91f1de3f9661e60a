# SPDX-License-Identifier: Apache-2.0
"""Mounts whose files belong to other ids inside than on the disk."""

import os
import subprocess

import pytest

from harness import kernel

MAPPING = [{"containerID": 0, "hostID": 5000, "size": 10},
           {"containerID": 100, "hostID": 7000, "size": 1}]


@pytest.fixture
def files(outside):
    """One file of root's and one of user 100, group 101."""
    (outside / "root").write_text("")
    (outside / "user").write_text("")
    os.chown(outside / "user", 100, 3)
    return outside


def add(bundle, source, options, **mappings):
    bundle.mount("/mnt", source, options)
    bundle.config["mounts"][-1].update(mappings)


def owners(bundle, directory="/mnt"):
    return bundle.shell(f"cd {directory}; stat -c '%n %u:%g' root user").split("\n")[:-1]


def children():
    with open("/proc/self/task/" + str(os.getpid()) + "/children", encoding="ascii") as file:
        return file.read()


@pytest.mark.parametrize("options", [["bind", "idmap"], ["rbind", "ridmap"], ["bind"]])
def test_ids_are_mapped_as_the_mount_says(bundle, files, options):
    """Also without the option, as configurations were written before there was one."""
    add(bundle, files, options, uidMappings=MAPPING, gidMappings=MAPPING)
    assert owners(bundle) == ["root 5000:5000", "user 7000:5003"]
    assert os.stat(files / "user").st_uid == 100


def test_what_is_written_has_the_id_on_the_disk_that_is_mapped_to_the_writer(bundle, files):
    add(bundle, files, ["bind", "idmap"], uidMappings=MAPPING, gidMappings=MAPPING)
    files.chmod(0o777)
    bundle.process["user"] = {"uid": 7000, "gid": 5003}
    bundle.shell("touch /mnt/new")
    assert (os.stat(files / "new").st_uid, os.stat(files / "new").st_gid) == (100, 3)


def test_users_and_groups_have_mappings_of_their_own(bundle, files):
    groups = [{"containerID": 0, "hostID": 20, "size": 4}]
    add(bundle, files, ["bind", "idmap"], uidMappings=MAPPING, gidMappings=groups)
    assert owners(bundle) == ["root 5000:20", "user 7000:23"]


def test_without_mappings_the_container_sees_the_ids_of_the_disk(bundle, files):
    bundle.add_user_namespace()
    add(bundle, files, ["rbind", "idmap"])
    assert owners(bundle) == ["root 0:0", "user 100:3"]
    bundle.shell("echo > /mnt/new")
    assert os.stat(files / "new").st_uid == 0


def test_two_mounts_may_have_different_ids(bundle, files):
    bundle.add_user_namespace()
    add(bundle, files, ["bind", "idmap"])
    other = [{"containerID": 0, "hostID": 100000 + 9, "size": 101}]
    bundle.mount("/other", files, ["bind", "idmap"])
    bundle.config["mounts"][-1].update(uidMappings=other, gidMappings=other)
    bundle.mount("/third", files, ["bind", "idmap"])
    assert owners(bundle) == owners(bundle, "/third") == ["root 0:0", "user 100:3"]
    assert owners(bundle, "/other") == ["root 9:9", "user 109:12"]


@pytest.fixture
def nested(files):
    """With another mount below, of the same file system, which is known to map ids."""
    for directory in files / "other", files / "below":
        directory.mkdir()
    subprocess.run(["mount", "--bind", files / "other", files / "below"], check=True)
    (files / "below/root").write_text("")
    (files / "below/user").write_text("")
    yield files
    subprocess.run(["umount", files / "below"], check=True)


@pytest.mark.parametrize("option, expected", [("idmap", "0:0"), ("ridmap", "5000:5000")])
def test_only_the_recursive_form_reaches_what_is_mounted_below(bundle, nested, option, expected):
    add(bundle, nested, ["rbind", option], uidMappings=MAPPING, gidMappings=MAPPING)
    assert owners(bundle, "/mnt/below")[0] == f"root {expected}"
    assert owners(bundle)[0] == "root 5000:5000"


def test_a_new_file_system_is_mapped_too(bundle):
    bundle.mount("/mnt", "tmpfs", ["idmap", "mode=755"], "tmpfs")
    bundle.config["mounts"][-1].update(uidMappings=MAPPING, gidMappings=MAPPING)
    result = bundle.run("stat", "-c", "%u:%g", "/mnt")
    if kernel.TMPFS_MAPS_IDS:
        assert result.stdout == "5000:5000\n"
    else:
        assert result.stderr == \
            "unsupported: mount '/mnt': the file system 'tmpfs' cannot map ids\n"


def test_a_file_system_that_cannot_map_ids_is_told_with_its_mount(bundle):
    add(bundle, "/proc", ["bind", "idmap"], uidMappings=MAPPING, gidMappings=MAPPING)
    assert bundle.run("true").stderr == \
        "unsupported: mount '/mnt': the file system of '/proc' cannot map ids\n"
    bundle.config["mounts"][-1].update(type="proc", options=[])
    assert bundle.run("true").stderr == \
        "unsupported: mount '/mnt': the file system 'proc' cannot map ids\n"


@pytest.mark.parametrize("options", [["remount", "idmap"], ["remount", "bind", "ridmap"]])
def test_what_is_mounted_already_cannot_be_mapped(bundle, options):
    bundle.mount("/dev/shm", "none", options, "tmpfs")
    assert bundle.run("true").stderr == "invalid: mount '/dev/shm': a remount cannot 'idmap'\n"


def test_mappings_for_users_alone_are_refused(bundle, files):
    add(bundle, files, ["bind", "idmap"], uidMappings=MAPPING)
    assert "uidMappings: is only of use with gidMappings" in bundle.run("true").stderr
