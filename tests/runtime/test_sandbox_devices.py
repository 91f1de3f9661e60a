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
