# SPDX-License-Identifier: Apache-2.0
"""Hooks: when and where they run, what they get, and what becomes of the container if one fails."""

import json
import os
import select

import pytest

KINDS = ["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"]
STATUS = {"prestart": "creating", "createRuntime": "creating", "createContainer": "creating",
          "startContainer": "created", "poststart": "running", "poststop": "stopped"}


def add_hook(bundle, kind, script, **members):
    bundle.config.setdefault("hooks", {}).setdefault(kind, []).append(
        {"path": "/bin/sh", "args": ["sh", "-c", script], **members})


@pytest.fixture
def log(bundle, outside):
    """A file that hooks write to, seen under the same name on the host and in the container."""
    bundle.mount(str(outside), outside, ["bind"])
    return outside / "log"


def test_all_kinds_run_in_their_order_and_in_that_of_their_list(bundle, log):
    for kind in reversed(KINDS):
        for number in (1, 2):
            add_hook(bundle, kind, f"echo {kind} {number} >>{log}")
    assert bundle.run("sh", "-c", f"echo program >>{log}; cat").status == 0
    lines = log.read_text().splitlines()
    expected = [f"{kind} {number}" for kind in KINDS for number in (1, 2)]
    assert [line for line in lines if line != "program"] == expected
    assert lines.index("startContainer 2") < lines.index("program") < lines.index("poststop 1")


@pytest.mark.parametrize("kind", KINDS)
def test_the_state_comes_on_standard_input(bundle, log, kind):
    bundle.config["annotations"] = {"org.example.key": 'a "quoted" value'}
    add_hook(bundle, kind, f"cat >{log}")
    created = bundle.create("cat")
    assert created.finish().status == 0
    state = json.loads(log.read_text())
    expected = {"ociVersion": "1.3.0", "id": "sandbox-run", "status": STATUS[kind],
                "bundle": str(bundle.directory), "pid": created.pid,
                "annotations": {"org.example.key": 'a "quoted" value'}}
    if kind == "poststop":
        del expected["pid"]
    assert state == expected


def test_each_hook_of_a_list_reads_the_whole_state(bundle, log):
    for name in "ab":
        add_hook(bundle, "createContainer", f"cat >{log}.{name}; echo x >&0 || true")
    assert bundle.run("true").status == 0
    first, second = (json.loads((log.parent / f"log.{name}").read_text()) for name in "ab")
    assert first == second


def test_a_hook_cannot_change_the_state_that_the_next_one_reads(bundle, log):
    add_hook(bundle, "prestart", "echo broken 1<>/proc/self/fd/0 >&1")
    add_hook(bundle, "prestart", f"cat >{log}")
    result = bundle.run("true")
    assert result.status == 125 and "I/O error" in result.stderr, result
    assert not log.exists()


def test_a_state_that_is_larger_than_a_pipe_arrives(bundle, log):
    bundle.config["annotations"] = {"big": "x" * 300000}
    add_hook(bundle, "createRuntime", f"cat >{log}")
    assert bundle.run("true").status == 0
    assert len(json.loads(log.read_text())["annotations"]["big"]) == 300000


@pytest.mark.parametrize("kind", KINDS)
def test_arguments_and_environment_are_those_of_the_hook_alone(bundle, log, kind):
    bundle.config["hooks"] = {kind: [
        {"path": "/bin/sh", "env": ["ONLY=this"],
         "args": ["sh", "-c", f'exec 3</proc/self/environ >{log}; /bin/cat <&3; echo "$0 $1"',
                  "zero", "one"]}]}
    assert bundle.run("true").status == 0
    assert log.read_text() == "ONLY=this\0zero one\n"


def test_without_arguments_a_hook_gets_its_path_alone(bundle, outside):
    script = outside / "hook"
    script.write_text(f'#!/bin/sh\necho "$0 $#" >{outside}/log\n')
    script.chmod(0o755)
    bundle.config["hooks"] = {"prestart": [{"path": str(script)}]}
    assert bundle.run("true").status == 0
    assert (outside / "log").read_text() == f"{script} 0\n"


