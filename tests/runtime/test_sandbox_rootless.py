# SPDX-License-Identifier: Apache-2.0
"""Containers of an ordinary user, who has no right on the host that others do not have."""

import os
import pathlib
import subprocess

import pytest

from harness import ordinary
from harness.ordinary import SUB_FIRST, USER

SELF = [(0, USER, 1)]
GRANTED = [(0, USER, 1), (1, SUB_FIRST, 65535)]


@pytest.fixture
def bundle(new_bundle):
    bundle = new_bundle()
    bundle.process["env"].append("LC_ALL=C")
    return bundle


@pytest.mark.parametrize("mappings", [SELF, GRANTED])
def test_an_ordinary_user_is_root_in_the_container_and_itself_outside(bundle, mappings):
    ordinary.adapt(bundle, mappings)
    result = ordinary.run(bundle, "sh", "-c", "id -u; cat /proc/self/uid_map; touch /tmp/made; "
                                              "hostname; echo $$")
    assert result.status == 0, result
    words = [str(number) for mapping in mappings for number in mapping]
    assert result.stdout.split() == ["0", *words, "box", "1"]
    assert os.stat(bundle.rootfs / "tmp/made").st_uid == USER


def test_granted_ids_are_the_programs_users(bundle):
    ordinary.adapt(bundle, GRANTED)
    bundle.process["user"] = {"uid": 1000, "gid": 1000, "additionalGids": [7]}
    (bundle.rootfs / "tmp").chmod(0o777)
    result = ordinary.run(bundle, "sh", "-c", "id -u; id -G; touch /tmp/made")
    assert result.stdout.split() == ["1000", "1000", "7"], result
    assert os.stat(bundle.rootfs / "tmp/made").st_uid == SUB_FIRST + 999


@pytest.mark.parametrize("name, path", [("null", "/dev/null"), ("random", "/dev/random")])
def test_devices_are_the_hosts(bundle, name, path):
    ordinary.adapt(bundle, SELF)
    result = ordinary.run(bundle, "stat", "-c", "%F %t:%T", path)
    found = os.stat(f"/dev/{name}").st_rdev
    number = f"{os.major(found):x}:{os.minor(found):x}"
    assert result.stdout == f"character special file {number}\n", result


def test_mounts_and_the_network_are_there(bundle, outside):
    ordinary.adapt(bundle, SELF)
    (bundle.directory / "shared").mkdir()
    (bundle.directory / "shared/file").write_text("shared\n")
    bundle.mount("/shared", "shared", ["rbind", "ro"])
    result = ordinary.run(bundle, "sh", "-c", "cat /shared/file; touch /shared/x; "
                                              "ip address show dev lo up | grep -c 127.0.0.1; "
                                              "echo x >/dev/shm/x && cat /dev/shm/x; ls /dev/pts")
    assert result.stdout.split() == ["shared", "1", "x", "ptmx"], result
    assert "Read-only file system" in result.stderr


def test_all_new_namespaces_can_be_had(bundle):
    ordinary.adapt(bundle, GRANTED)
    bundle.linux["namespaces"].append({"type": "time"})
    bundle.linux["timeOffsets"] = {"boottime": {"secs": 1000}}
    kinds = ("mnt", "pid", "net", "ipc", "uts", "cgroup", "user", "time")
    result = ordinary.run(bundle, "sh", "-c", "cat /proc/self/timens_offsets; "
                          + "; ".join(f"readlink /proc/self/ns/{kind}" for kind in kinds))
    lines = result.stdout.splitlines()
    assert [line.split() for line in lines[:2]] == [["monotonic", "0", "0"],
                                                    ["boottime", "1000", "0"]], result
    own = {os.readlink(f"/proc/self/ns/{kind}") for kind in kinds}
    assert len(lines[2:]) == len(kinds) and not own & set(lines[2:])


