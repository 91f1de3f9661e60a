# SPDX-License-Identifier: Apache-2.0
"""What `state` and `list` say, and that a reused pid is never taken for a container."""

import json
import os
import re
import subprocess

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


def test_the_state_has_the_members_of_runcs(oci, bundle):
    bundle.config["annotations"] = {"key": "value"}
    oci.create("c1", bundle, "true")
    state = oci.state("c1")
    pid, created = state.pop("pid"), state.pop("created")
    assert state == {
        "ociVersion": "1.3.0", "id": "c1", "status": "created",
        "bundle": str(bundle.directory), "rootfs": str(bundle.rootfs),
        "annotations": {"key": "value"}, "owner": "",
    }
    assert os.path.exists(f"/proc/{pid}")
    assert TIME.fullmatch(created)


def test_a_stopped_container_has_no_pid(oci, bundle):
    oci.start("c1", bundle, "true")
    oci.wait("c1")
    state = oci.state("c1")
    assert (state["status"], state["pid"]) == ("stopped", 0)


def test_the_bundle_may_be_relative_or_the_current_directory(oci, bundle):
    bundle.write_config(["true"])
    oci.ok("create", "c1", cwd=bundle.directory)
    assert oci.state("c1")["bundle"] == str(bundle.directory)
    oci.ok("delete", "c1")
    oci.ok("create", "-b", bundle.directory.name, "c2", cwd=bundle.directory.parent)
    assert oci.state("c2")["bundle"] == str(bundle.directory)


def test_the_list_is_sorted_and_tells_what_state_tells(oci, bundle, new_bundle):
    assert oci.root.exists() is False
    oci.create("b", bundle, "true")
    oci.create("a", new_bundle(), "true")
    listed = json.loads(oci.ok("list", "--format", "json"))
    assert [container["id"] for container in listed] == ["a", "b"]
    for container in listed:
        assert container.pop("owner") == "root"
        state = oci.state(container["id"])
        del state["owner"]
        assert container == state
    assert oci.ok("list", "-q") == "a\nb\n"


def test_the_table_has_a_line_for_each_container(oci, bundle):
    oci.create("c1", bundle, "true")
    state = oci.state("c1")
    head, row = oci.ok("list").splitlines()
    assert head.split() == ["ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"]
    assert row.split() == ["c1", str(state["pid"]), "created", str(bundle.directory),
                           state["created"], "root"]
    assert head.index("BUNDLE") == row.index(str(bundle.directory))


def test_the_list_of_an_empty_root_is_empty(oci):
    oci.root.mkdir()
    assert oci.ok("list", "-f", "json") == "[]\n"
    assert oci.ok("list", "-q") == ""
    assert oci.fails("list", "-f", "xml") == "invalid format 'xml': write 'table' or 'json'"


def test_a_container_that_cannot_be_read_does_not_hide_the_others(oci, bundle):
    oci.create("good", bundle, "true")
    (oci.root / "bad").mkdir()
    (oci.root / "bad/state.json").write_text("{")
    result = oci("list", "-q")
    assert (result.returncode, result.stdout) == (0, "good\n")
    assert "bad" in result.stderr
    assert "state of the container" in oci.fails("state", "bad")
    (oci.root / "bad/state.json").unlink()


def test_a_pid_that_was_used_again_is_not_the_containers(oci, bundle):
    oci.start("c1", bundle, "sleep", "1000")
    record_file = oci.root / "c1/state.json"
    record = json.loads(record_file.read_text())
    genuine = dict(record)
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as other:
        record["pid"] = other.pid
        record_file.write_text(json.dumps(record))
        assert oci.status("c1") == "stopped"
        assert oci.fails("kill", "c1", "KILL") == "container not running: 'c1'"
        record_file.write_text(json.dumps(genuine))
        oci.ok("delete", "--force", "c1")
        assert other.poll() is None
        other.stdin.close()


def test_the_root_is_its_owners_alone(oci, bundle):
    oci.create("c1", bundle, "true")
    assert (oci.root.stat().st_mode & 0o777) == 0o700
    assert ((oci.root / "c1").stat().st_mode & 0o777) == 0o700