@pytest.mark.parametrize("kind", ["prestart", "createRuntime", "poststart", "poststop"])
def test_hooks_of_the_runtime_run_in_its_namespaces(bundle, log, kind):
    add_hook(bundle, kind, f"for i in mnt pid net uts; do readlink /proc/self/ns/$i; done >{log}")
    assert bundle.run("true").status == 0
    assert log.read_text().split() == [os.readlink(f"/proc/self/ns/{name}")
                                       for name in ("mnt", "pid", "net", "uts")]


@pytest.mark.parametrize("kind", ["createContainer", "startContainer"])
def test_hooks_of_the_container_run_in_its_namespaces(bundle, log, kind):
    """createContainer hooks still see the host's /proc, so they tell by what they see of others."""
    add_hook(bundle, kind, f"{{ cat /proc/sys/kernel/hostname; echo $$; }} >{log}")
    assert bundle.run("true").status == 0
    name, pid = log.read_text().split()
    assert name == "box"
    assert int(pid) < 10


def test_runtime_hooks_find_the_containers_namespaces_by_its_pid(bundle, log):
    script = ("pid=$(sed 's/.*\"pid\":\\([0-9]*\\).*/\\1/'); "
              f"nsenter --target $pid --uts --net sh -c 'hostname; ls /sys/class/net' >{log}")
    add_hook(bundle, "createRuntime", script, env=[f"PATH={os.environ['PATH']}"])
    assert bundle.run("true").status == 0
    assert log.read_text().split()[0] == "box"


def test_create_container_hooks_run_on_the_hosts_files_before_the_root_is_changed(bundle, log):
    """Their path and their names are the host's; the root, with its mounts, is at root.path and is
    their working directory."""
    bundle.write("/etc/made-by-image", "x")
    script = (f"exec >{log} 2>&1; test -e {bundle.directory}/config.json; "
              f"pwd -P; ls {bundle.rootfs}/etc; grep -c ' {bundle.rootfs}/proc ' /proc/self/mounts")
    add_hook(bundle, "createContainer", "set -e; " + script, env=[f"PATH={os.environ['PATH']}"])
    assert bundle.run("true").status == 0, log.read_text()
    assert log.read_text().split() == [str(bundle.rootfs), "made-by-image", "1"]


@pytest.mark.parametrize("kind", ["prestart", "createContainer"])
def test_what_a_hook_mounts_in_the_root_is_there_for_the_program(bundle, outside, kind):
    """As tools that bring devices and their libraries along do it."""
    (outside / "file").write_text("from a hook")
    target = bundle.rootfs / "tmp"
    enter = ("pid=$(sed 's/.*\"pid\":\\([0-9]*\\).*/\\1/'); exec nsenter --target $pid --mount "
             if kind == "prestart" else "exec ")
    add_hook(bundle, kind, enter + f"mount --bind {outside} {target}",
             env=[f"PATH={os.environ['PATH']}"])
    assert bundle.shell("cat /tmp/file") == "from a hook"
    assert not os.listdir(target)


def test_start_container_hooks_are_the_containers_programs_with_its_rights(bundle, log):
    """A program that the image brings must not have more rights than the container."""
    bundle.write("/bin/hook", f"#!/bin/sh\nid -u >{log}\ngrep -E 'CapEff|Seccomp:' "
                              f"/proc/self/status >>{log}\n")
    log.parent.chmod(0o777)
    bundle.process["user"] = {"uid": 1000, "gid": 1000}
    bundle.process["noNewPrivileges"] = True
    bundle.linux["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
        {"names": ["swapon"], "action": "SCMP_ACT_ERRNO"}]}
    bundle.config["hooks"] = {"startContainer": [{"path": "/bin/hook",
                                                  "env": ["PATH=/bin"]}]}
    assert bundle.run("true").status == 0
    assert log.read_text().split() == ["1000", "CapEff:", "0" * 16, "Seccomp:", "2"]


def test_a_start_container_hook_runs_when_the_start_was_asked_for(bundle, log):
    add_hook(bundle, "startContainer", f"echo hook >>{log}")
    created = bundle.create("true")
    assert not log.exists()
    assert created.finish().status == 0
    assert log.read_text() == "hook\n"


