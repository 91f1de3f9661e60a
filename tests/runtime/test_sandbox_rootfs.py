# SPDX-License-Identifier: Apache-2.0
"""The root file system: its propagation, its flags, and the two ways into it."""

import subprocess

import pytest

from harness.mounts import host_mounts, mounts_of

ADMIN = ["CAP_SYS_ADMIN", "CAP_SYS_CHROOT"]


def grant(bundle, *capabilities):
    for names in bundle.process["capabilities"].values():
        names += capabilities


@pytest.fixture
def shared_root(bundle):
    """The bundle's root is a shared mount of the host, with a mount point in it."""
    (bundle.rootfs / "mnt").mkdir()
    subprocess.run(["mount", "--bind", bundle.rootfs, bundle.rootfs], check=True)
    subprocess.run(["mount", "--make-shared", bundle.rootfs], check=True)
    grant(bundle, "CAP_SYS_ADMIN")
    yield bundle
    subprocess.run(["umount", "-R", bundle.rootfs], check=True)


def mounts_below(directory):
    return {name for name in host_mounts() if name.startswith(str(directory))}


MOUNT = "mount -t tmpfs inside /mnt; echo done"


@pytest.mark.parametrize("propagation", [None, "private", "rprivate", "slave", "rslave", "shared",
                                         "rshared", "unbindable", "runbindable"])
def test_nothing_that_is_mounted_in_the_root_shows_on_the_host(shared_root, propagation):
    """"shared" is a new peer group, too: specification, rootfsPropagation."""
    if propagation:
        shared_root.linux["rootfsPropagation"] = propagation
    created = shared_root.create("sh", "-ec", MOUNT + "; cat")
    created.start()
    assert created.process.stdout.readline() == b"done\n"
    assert mounts_below(shared_root.directory) == {str(shared_root.rootfs)}
    assert created.wait().status == 0


@pytest.mark.parametrize("propagation, arrives", [
    (None, False), ("private", False), ("slave", True), ("rslave", True), ("shared", False)])
def test_only_a_slave_receives_what_the_host_mounts_later(shared_root, propagation, arrives):
    if propagation:
        shared_root.linux["rootfsPropagation"] = propagation
    created = shared_root.create("ls", "/mnt")
    subprocess.run(["mount", "-t", "tmpfs", "later", shared_root.rootfs / "mnt"], check=True)
    (shared_root.rootfs / "mnt/later").write_text("")
    assert created.finish().stdout == ("later\n" if arrives else "")


@pytest.mark.parametrize("propagation, fields", [
    (None, []), ("private", []), ("rprivate", []), ("slave", ["master"]), ("rslave", ["master"]),
    ("shared", ["shared"]), ("rshared", ["shared"]), ("unbindable", ["unbindable"])])
def test_the_propagation_of_the_root_is_as_asked_for(shared_root, propagation, fields):
    if propagation:
        shared_root.linux["rootfsPropagation"] = propagation
    mounts = mounts_of(shared_root)
    assert [field.partition(":")[0] for field in mounts["/"][4]] == fields
    below = [field.partition(":")[0] for field in mounts["/dev/shm"][4]]
    assert below == (["shared"] if propagation == "rshared" else [])


def test_a_shared_root_passes_mounts_on_to_namespaces_in_the_container(shared_root):
    script = "mkfifo /tmp/a /tmp/b; unshare -m --propagation slave sh -c " \
             "'echo > /tmp/a; read x < /tmp/b; ls /mnt' & read x < /tmp/a; " \
             "mount -t tmpfs nested /mnt; touch /mnt/nested; echo > /tmp/b; wait; rm /tmp/[ab]"
    shared_root.linux["rootfsPropagation"] = "shared"
    assert shared_root.shell(script) == "nested\n"
    shared_root.linux["rootfsPropagation"] = "private"
    assert shared_root.shell(script) == ""


def test_an_unbindable_root_cannot_be_bound(shared_root):
    script = "mount --bind / /mnt && ls -d /mnt/etc"
    assert shared_root.shell(script) == "/mnt/etc\n"
    shared_root.linux["rootfsPropagation"] = "unbindable"
    assert shared_root.run("sh", "-c", script).status != 0


