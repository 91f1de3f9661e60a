# SPDX-License-Identifier: Apache-2.0
"""The guest has what it is there for: what the machine around it lacks."""

import pathlib
import subprocess

import pytest

from harness import leaks

pytestmark = pytest.mark.vm_core


def test_the_only_cgroup_hierarchy_is_v2_with_all_its_controllers():
    (hierarchy,) = leaks.hierarchies()
    assert hierarchy == pathlib.Path("/sys/fs/cgroup")
    controllers = (hierarchy / "cgroup.controllers").read_text().split()
    assert {"cpuset", "cpu", "io", "memory", "hugetlb", "pids"} <= set(controllers)


def test_apparmor_is_on():
    assert pathlib.Path("/sys/module/apparmor/parameters/enabled").read_text() == "Y\n"
    assert pathlib.Path("/sys/kernel/security/apparmor/profiles").exists()


@pytest.mark.parametrize("link", [
    "link0 type bridge", "link0 type veth", "link dummy0 link0 type ipvlan",
    "link dummy0 link0 type macvlan", "link dummy0 link0 type vlan id 7"])
def test_the_kernel_loads_what_a_link_needs(link):
    commands = f"link add dummy0 type dummy\nlink add {link}\nlink show link0\n"
    subprocess.run(["unshare", "--net", "ip", "-batch", "-"], input=commands, check=True, text=True)


@pytest.mark.parametrize("device", ["fuse", "loop-control", "net/tun"])
def test_devices_of_modules_are_there(device):
    assert (pathlib.Path("/dev") / device).is_char_device()


def test_files_are_this_machines_and_can_be_changed():
    this = pathlib.Path(__file__)
    before = this.read_bytes()
    this.write_bytes(before + b"# changed, here\n")
    assert this.read_bytes().startswith(before)
    this.write_bytes(before)
