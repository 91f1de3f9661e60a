# SPDX-License-Identifier: Apache-2.0
"""/dev: nodes, links, standard input and output."""

import os
import stat
import subprocess

import pytest

DEFAULT = {"null": "1:3", "zero": "1:5", "full": "1:7", "random": "1:8", "urandom": "1:9",
           "tty": "5:0"}
LINKS = {"fd": "/proc/self/fd", "stdin": "/proc/self/fd/0", "stdout": "/proc/self/fd/1",
         "stderr": "/proc/self/fd/2", "core": "/proc/kcore", "ptmx": "pts/ptmx"}


@pytest.mark.vm_core
def test_the_default_devices_are_there_and_work(bundle):
    for name, number in DEFAULT.items():
        major, minor = (f"{int(part):x}" for part in number.split(":"))
        assert bundle.shell(f"stat -c '%F %t:%T %a %u:%g' /dev/{name}") == \
            f"character special file {major}:{minor} 666 0:0\n"
    assert bundle.shell("echo x > /dev/null; head -c 3 /dev/zero | wc -c; "
                        "head -c 3 /dev/urandom | wc -c") == "3\n3\n"


def test_the_links_of_dev_lead_into_procfs_and_devpts(bundle):
    for name, target in LINKS.items():
        assert bundle.shell(f"readlink /dev/{name}") == target + "\n"
    assert bundle.shell("echo through > /dev/stdout; cat /dev/stdin", data="in") == "through\nin"


def test_nothing_of_the_hosts_dev_shows(bundle):
    expected = {*DEFAULT, *LINKS, "pts", "mqueue", "shm"}
    assert set(bundle.shell("ls /dev").split()) == expected


def test_devices_of_the_configuration_are_made_as_described(bundle):
    bundle.linux["devices"] = [
        {"path": "/dev/deep/fuse", "type": "c", "major": 10, "minor": 229, "fileMode": 0o640,
         "uid": 7, "gid": 8},
        {"path": "/dev/loop9", "type": "b", "major": 7, "minor": 9},
        {"path": "/dev/pipe", "type": "p", "fileMode": 0o600},
        {"path": "/dev/null", "type": "c", "major": 1, "minor": 3, "fileMode": 0o600},
    ]
    bundle.linux["resources"]["devices"].append({"allow": True, "access": "m"})
    assert bundle.shell("stat -c '%F %t:%T %a %u:%g' /dev/deep/fuse /dev/loop9 /dev/pipe "
                        "/dev/null").splitlines() == [
        "character special file a:e5 640 7:8",
        "block special file 7:9 666 0:0",
        "fifo 0:0 600 0:0",
        "character special file 1:3 600 0:0",
    ]


def test_in_a_user_namespace_the_hosts_devices_are_bound_and_work(bundle):
    bundle.add_user_namespace()
    for name, number in DEFAULT.items():
        major, minor = (f"{int(part):x}" for part in number.split(":"))
        assert bundle.shell(f"stat -c '%F %t:%T' /dev/{name}") == \
            f"character special file {major}:{minor}\n"
    assert bundle.shell("echo x > /dev/null; head -c 3 /dev/zero | wc -c") == "3\n"


def test_a_node_of_the_image_must_be_the_device_that_its_name_says(bundle):
    for destination in ("/dev/pts", "/dev/shm", "/dev/mqueue", "/dev"):
        bundle.config["mounts"].remove(bundle.find_mount(destination))
    os.mknod(bundle.rootfs / "dev/null", stat.S_IFCHR | 0o666, os.makedev(1, 3))
    assert bundle.run("test", "-c", "/dev/zero").status == 0
    (bundle.rootfs / "dev/zero").unlink()
    os.mknod(bundle.rootfs / "dev/zero", stat.S_IFCHR | 0o666, os.makedev(1, 8))
    result = bundle.run("true")
    assert result.stderr == ("invalid: make device '/dev/zero': the image has something else "
                             "there\n")


def test_unbuffered_devices_are_character_devices_and_any_directory_may_hold_one(bundle):
    bundle.linux["devices"] = [
        {"path": "/dev/first", "type": "u", "major": 1, "minor": 5},
        {"path": "/opt/nodes/zero", "type": "c", "major": 1, "minor": 5, "fileMode": 0o604},
    ]
    assert bundle.shell("stat -c '%F %t:%T %a' /dev/first /opt/nodes/zero; "
                        "head -c 2 /opt/nodes/zero | wc -c").splitlines() == [
        "character special file 1:5 666", "character special file 1:5 604", "2"]


