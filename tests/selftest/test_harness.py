# SPDX-License-Identifier: Apache-2.0
"""The harness itself: whatever it is there to find, it does find."""

import subprocess
import termios

import pytest

import faults
from harness import leaks
from harness.program import Cay, State
from harness.terminal import Terminal

# Stands in for cay: does to its state what its arguments say.
STUB = """#!/bin/sh
case $1 in
make) mkdir "$CAY_STATE/first" && mkdir "$CAY_STATE/second" ;;
helper) exec "$CAY_LIBEXEC/cay-helper" ;;
hang) exec tail -f /dev/null ;;
stay) echo here; exec cat ;;
report) echo "ERROR: AddressSanitizer" >"${ASAN_OPTIONS#log_path=}.1" ;;
*) printf '%s\\n' "$@"; exit 3 ;;
esac
"""


@pytest.fixture
def stub(tmp_path, state):
    for name, script in (("cay", STUB), ("cay-helper", "#!/bin/sh\ntrue\n")):
        (tmp_path / name).write_text(script)
        (tmp_path / name).chmod(0o755)
    cay = Cay(tmp_path, state)
    yield cay
    cay.end()


def test_a_result_has_status_and_output(stub):
    result = stub("one", "two words")
    assert (result.returncode, result.stdout, result.stderr) == (3, "one\ntwo words\n", "")


def test_check_fails_on_any_other_status_than_zero(stub):
    with pytest.raises(AssertionError, match="exit status 3"):
        stub("one", check=True)


def test_a_command_that_does_not_end_fails(stub):
    with pytest.raises(AssertionError, match="still running after"):
        stub("hang", timeout=0.1)


def test_a_process_that_stays_is_found(stub, state):
    process = stub.spawn("stay")
    assert process.stdout.readline() == b"here\n"
    assert [problem.split()[0] for problem in state.watch.problems(timeout=0)] == ["process"]
    stub.end()
    assert state.watch.problems() == []


def test_a_mount_that_stays_is_found(state):
    target = state.base / "mounted"
    target.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "cay-test", str(target)], check=True)
    try:
        assert [problem.split()[:2] for problem in state.watch.problems()] == [
            ["mount", str(target)]]
    finally:
        subprocess.run(["umount", str(target)], check=True)


@pytest.fixture
def a_cgroup(state, monkeypatch):
    """Named as a container's, but with a prefix that the product does not use."""
    monkeypatch.delenv("CAY_TEST_SHARED", raising=False)
    cgroup = leaks.hierarchies()[0] / f"selftest-{state.base.parent.name}-0123456789ab"
    cgroup.mkdir()
    yield cgroup
    cgroup.rmdir()


def watch_like(state, cgroup):
    return leaks.Watch(state, prefix=cgroup.name.removesuffix("0123456789ab"))


def test_a_cgroup_that_stays_is_found(state, a_cgroup):
    watch = watch_like(state, a_cgroup)
    assert watch.problems() == []
    watch.cgroups.clear()
    assert watch.problems() == [f"cgroup {a_cgroup.name}"]


def test_cgroups_are_looked_for_where_containers_have_them(cay, image, spawn, state):
    process = spawn("run", "--rm", "-i", image, "sh", "-c", "echo up; cat")
    assert process.stdout.readline() == b"up\n"
    (container,) = state.containers()
    (state.directory / "containers" / container).rename(state.base / "hidden")
    left = {path.rpartition("/")[2] for path in state.watch.left_cgroups()}
    (state.base / "hidden").rename(state.directory / "containers" / container)
    process.communicate()
    assert f"cay-{container}" in left


def test_a_cgroup_of_another_test_is_left_alone(state, a_cgroup):
    other = State(state.base.parent / f"{state.base.name}-other")
    (other.directory / "containers" / "0123456789ab").mkdir(parents=True)
    watch = watch_like(state, a_cgroup)
    watch.cgroups.clear()
    assert watch.problems() == []
    other.remove()
    assert watch.problems() == [f"cgroup {a_cgroup.name}"]


def test_directories_that_stay_are_found(state):
    (state.runtime / "containers" / "a").mkdir(parents=True)
    (state.directory / "containers" / "b").mkdir(parents=True)
    assert [problem.split()[0] for problem in state.watch.problems()] == ["runtime", "container"]
    (state.runtime / "containers" / "a").rmdir()
    (state.directory / "containers" / "b").rmdir()


def test_a_change_below_a_watched_root_is_found(tmp_path):
    before = leaks.tree(tmp_path)
    (tmp_path / "new").touch()
    assert {path for path, _ in leaks.tree(tmp_path) - before} >= {str(tmp_path / "new")}


def test_a_sanitizer_report_is_found(stub, state):
    stub("report", check=True)
    assert state.sanitizer_reports() == ["ERROR: AddressSanitizer\n"]
    for report in state.reports.iterdir():
        report.unlink()


def test_a_terminal_shows_its_size_and_modes(state):
    script = 'stty size; read line; echo "<$line>"; stty size; stty raw; exit 4'
    terminal = Terminal(["sh", "-c", script], state.environment(), rows=30, columns=90)
    before = terminal.modes()
    terminal.expect("30 90\r\n")
    terminal.resize(10, 20)
    terminal.send("typed\n")
    terminal.expect("<typed>")
    assert terminal.wait() == 4
    assert b"10 20\r\n" in terminal.output
    assert terminal.modes() != before
    assert not terminal.modes()[3] & termios.ICANON
    terminal.close()


def test_a_terminal_tells_what_it_saw_instead(state):
    terminal = Terminal(["echo", "something else"], state.environment())
    with pytest.raises(AssertionError, match="something else"):
        terminal.expect("expected", timeout=0.5)
    terminal.close()


def points(found):
    return [(fault.program, fault.call, fault.number) for fault in found]


def test_a_kill_comes_before_the_call_has_any_effect(stub, state):
    first, second = state.directory / "first", state.directory / "second"
    reached = []
    for fault in list(faults.kills(stub, "make", calls=["vfork", "fork", "clone", "exit_group"])):
        for made in (first, second):
            if made.exists():
                made.rmdir()
        result = fault.run()
        assert result.returncode == -9, str(result)
        reached.append((first.exists(), second.exists()))
    assert reached[0] == (False, False)
    assert reached[-1] == (True, True)
    assert (True, False) in reached


def test_a_helper_is_killed_behind_its_wrapper(stub, state):
    env = {"CAY_LIBEXEC": str(stub.build)}
    found = list(faults.kills(stub, "helper", program="cay-helper", env=env, calls=["exit_group"]))
    assert points(found) == [("cay-helper", "exit_group", 1)]
    assert found[0].run().returncode == -9


def test_a_failure_is_what_the_program_gets_to_see(stub, state):
    (stub.build / "cay").unlink()
    (stub.build / "cay").symlink_to("/bin/mkdir")
    found = list(faults.failures(stub, state.directory / "made", errno="ENOSPC"))
    assert points(found) == [("cay", "mkdir", 1)]
    (state.directory / "made").rmdir()
    result = found[0].run()
    assert result.returncode == 1 and "No space left on device" in result.stderr
    assert not (state.directory / "made").exists()


def test_no_call_to_fail_at_is_a_defect_of_the_test(stub):
    with pytest.raises(AssertionError, match="makes none of these calls"):
        list(faults.kills(stub, "make", calls=["pivot_root"]))


def test_a_pipe_that_the_test_has_closed_is_no_trouble(stub):
    process = stub.spawn("stay")
    process.stdin.close()
    stub.end()
    assert process.returncode is not None
