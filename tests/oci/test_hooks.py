# SPDX-License-Identifier: Apache-2.0
"""Hooks, each kind run by the command that its moment falls into."""

import json

import pytest

from harness.oci import wait_for_end

IN_RUNTIME = ("prestart", "createRuntime", "createContainer", "poststart", "poststop")


@pytest.fixture
def hooks(oci, bundle):
    """hooks(kind, fails=False) adds a hook that writes its kind and the state down."""
    log = oci.directory / "hooks"
    log.touch()

    def add(kind, fails=False):
        script = f'echo "{kind} $(cat)" >> {log}; exit {int(fails)}'
        bundle.config.setdefault("hooks", {}).setdefault(kind, []).append(
            {"path": "/bin/sh", "args": ["sh", "-c", script]})

    def read():
        lines = [line.split(" ", 1) for line in log.read_text().splitlines()]
        return [(kind, json.loads(state)) for kind, state in lines]

    add.read = read
    return add


def kinds(hooks):
    return [kind for kind, _ in hooks.read()]


def test_each_hook_runs_at_its_moment_with_the_state(oci, bundle, hooks):
    for kind in IN_RUNTIME:
        hooks(kind)
    bundle.config["annotations"] = {"key": "value"}
    oci.create("c1", bundle, "sleep", "1000")
    pid = oci.state("c1")["pid"]
    assert kinds(hooks) == ["prestart", "createRuntime", "createContainer"]
    oci.ok("start", "c1")
    assert kinds(hooks)[3:] == ["poststart"]
    oci.ok("delete", "--force", "c1")
    assert kinds(hooks)[4:] == ["poststop"]
    for kind, state in hooks.read():
        assert (state["id"], state["bundle"]) == ("c1", str(bundle.directory))
        assert state["ociVersion"] == "1.3.0"
        assert state["annotations"] == {"key": "value"}
        if kind == "poststart":
            assert (state["status"], state["pid"]) == ("running", pid)
        if kind == "poststop":
            assert state["status"] == "stopped"


def test_run_runs_all_of_them(oci, bundle, hooks):
    for kind in IN_RUNTIME:
        hooks(kind)
    assert oci.run("c1", bundle, "true").returncode == 0
    assert kinds(hooks) == list(IN_RUNTIME)
    assert oci.run("c1", bundle, "sleep", "1000", options=["--detach"]).returncode == 0
    assert kinds(hooks)[5:] == list(IN_RUNTIME[:4])


@pytest.mark.parametrize("kind", ["prestart", "createRuntime", "createContainer"])
def test_a_failing_hook_undoes_the_creation(oci, bundle, hooks, kind):
    hooks(kind, fails=True)
    hooks("poststop")
    bundle.write_config(["sleep", "1000"])
    assert "hook" in oci.fails("create", "--bundle", bundle.directory, "c1")
    assert kinds(hooks) == [kind, "poststop"]
    assert oci.ids() == []


def test_a_failing_poststart_hook_stops_the_container(oci, bundle, hooks):
    hooks("poststart", fails=True)
    hooks("poststop")
    oci.create("c1", bundle, "sleep", "1000")
    pid = oci.state("c1")["pid"]
    assert "hook" in oci.fails("start", "c1")
    wait_for_end(pid)
    assert oci.status("c1") == "stopped"
    oci.ok("delete", "c1")
    assert kinds(hooks) == ["poststart", "poststop"]


@pytest.mark.parametrize("options", [(), ("--detach",)])
def test_a_failing_poststart_hook_leaves_nothing_of_a_run(oci, bundle, hooks, options):
    hooks("poststart", fails=True)
    hooks("poststop")
    bundle.write_config(["sleep", "1000"])
    assert "hook" in oci.fails("run", *options, "--bundle", bundle.directory, "c1")
    assert kinds(hooks) == ["poststart", "poststop"]
    assert oci.ids() == []


def test_a_failing_poststop_hook_is_a_warning(oci, bundle, hooks):
    hooks("poststop", fails=True)
    oci.create("c1", bundle, "true")
    result = oci("delete", "c1")
    assert result.returncode == 0
    assert "container 'c1' is deleted, but " in result.stderr
    assert oci.ids() == []
