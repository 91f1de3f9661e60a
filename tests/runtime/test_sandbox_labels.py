# SPDX-License-Identifier: Apache-2.0
"""Security labels: confinement where the kernel can confine, a clear error where it cannot."""

import pathlib
import subprocess

import pytest

APPARMOR = pathlib.Path("/sys/module/apparmor/parameters/enabled")
PROFILE = """
profile {name} flags=(attach_disconnected) {{
  file,
  deny /secret r,
}}
"""


def has_apparmor():
    return APPARMOR.exists() and APPARMOR.read_text().startswith("Y")


def has_selinux():
    return pathlib.Path("/sys/fs/selinux/enforce").exists()


@pytest.fixture
def profile(numbers, worker_directory):
    """The name of a profile that lets everything be read but /secret; loaded where that works."""
    name = f"cay-test-{worker_directory.name}-{next(numbers)}"
    text = PROFILE.format(name=name)
    if has_apparmor():
        subprocess.run(["apparmor_parser", "--replace"], input=text, text=True, check=True)
    yield name
    if has_apparmor():
        subprocess.run(["apparmor_parser", "--remove"], input=text, text=True, check=True)


def assert_confined(result, name):
    """By the profile, or refused for want of one."""
    if has_apparmor():
        assert result.stdout == f"{name} (enforce)\n", result
        assert "'/secret': Permission denied" in result.stderr
    else:
        assert result.status == 125
        assert result.stderr == (f"unsupported: process.apparmorProfile: '{name}': AppArmor is not "
                                 "enabled in this kernel\n")


CONFINED = ("sh", "-c", "cat /proc/self/attr/current; cat /secret")


@pytest.mark.parametrize("no_new_privileges", [False, True])
def test_a_program_is_confined_by_its_apparmor_profile(bundle, profile, no_new_privileges):
    bundle.write("/secret", "secret\n")
    bundle.process["noNewPrivileges"] = no_new_privileges
    bundle.process["apparmorProfile"] = profile
    assert_confined(bundle.run(*CONFINED), profile)


def test_a_program_that_joins_is_confined_too(bundle, profile):
    bundle.write("/secret", "secret\n")
    created = bundle.create("cat")
    created.start()
    bundle.process["apparmorProfile"] = profile
    assert_confined(bundle.run(*CONFINED, options=[f"--join={created.pid}"]), profile)
    assert created.wait().status == 0


@pytest.mark.parametrize("what", ["overmounted", "a link"])
def test_a_proc_of_the_images_does_not_skip_the_label(bundle, profile, outside, what):
    """CVE-2019-16884, CVE-2023-28642: the label would be written into a file of the image's, and
    the program run without it."""
    fake = outside / "self/attr/apparmor"
    fake.mkdir(parents=True)
    for name in (fake / "exec", fake.parent / "exec"):
        name.write_text("")
    bundle.write("/secret", "secret\n")
    bundle.mount("/real", "proc", [], "proc")
    bundle.linux["maskedPaths"] = bundle.linux["readonlyPaths"] = []
    bundle.process["apparmorProfile"] = profile
    if what == "a link":
        bundle.config["mounts"].remove(bundle.find_mount("/proc"))
        (bundle.rootfs / "proc").rmdir()
        (bundle.rootfs / "proc").symlink_to("fake")
        bundle.mount("/fake", outside, ["rbind"])
    else:
        bundle.mount("/proc", outside, ["rbind"])
    result = bundle.run("sh", "-c", "cat /real/self/attr/current; cat /secret")
    assert_confined(result, profile)
    assert (fake / "exec").read_text() == (fake.parent / "exec").read_text() == ""


def test_a_profile_that_is_not_loaded_is_named(bundle):
    bundle.process["apparmorProfile"] = "of-nobody"
    result = bundle.run("true")
    assert result.status == 125
    if has_apparmor():
        assert result.stderr == ("not-found: process.apparmorProfile: the profile 'of-nobody' is "
                                 "not loaded\n")
    else:
        assert "process.apparmorProfile: 'of-nobody': AppArmor is not enabled" in result.stderr


def test_a_selinux_label_is_an_error_where_there_is_no_selinux(bundle):
    """Where there is, the policy decides whether the label exists: either way it is named."""
    bundle.process["selinuxLabel"] = "system_u:system_r:container_t:s0:c1,c2"
    result = bundle.run("true")
    if has_selinux():
        assert result.status == 0 or "process.selinuxLabel" in result.stderr
    else:
        assert result.stderr == ("unsupported: process.selinuxLabel: "
                                 "'system_u:system_r:container_t:s0:c1,c2': SELinux is not enabled "
                                 "in this kernel\n")


def test_empty_labels_are_none(bundle):
    bundle.process["apparmorProfile"] = bundle.process["selinuxLabel"] = ""
    assert bundle.run("true").status == 0
