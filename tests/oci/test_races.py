# SPDX-License-Identifier: Apache-2.0
"""Commands at the same time, and commands that are killed half-way."""

import json
import subprocess

import faults
from harness.oci import FaultTarget, wait_for_end

AT_ONCE = 6


def finish(processes):
    return [process.wait(120) for process in processes]


def test_of_creators_at_the_same_time_one_wins(oci, new_bundle):
    bundles = [new_bundle() for _ in range(AT_ONCE)]
    for bundle in bundles:
        bundle.write_config(["sleep", "1000"])
    statuses = finish([oci.spawn("create", "--bundle", bundle.directory, "c1",
                                 stdin=subprocess.DEVNULL) for bundle in bundles])
    assert sorted(statuses) == [0] + [1] * (AT_ONCE - 1)
    winner = bundles[statuses.index(0)]
    assert oci.state("c1")["bundle"] == str(winner.directory)
    assert oci.status("c1") == "created"
    assert oci.ids() == ["c1"]


def test_of_starters_at_the_same_time_one_wins(oci, bundle):
    output = oci.create("c1", bundle, "sh", "-c", "echo started; sleep 1000")
    statuses = finish([oci.spawn("start", "c1") for _ in range(AT_ONCE)])
    assert sorted(statuses) == [0] + [1] * (AT_ONCE - 1)
    oci.ok("kill", "c1", "KILL")
    oci.wait("c1")
    assert output.read_text() in ("started\n", "")


def test_a_deletion_and_a_start_at_the_same_time_leave_all_or_nothing(oci, bundle):
    for _ in range(10):
        oci.create("c1", bundle, "sleep", "1000")
        started, deleted = oci.spawn("start", "c1"), oci.spawn("delete", "--force", "c1")
        assert started.wait(60) in (0, 1)
        assert deleted.wait(60) == 0
        assert oci.ids() == []
        assert bundle.problems() == []


def test_deletions_at_the_same_time_all_succeed(oci, bundle):
    oci.start("c1", bundle, "sleep", "1000")
    assert finish([oci.spawn("delete", "--force", "c1") for _ in range(AT_ONCE)]) == [0] * AT_ONCE
    assert oci.ids() == []


def test_an_id_can_be_used_again_while_it_is_deleted(oci, bundle):
    bundle.write_config(["sleep", "1000"])
    for _ in range(10):
        oci.ok("create", "--bundle", bundle.directory, "c1")
        deleted = oci.spawn("delete", "--force", "c1")
        created = oci.spawn("create", "--bundle", bundle.directory, "c1",
                            stdin=subprocess.DEVNULL)
        assert created.wait(60) in (0, 1)
        assert deleted.wait(60) == 0
        oci.ok("delete", "--force", "c1")
        assert oci.ids() == []


def test_a_creation_killed_at_any_step_is_undone_by_a_deletion(oci, bundle, release):
    bundle.write_config(["sleep", "1000"])
    killed = oci.on(release)

    def undo():
        oci.ok("delete", "--force", "c1")
        assert not (oci.root / "c1").exists()
        assert bundle.problems() == []

    for fault in faults.kills(FaultTarget(killed), "create", "--bundle", bundle.directory, "c1"):
        fault.run()
        undo()


def test_a_creation_killed_at_any_step_does_not_hold_the_id(oci, bundle, release):
    bundle.write_config(["sleep", "1000"])
    target = FaultTarget(oci.on(release))
    for fault in faults.kills(target, "create", "--bundle", bundle.directory, "c1"):
        fault.run()
        again = oci("create", "--bundle", bundle.directory, "c1")
        if again.returncode != 0:
            assert "container with given ID already exists" in again.stderr, str(fault)
            assert json.loads((oci.root / "c1/state.json").read_text())["pid"] > 0, str(fault)
        oci.ok("start", "c1")
        oci.ok("delete", "--force", "c1")


def test_a_deletion_killed_at_any_step_is_finished_by_the_next(oci, bundle, release):
    target = FaultTarget(oci.on(release))
    oci.create("c1", bundle, "sleep", "1000")
    for fault in faults.kills(target, "delete", "--force", "c1"):
        if not oci.ids():
            oci.create("c1", bundle, "sleep", "1000")
        fault.run()
        oci.ok("delete", "--force", "c1")
        assert not (oci.root / "c1").exists(), str(fault)
        assert bundle.problems() == [], str(fault)


def test_a_start_killed_at_any_step_leaves_a_container_that_is_told_right(oci, bundle, release):
    target = FaultTarget(oci.on(release))
    oci.create("c1", bundle, "sleep", "1000")
    for fault in faults.kills(target, "start", "c1"):
        oci.ok("delete", "--force", "c1")
        oci.create("c1", bundle, "sleep", "1000")
        fault.run()
        status = oci.status("c1")
        assert status in ("created", "running"), str(fault)
        if status == "created":
            oci.ok("start", "c1")
        else:
            oci.fails("start", "c1")
        assert oci.status("c1") == "running", str(fault)


def test_the_end_of_a_container_is_seen_while_its_start_is_awaited(oci, bundle):
    oci.create("c1", bundle, "true")
    pid = oci.state("c1")["pid"]
    oci.ok("kill", "c1", "KILL")
    wait_for_end(pid)
    assert oci.fails("start", "c1") == "cannot start a container that has stopped: 'c1'"