def test_in_a_user_namespace_dev_has_what_was_asked_for_and_nodes_elsewhere_are_bound(bundle):
    bundle.add_user_namespace()
    bundle.linux["devices"] = [
        {"path": "/dev/pipe", "type": "p", "fileMode": 0o620, "uid": 3, "gid": 4},
        {"path": "/dev/under/full", "type": "c", "major": 1, "minor": 7, "fileMode": 0o640,
         "uid": 5, "gid": 6},
        {"path": "/opt/full", "type": "c", "major": 1, "minor": 7}]
    assert bundle.shell("cd /dev; stat -c '%n %F %a %u:%g' pipe under null;"
                        "stat -c '%n %F %t:%T %a %u:%g' under/full; stat -c %t:%T /opt/full;"
                        "head -c 0 under/full; head -c 0 /opt/full;"
                        "mknod /dev/other c 1 7 2>/dev/null || echo refused") == \
        "pipe fifo 620 3:4\nunder directory 755 0:0\nnull character special file 666 0:0\n" \
        "under/full character special file 1:7 640 5:6\n1:7\nrefused\n"


def test_in_a_user_namespace_without_a_root_nodes_are_bound_by_name_or_number(bundle):
    bundle.add_user_namespace()
    bundle.linux["uidMappings"] = [{"containerID": 1000, "hostID": 1000, "size": 1}]
    bundle.config["process"]["user"] = {"uid": 1000, "gid": 0}
    bundle.linux["devices"] = [
        {"path": "/dev/full", "type": "c", "major": 1, "minor": 8},
        {"path": "/dev/other", "type": "c", "major": 1, "minor": 5}]
    assert bundle.shell("stat -c %t:%T /dev/full /dev/other; head -c 1 /dev/other | wc -c") == \
        "1:8\n1:5\n1\n"
    bundle.linux["devices"] = [{"path": "/dev/full", "type": "c", "major": 250, "minor": 77}]
    assert bundle.run("true").stderr == \
        "invalid: the host's '/dev/full' is not the device that was asked for\n"
    bundle.linux["devices"][0]["path"] = "/opt/none"
    assert bundle.run("true").stderr == \
        "not-found: open the host's device '/opt/none': No such file or directory\n"


@pytest.fixture
def bound_dev(bundle, outside):
    """/dev is a directory of the host's, with two devices in it."""
    for name, minor in (("null", 3), ("zero", 5)):
        os.mknod(outside / name, stat.S_IFCHR | 0o666, os.makedev(1, minor))
    for destination in ("/dev/pts", "/dev/shm", "/dev/mqueue"):
        bundle.config["mounts"].remove(bundle.find_mount(destination))
    bundle.find_mount("/dev").update(type="bind", source=str(outside), options=["rbind"])
    return bundle


@pytest.mark.parametrize("user", [False, True])
def test_in_a_dev_that_is_bound_devices_are_checked_and_never_made(bound_dev, outside, user):
    if user:
        bound_dev.add_user_namespace()
    zero = {"path": "/dev/zero", "type": "c", "major": 1, "minor": 5}
    bound_dev.linux["devices"] = [zero]
    assert bound_dev.shell("ls /dev") == "null\nzero\n"
    for path, error in (
            ("/dev/none", "not-found: make device '/dev/none': No such file or directory\n"),
            ("/dev/no/ne", "not-found: make device '/dev/no/ne': No such file or directory\n"),
            ("/dev/null", "invalid: make device '/dev/null': what is mounted at /dev has "
                          "something else there\n")):
        zero["path"] = path
        assert bound_dev.run("true").stderr == error
    assert sorted(os.listdir(outside)) == ["null", "zero"]


def test_beside_a_dev_that_is_bound_devices_are_made(bound_dev, outside):
    bound_dev.linux["devices"] = [{"path": "/devices/zero", "type": "c", "major": 1, "minor": 5}]
    assert bound_dev.shell("stat -c '%F %t:%T' /devices/zero") == "character special file 1:5\n"
    assert sorted(os.listdir(outside)) == ["null", "zero"]


@pytest.fixture
def mode_of_null():
    before = os.stat("/dev/null").st_mode
    yield before
    os.chmod("/dev/null", stat.S_IMODE(before))


def test_the_hosts_null_device_is_never_the_containers_descriptor(bundle, mode_of_null):
    bundle.write_config(["sh", "-c", "for i in 0 1 2; do chmod 600 /proc/self/fd/$i; done"])
    status = subprocess.run(bundle.command(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL, env=bundle.environment(),
                            check=False).returncode
    assert status == 0
    assert os.stat("/dev/null").st_mode == mode_of_null


def test_a_user_can_open_its_pipes_again(bundle):
    bundle.process["user"] = {"uid": 1000, "gid": 1000}
    assert bundle.shell("echo out > /dev/stdout; cat /dev/stdin", data="in") == "out\nin"


def test_a_file_that_was_passed_keeps_its_owner(bundle, outside):
    bundle.process["user"] = {"uid": 1000, "gid": 1000}
    bundle.write_config(["echo", "out"])
    with open(outside / "log", "w", encoding="ascii") as log:
        subprocess.run(bundle.command(), stdin=subprocess.DEVNULL, stdout=log, check=True,
                       env=bundle.environment())
    assert (outside / "log").read_text() == "out\n"
    assert os.stat(outside / "log").st_uid == 0
