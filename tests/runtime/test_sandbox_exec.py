# SPDX-License-Identifier: Apache-2.0
"""A process that joins a container: where it is, what it may do, what it cannot be made to do."""

import os
import select
import subprocess

import pytest

from harness import leaks

@pytest.fixture(name="container")
def _container(bundle):
    """One that runs until its input ends."""
    return start(bundle)


def start(bundle):
    created = bundle.create("cat")
    created.start()
    wait_for_program(created)
    return created


def wait_for_program(created):
    """Until the program is executed: it answers."""
    created.process.stdin.write(b"up\n")
    created.process.stdin.flush()
    assert created.process.stdout.readline() == b"up\n"


def join(bundle, container, *arguments, **options):
    return bundle.run(*arguments, options=(f"--join={container.pid}",), **options)


def shell(bundle, container, script, **options):
    result = join(bundle, container, "sh", "-ec", script, **options)
    assert result.status == 0, result
    return result.stdout


@pytest.mark.vm_core
def test_it_is_in_all_namespaces_of_the_container(bundle, container):
    found = shell(bundle, container, "for n in /proc/self/ns/*; do readlink $n; done").split()
    assert sorted(found) == sorted(os.readlink(container.path(f"ns/{name.name}"))
                                   for name in container.path("ns").iterdir())


def test_it_sees_the_processes_of_the_container(bundle, container):
    assert shell(bundle, container, "tr '\\0' ' ' < /proc/1/cmdline") == "cat "


@pytest.mark.vm_core
def test_it_is_in_the_cgroup_of_the_container(bundle, container):
    own = shell(bundle, container, "cat /proc/self/cgroup")
    assert own == shell(bundle, container, "cat /proc/1/cgroup")
    assert own.count(":/\n") >= len(container.cgroups())


def test_it_has_the_root_and_the_working_directory_of_the_container(bundle, container):
    bundle.process["cwd"] = "/etc"
    bundle.write("/etc/marker", "inside")
    assert shell(bundle, container, "pwd; cat marker; cat /etc/marker") == "/etc\ninsideinside"


def test_input_output_and_exit_status_are_the_callers(bundle, container):
    result = join(bundle, container, "sh", "-c", "cat; echo wrong >&2; exit 7", data="through")
    assert (result.status, result.stdout, result.stderr) == (7, "through", "wrong\n")


def test_it_is_who_the_configuration_says(bundle, container):
    bundle.process["user"] = {"uid": 7, "gid": 8, "additionalGids": [9], "umask": 0o27}
    found = shell(bundle, container, "id -u; id -g; id -G; umask; grep CapEff /proc/self/status")
    assert found.split() == ["7", "8", "8", "9", "0027", "CapEff:", "0000000000000000"]


def test_it_has_the_capabilities_of_the_configuration_and_no_others(bundle, container):
    bundle.process["capabilities"] = {kind: ["CAP_CHOWN"]
                                      for kind in ("bounding", "effective", "permitted")}
    bundle.process["noNewPrivileges"] = True
    status = shell(bundle, container, "cat /proc/self/status")
    lines = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert [lines[f"Cap{kind}"] for kind in ("Inh", "Prm", "Eff", "Bnd", "Amb")] \
        == [f"{bits:016x}" for bits in (0, 1, 1, 1, 0)]
    assert lines["NoNewPrivs"] == "1"


def test_it_is_under_the_seccomp_filter_of_the_container(bundle, container):
    bundle.linux["seccomp"] = {
        "defaultAction": "SCMP_ACT_ALLOW",
        "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 22}],
    }
    result = join(bundle, container, "mkdir", "/tmp/x")
    assert result.status == 1 and "Invalid argument" in result.stderr, result


def test_its_limits_are_set(bundle, container):
    bundle.process["rlimits"] = [{"type": "RLIMIT_NOFILE", "soft": 77, "hard": 88}]
    assert shell(bundle, container, "ulimit -Sn; ulimit -Hn").split() == ["77", "88"]


def test_its_terminal_is_one_of_the_container(bundle, container):
    bundle.process["terminal"] = True
    bundle.process["consoleSize"] = {"height": 11, "width": 22}
    found = shell(bundle, container, "tty; stty size; echo > /dev/tty")
    assert found.split() == ["/dev/pts/0", "11", "22"]


def test_no_descriptor_of_the_caller_reaches_it(bundle, container):
    directory = os.open("/", os.O_RDONLY | os.O_DIRECTORY)
    found = join(bundle, container, "sh", "-c", "ls /proc/$$/fd; true", pass_fds=(directory,))
    os.close(directory)
    assert found.stdout.split() == ["0", "1", "2"]


@pytest.mark.parametrize("path, status, words", [
    ("missing", 127, "executable file not found in $PATH"),
    ("/missing", 127, "no such file or directory"),
    ("/etc", 126, "is a directory"),
])
def test_a_program_that_cannot_be_executed_is_told(bundle, container, path, status, words):
    result = join(bundle, container, path)
    assert result.status == status and words in result.stderr, result


def test_a_missing_working_directory_is_told_and_not_made(bundle, container):
    bundle.process["cwd"] = "/missing/directory"
    result = join(bundle, container, "true")
    assert result.status == 125 and "'/missing/directory'" in result.stderr
    assert not (bundle.rootfs / "missing").exists()


@pytest.mark.parametrize("number", range(3, 12))
def test_a_descriptor_as_working_directory_leads_nowhere(bundle, container, number):
    """CVE-2024-21626 for a process that joins."""
    bundle.process["cwd"] = f"/proc/self/fd/{number}"
    result = join(bundle, container, "pwd")
    assert result.status == 125, result


@pytest.mark.parametrize("spoil", [
    "rm /dev/null; ln -s /etc/target /dev/null",
    "rm /dev/null; echo secret > /dev/null",
    "rm /dev/null; mknod /dev/null c 1 5",
    "rm /dev/null; mkfifo /dev/null",
])
def test_what_the_container_puts_over_the_null_device_is_not_used(bundle, container, spoil):
    shell(bundle, container, spoil)
    with open("/dev/null", "rb") as null:
        result = join(bundle, container, "true", stdin=null)
    assert result.status == 125 and "standard input" in result.stderr, result
    assert not (bundle.rootfs / "etc/target").exists()


def test_a_container_that_has_ended_cannot_be_joined(bundle, container):
    pidfd = os.pidfd_open(container.pid)
    container.process.stdin.close()
    container.process.wait()
    os.close(pidfd)
    result = join(bundle, container, "true")
    assert result.status == 125 and not result.stdout


def test_it_joins_a_user_namespace_as_its_root(bundle):
    bundle.add_user_namespace()
    container = start(bundle)
    found = shell(bundle, container, "id -u; id -g; cat /proc/self/uid_map; touch /tmp/mine")
    assert found.split() == ["0", "0", "0", "100000", "65536"]
    assert (bundle.rootfs / "tmp/mine").stat().st_uid == 100000


def test_it_is_killed_with_its_caller(bundle, container):
    bundle.write_config(("sh", "-c", "echo up; exec cat"))
    joined = subprocess.Popen(bundle.command(f"--join={container.pid}"), stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, env=bundle.environment())
    assert joined.stdout.readline() == b"up\n"
    (pid,) = (set(leaks.processes_of(bundle.directory))
              - {container.pid, container.process.pid, joined.pid})
    pidfd = os.pidfd_open(pid)
    joined.kill()
    assert select.select([pidfd], [], [], 30)[0], "it outlives its caller"
    os.close(pidfd)
    joined.communicate()