def test_a_terminal_and_hooks_work(bundle):
    ordinary.adapt(bundle, SELF)
    (bundle.directory / "log").touch()
    os.chown(bundle.directory / "log", USER, USER)
    bundle.config["hooks"] = {
        kind: [{"path": "/bin/sh", "args": ["sh", "-c", f"id -u >>{ordinary.PLACE}/bundle/log"]}]
        for kind in ("prestart", "createRuntime", "createContainer", "poststart", "poststop")}
    bundle.process["terminal"] = True
    result = ordinary.run(bundle, "sh", "-c", "tty; test -c /dev/console && echo console")
    assert result.stdout.split() == ["/dev/pts/0", "console"], result
    assert (bundle.directory / "log").read_text().split() == \
        [str(USER), str(USER), "0", str(USER), str(USER)]


def test_groups_of_the_caller_are_dropped_where_the_kernel_lets_us(bundle):
    """CVE-2022-36109. With a single mapping nobody may change them: they stay, as nobody's."""
    ordinary.adapt(bundle, GRANTED)
    script = ["sh", "-c", "grep Groups: /proc/self/status; cat /proc/self/setgroups"]
    result = ordinary.run(bundle, *script, groups="--groups 61300")
    assert result.stdout.split() == ["Groups:", "allow"], result
    bundle.linux["uidMappings"] = bundle.linux["gidMappings"] = [
        {"containerID": 0, "hostID": USER, "size": 1}]
    bundle.find_mount("/dev/pts")["options"].remove("gid=5")
    result = ordinary.run(bundle, *script, groups="--groups 61300")
    assert result.stdout.split() == ["Groups:", "65534", "deny"], result


def test_root_that_may_not_change_groups_does_not_keep_them_silently(bundle):
    bundle.write_config(["true"])
    done = subprocess.run(["setpriv", "--groups", "61300", "--bounding-set", "-setgid",
                           *bundle.command()], capture_output=True, text=True, check=False,
                          env=bundle.environment())
    assert done.stderr == ("denied: process.user.additionalGids: set the supplementary groups: "
                           "Operation not permitted\n")


def test_supplementary_groups_need_a_namespace_that_lets_them_be_set(bundle):
    ordinary.adapt(bundle, SELF)
    bundle.process["user"]["additionalGids"] = [0]
    assert ordinary.run(bundle, "true").stderr == (
        "denied: process.user.additionalGids: an ordinary user's namespace without newgidmap has "
        "no supplementary groups\n")


def test_ids_that_were_not_granted_are_refused_with_the_helpers_words(bundle):
    ordinary.adapt(bundle, [(0, USER, 1), (1, 5, 10)])
    result = ordinary.run(bundle, "true")
    assert result.status == 125
    assert result.stderr.startswith("denied: linux.uidMappings: newuidmap refused: newuidmap: ")
    assert result.stderr.count("\n") == 1
    bundle.linux["uidMappings"] = [{"containerID": 0, "hostID": USER, "size": 1}]
    assert ordinary.run(bundle, "true").stderr.startswith(
        "denied: linux.gidMappings: newgidmap refused: newgidmap: ")


def test_without_the_helpers_the_package_is_named(bundle):
    ordinary.adapt(bundle, GRANTED)
    hide = "".join(f"! test -e {path} || mount --bind {ordinary.PLACE}/subuid {path};"
                   for path in ("/usr/bin/newuidmap", "/usr/local/bin/newuidmap"))
    assert ordinary.run(bundle, "true", extra=hide).stderr == (
        "unavailable: linux.uidMappings: to map more than itself an ordinary user needs "
        "'newuidmap', of the package uidmap\n")


def test_oneself_is_mapped_without_the_helpers(bundle):
    ordinary.adapt(bundle, SELF)
    hide = "".join(f"! test -e {path} || mount --bind {ordinary.PLACE}/subuid {path};"
                   for path in ("/usr/bin/newuidmap", "/usr/bin/newgidmap"))
    assert ordinary.run(bundle, "true", extra=hide).status == 0