@pytest.mark.parametrize("propagation", ["rprivate", "rslave", "private", "slave"])
def test_the_roots_propagation_leaves_what_a_volume_asked_for(shared_root, outside, propagation):
    subprocess.run(["mount", "-t", "tmpfs", "volume", outside], check=True)
    subprocess.run(["mount", "--make-shared", outside], check=True)
    try:
        shared_root.linux["rootfsPropagation"] = propagation
        shared_root.mount("/slave", outside, ["rbind", "rslave"])
        shared_root.mount("/shared", outside, ["rbind", "rshared"])
        mounts = mounts_of(shared_root)
    finally:
        subprocess.run(["umount", outside], check=True)
    assert mounts["/slave"][4][0].startswith("master:")
    assert mounts["/shared"][4][0].startswith("shared:")


def test_no_mount_option_is_lost_on_a_root_that_is_a_mount(shared_root):
    """The clone keeps the flags of the mount that it is made of."""
    subprocess.run(["mount", "-o", "remount,bind,nodev", shared_root.rootfs], check=True)
    assert "nodev" in mounts_of(shared_root)["/"][0]


@pytest.mark.parametrize("options", [[], ["--no-pivot"]])
def test_the_root_is_read_only_and_nothing_else(bundle, outside, options):
    bundle.config["root"]["readonly"] = True
    bundle.mount("/mnt/made", outside, ["bind"])
    result = bundle.run("sh", "-c", "echo > /x; echo > /mnt/made/x && echo written",
                        options=options)
    assert result.stdout == "written\n" and "Read-only file system" in result.stderr


def test_without_pivot_the_root_is_the_same(bundle):
    bundle.write("/marker", "inside\n")
    bundle.process["terminal"] = False
    mounts = mounts_of(bundle, options=["--no-pivot"])
    assert {name: mount[:3] for name, mount in mounts.items()} == \
        {name: mount[:3] for name, mount in mounts_of(bundle).items()}
    assert bundle.shell("cat /marker; cd ..; cd ../..; pwd; ls -d etc",
                        options=["--no-pivot"]) == "inside\n/\netc\n"


def test_without_pivot_there_is_no_way_back_out(bundle, outside):
    """The classic way out of chroot(2): a new root below the working directory, and many '..'."""
    (outside / "secret").write_text("secret\n")
    grant(bundle, *ADMIN)
    up = "../" * 30
    script = f"mkdir -p /tmp/jail; cp /bin/busybox /tmp/jail; exec 9< /; cd /; " \
             f"chroot /tmp/jail /busybox ls {up}{outside}; " \
             f"ls {up}{outside} 2>/dev/null; cat /proc/1/root{outside}/secret; true"
    result = bundle.run("sh", "-c", script, options=["--no-pivot"])
    assert "secret" not in result.stdout.replace("/secret", ""), result


@pytest.mark.parametrize("options", [[], ["--no-pivot"]])
def test_no_other_procfs_is_in_the_namespace_that_would_allow_an_unmasked_one(bundle, options):
    """A procfs that is covered in part may not be mounted whole by a user namespace: unless one
    that is whole is left in the mount namespace."""
    bundle.process["user"] = {"uid": 1000, "gid": 1000}
    script = "unshare -Urmpf mount -t proc proc /tmp && echo mounted"
    assert bundle.run("sh", "-c", script, options=options).stdout == ""
    bundle.linux["maskedPaths"] = bundle.linux["readonlyPaths"] = []
    assert bundle.run("sh", "-c", script, options=options).stdout == "mounted\n"


def test_without_pivot_in_a_user_namespace_the_hosts_procfs_is_covered(bundle):
    bundle.add_user_namespace()
    script = "unshare -Urmpf mount -t proc proc /tmp && echo mounted"
    assert bundle.run("sh", "-c", script, options=["--no-pivot"]).stdout == ""
    assert bundle.shell("ls -d /proc/self /sys/class", options=["--no-pivot"]) == \
        "/proc/self\n/sys/class\n"


def test_a_runtime_in_a_chroot_leaves_nothing_of_what_is_around_it(bundle, tmp_path):
    """What joins the mount namespace begins at its root: that has to be the container's."""
    bundle.prefix = ["unshare", "--mount", "sh", "-c",
                     'mount --rbind / "$0" && exec chroot "$0" "$@"', tmp_path]
    bundle.write("/etc/marker", "inside\n")
    created = bundle.create("cat")
    created.start()
    created.process.stdin.write(b"up\n")
    created.process.stdin.flush()
    assert created.process.stdout.readline() == b"up\n"
    bundle.prefix = []
    result = bundle.run("cat", "/etc/marker", options=[f"--join={created.pid}"])
    assert (result.status, result.stdout) == (0, "inside\n"), result