@pytest.mark.parametrize("kind", KINDS[:5])
def test_a_failing_hook_stops_all_that_comes_after_but_for_poststop(bundle, log, kind):
    for other in KINDS:
        add_hook(bundle, other, f"echo {other} >>{log}")
    add_hook(bundle, kind, "echo to see >&2; echo why; exit 3")
    add_hook(bundle, kind, f"echo too late >>{log}")
    result = bundle.run("cat")
    assert result.status == 125
    assert result.stderr == (f"system: hooks.{kind}[1] '/bin/sh' ended with status 3: "
                             "to see why\n")
    before = KINDS[:KINDS.index(kind) + 1]
    assert log.read_text().split() == before + ["poststop"]


def test_a_poststop_hook_that_fails_keeps_no_other_from_running(bundle, log):
    add_hook(bundle, "poststop", "echo one >&2; exit 1")
    add_hook(bundle, "poststop", "kill -9 $$")
    add_hook(bundle, "poststop", f"echo last >{log}")
    result = bundle.run("true")
    assert result.status == 0
    assert result.stderr == ("warning: hooks.poststop[0] '/bin/sh' ended with status 1: one; "
                             "hooks.poststop[1] '/bin/sh' was killed by signal 9\n")
    assert log.read_text() == "last\n"


@pytest.mark.parametrize("kind", KINDS[:5])
def test_a_hook_that_does_not_exist_is_named(bundle, kind):
    bundle.config["hooks"] = {kind: [{"path": "/no/such/hook"}]}
    result = bundle.run("cat")
    assert result.status == 125
    assert result.stderr == (f"not-found: hooks.{kind}[0] '/no/such/hook': execute it: "
                             "No such file or directory\n")


@pytest.mark.parametrize("kind", KINDS[:5])
def test_a_hook_that_outlasts_its_timeout_is_killed_with_all_it_started(bundle, log, kind):
    """The pipe ends only when the last of its processes has."""
    os.mkfifo(log)
    reader = os.open(log, os.O_RDONLY | os.O_NONBLOCK)
    add_hook(bundle, kind, f"exec 3>{log}; echo waiting >&2; cat <{log} | cat", timeout=1)
    result = bundle.run("cat")
    assert result.status == 125
    assert result.stderr == (f"unavailable: hooks.{kind}[0] '/bin/sh' took longer than its "
                             "timeout of 1 s: waiting\n")
    end = select.poll()
    end.register(reader, 0)
    assert end.poll(30000) == [(reader, select.POLLHUP)]
    os.close(reader)


def test_of_what_a_hook_writes_the_end_is_shown_on_one_line(bundle):
    add_hook(bundle, "prestart", "i=0; while [ $i -lt 20000 ]; do echo 0123456789; i=$((i+1)); "
                                 "done; printf 'the\\033 end\\n'; exit 1")
    line = bundle.run("true").stderr
    assert line.endswith("0123456789 the  end\n")
    assert line.count("\n") == 1 and len(line) < 500


def test_what_a_hook_leaves_running_is_not_waited_for(bundle, log):
    """Its output is still open then."""
    os.mkfifo(log)
    writer = os.open(log, os.O_RDWR)
    add_hook(bundle, "prestart", f"read line <{log} & echo left; exit 1")
    result = bundle.run("true")
    os.write(writer, b"end\n")
    assert result.stderr == "system: hooks.prestart[0] '/bin/sh' ended with status 1: left\n"
    os.close(writer)


@pytest.mark.parametrize("options", [[], ["--rootfs"]])
def test_hooks_work_in_a_user_namespace_and_with_a_detached_root(bundle, log, options):
    """In there a createContainer hook reaches the root as its working directory."""
    bundle.add_user_namespace()
    log.touch()
    log.chmod(0o666)
    log.parent.chmod(0o777)
    for kind in KINDS:
        file = "tmp/log" if kind == "createContainer" else log
        add_hook(bundle, kind, f"echo {kind} >>{file}")
    assert bundle.run("true", options=options).status == 0
    assert log.read_text().split() == [kind for kind in KINDS if kind != "createContainer"]
    assert (bundle.rootfs / "tmp/log").read_text() == "createContainer\n"


def test_descriptors_of_the_runtime_do_not_reach_hooks(bundle, log):
    for kind in KINDS:
        add_hook(bundle, kind, f"ls /proc/self/fd | wc -l >>{log}")
    assert bundle.run("true").status == 0
    assert log.read_text().split() == ["4"] * len(KINDS)  # with the one for the directory