def test_namespaces_of_the_users_own_are_joined_through_their_user_namespace(bundle):
    """The right to join the others is one in the user namespace, wherever it is in the list."""
    holder = subprocess.Popen(
        ["setpriv", "--reuid", str(USER), "--regid", str(USER), "--clear-groups", "unshare",
         "--user", "--map-root-user", "--net", "--uts", "--ipc", "sh", "-c", "echo; exec cat"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd="/")
    try:
        holder.stdout.readline()
        ordinary.adapt(bundle, SELF)
        del bundle.linux["uidMappings"], bundle.linux["gidMappings"], bundle.config["hostname"]
        files = {"network": "net", "uts": "uts", "ipc": "ipc", "user": "user"}
        for kind, file in files.items():
            bundle.remove_namespace(kind)
            bundle.linux["namespaces"].append({"type": kind,
                                               "path": f"/proc/{holder.pid}/ns/{file}"})
        result = ordinary.run(bundle, "sh", "-c", "; ".join(
            f"readlink /proc/self/ns/{file}" for file in files.values()))
        assert result.stdout.split() == [os.readlink(f"/proc/{holder.pid}/ns/{file}")
                                         for file in files.values()], result
    finally:
        holder.communicate()


def test_path_does_not_choose_the_helpers(bundle):
    """It is the caller's, and may name a program of somebody else's."""
    ordinary.adapt(bundle, GRANTED)
    extra = (f"printf '#!/bin/sh\\nexit 1\\n' >{ordinary.PLACE}/helpers/newuidmap; "
             f"chmod 755 {ordinary.PLACE}/helpers/newuidmap; "
             f"export PATH={ordinary.PLACE}/helpers:$PATH")
    result = ordinary.run(bundle, "true", extra=extra)
    assert result.status == 0, result


def test_an_ordinary_user_without_a_user_namespace_is_told_so(bundle):
    ordinary.adapt(bundle, SELF)
    bundle.remove_namespace("user")
    del bundle.linux["uidMappings"], bundle.linux["gidMappings"]
    assert ordinary.run(bundle, "true").stderr == \
        "denied: linux.namespaces: an ordinary user needs a 'user' namespace\n"


@pytest.mark.parametrize("score, seen", [(500, "500"), (-500, "0")])
def test_the_oom_score_is_raised_and_never_lowered(bundle, score, seen):
    ordinary.adapt(bundle, SELF)
    bundle.process["oomScoreAdj"] = score
    extra = "echo 0 >/proc/self/oom_score_adj"
    result = ordinary.run(bundle, "cat", "/proc/self/oom_score_adj", extra=extra)
    assert result.stdout == f"{seen}\n", result


@pytest.fixture
def own_cgroup(numbers):
    """A cgroup that belongs to the ordinary user, as systemd delegates one."""
    unified = pathlib.Path("/sys/fs/cgroup/unified")
    directory = (unified if unified.exists() else unified.parent) / \
        f"caytest-ordinary-{os.getpid()}-{next(numbers)}"
    directory.mkdir()
    for path in (directory, *directory.iterdir()):
        os.chown(path, USER, USER)
    yield directory
    for made in directory.iterdir():
        if made.is_dir():
            made.rmdir()
    directory.rmdir()


def test_a_cgroup_that_the_user_has_on_the_host_is_not_the_containers(bundle, own_cgroup):
    """CVE-2023-25809: without a cgroup namespace, what is shown at /sys/fs/cgroup is the host's."""
    ordinary.adapt(bundle, SELF)
    bundle.remove_namespace("cgroup")
    bundle.mount("/sys/fs/cgroup", kind="cgroup")
    script = f"find /sys/fs/cgroup -name {own_cgroup.name} -exec mkdir '{{}}/made' ';'"
    ordinary.run(bundle, "sh", "-c", script)
    assert not (own_cgroup / "made").exists()


def test_a_failure_leaves_nothing(bundle):
    """The fixture looks for what is left."""
    ordinary.adapt(bundle, GRANTED)
    bundle.mount("/x", "/no/such/source", ["bind"])
    result = ordinary.run(bundle, "true")
    assert result.stderr == \
        "not-found: mount '/no/such/source' on '/x': No such file or directory\n"
