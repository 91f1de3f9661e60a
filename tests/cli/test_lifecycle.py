# SPDX-License-Identifier: Apache-2.0
"""From created to removed, by one command after the other; wrong states, names and prefixes."""

import re
import shutil

import pytest

# Ignores SIGTERM, as a first process does by itself.
STUBBORN = ("sleep", "1000")
ROW = "{{.Names}} {{.State}} {{.Status}}"


def status(cay, name):
    return cay.ok("inspect", "--format", "{{.State.Status}}", name)


def ready(cay, name):
    """Start a container that ends with 7, and wait until it would."""
    cay.ok("run", "-d", "--name", name, "busybox:test", "sh", "-c",
           "trap 'exit 7' TERM; touch /ready; while :; do sleep 0.05; done")
    cay.ok("exec", name, "sh", "-c", "until [ -e /ready ]; do :; done")


def refused(result, words):
    assert result.returncode == 1, str(result)
    assert words in result.stderr, str(result)
    assert len(result.stderr.splitlines()) == 1


def test_a_created_container_starts_as_often_as_one_likes(cay, image, no_leaks):
    created = cay.ok("create", "--name", "one", image, "sh", "-c", "echo x >> /f; cat /f; exit 3")
    assert re.fullmatch(r"[0-9a-f]{64}", created)
    assert cay.ok("ps", "-a", "--format", ROW) == "one created Created"
    first = cay("start", "-a", "one")
    assert (first.returncode, first.stdout) == (3, "x\n")
    assert status(cay, "one") == "exited"
    second = cay("start", "--attach", "one")
    assert (second.returncode, second.stdout) == (3, "x\nx\n")
    assert cay.ok("start", "one") == "one"
    assert cay.ok("wait", "one") == "3"
    cay.ok("rm", "one")


def test_a_detached_container_goes_on_without_its_command(cay, image, no_leaks):
    created = cay.ok("run", "--detach", "--name", "web", image, *STUBBORN)
    assert re.fullmatch(r"[0-9a-f]{64}", created)
    assert cay.ok("ps", "--format", "{{.Names}} {{.State}}") == "web running"
    assert cay.ok("start", "web") == "web"  # it runs already, which is as good
    assert cay.ok("rm", "-f", "web") == "web"
    assert cay.ok("ps", "-aq") == ""


def test_a_detached_container_with_rm_goes_at_its_end(cay, image, no_leaks):
    cay.ok("run", "-d", "--rm", "--name", "gone", image, *STUBBORN)
    cay.ok("stop", "-t", "0", "gone")
    assert cay.ok("ps", "-aq") == ""
    cay.ok("run", "--rm", "--name", "gone", image, "true")


def test_stop_asks_first_and_kills_when_time_is_up(cay, image, no_leaks):
    ready(cay, "polite")
    cay.ok("run", "-d", "--name", "stubborn", image, *STUBBORN)
    assert cay.ok("stop", "polite") == "polite"
    assert cay.ok("stop", "-t", "0", "stubborn") == "stubborn"
    rows = cay.ok("ps", "-a", "--format", "{{.Names}} {{.Status}}").splitlines()
    assert any(re.match(r"polite Exited \(7\)", row) for row in rows)
    assert any(re.match(r"stubborn Exited \(137\)", row) for row in rows)
    assert cay.ok("stop", "polite") == "polite"  # it has stopped, which is what was asked for
    cay.ok("rm", "polite", "stubborn")


def test_stop_sends_the_signal_that_was_asked_for(cay, image, no_leaks):
    for options, asked in ([["--stop-signal", "USR1"], []], [[], ["-s", "USR1"]]):
        cay.ok("run", "-d", "--name", "web", *options, image, "sh", "-c",
               "trap 'exit 9' USR1; touch /ready; while :; do sleep 0.05; done")
        cay.ok("exec", "web", "sh", "-c", "until [ -e /ready ]; do :; done")
        cay.ok("stop", *asked, "web")
        assert cay.ok("wait", "web") == "9"
        cay.ok("rm", "web")


def test_of_several_one_failure_does_not_keep_the_others(cay, image, no_leaks):
    for name in ("one", "two"):
        cay.ok("run", "-d", "--name", name, image, *STUBBORN)
    result = cay("stop", "-t", "0", "one", "nothing", "two")
    assert (result.returncode, result.stdout) == (1, "one\ntwo\n")
    assert "no such container: 'nothing'" in result.stderr
    result = cay("start", "one", "nothing", "two")
    assert (result.returncode, result.stdout) == (1, "one\ntwo\n")
    cay.ok("kill", "one", "two")
    assert cay.ok("wait", "one", "two").split() == ["137", "137"]
    cay.ok("rm", "one", "two")


def test_restart_is_a_new_run_of_the_same_files(cay, image, no_leaks):
    cay.ok("run", "-d", "--name", "web", image, "sh", "-c", "echo x >> /f; exec sleep 1000")
    first = cay.ok("inspect", "--format", "{{.State.Pid}} {{.State.StartedAt}}", "web")
    assert cay.ok("restart", "-t", "0", "web") == "web"
    assert cay.ok("inspect", "--format", "{{.State.Pid}} {{.State.StartedAt}}", "web") != first
    cay.ok("exec", "web", "sh", "-c", "until [ \"$(cat /f)\" = \"$(printf 'x\\nx')\" ]; do :; done")
    cay.ok("stop", "-t", "0", "web")
    assert cay.ok("restart", "web") == "web"
    assert status(cay, "web") == "running"
    cay.ok("rm", "-f", "web")


def test_kill_sends_any_signal(cay, image, no_leaks):
    ready(cay, "web")
    cay.ok("kill", "--signal", "TERM", "web")
    assert cay.ok("wait", "web") == "7"
    refused(cay("kill", "web"), "container 'web' is not running")
    result = cay("kill", "-s", "NOSUCH", "web")
    assert result.returncode == 1 and "invalid signal 'NOSUCH'" in result.stderr
    cay.ok("rm", "web")


def test_a_paused_container_can_be_unpaused_and_stopped_and_not_more(cay, image, no_leaks):
    cay.ok("run", "-d", "--name", "web", image, *STUBBORN)
    refused(cay("unpause", "web"), "container 'web' is not paused")
    assert cay.ok("pause", "web") == "web"
    assert re.fullmatch(r"web paused Up .* \(Paused\)", cay.ok("ps", "--format", ROW))
    refused(cay("pause", "web"), "container 'web' is already paused")
    refused(cay("start", "web"), "container 'web' is paused: unpause it instead")
    refused(cay("rm", "web"), "container 'web' is paused: stop it first")
    assert cay("exec", "web", "true").returncode == 1
    assert cay.ok("unpause", "web") == "web"
    assert status(cay, "web") == "running"
    cay.ok("pause", "web")
    cay.ok("stop", "-t", "0", "web")
    refused(cay("pause", "web"), "container 'web' is not running")
    cay.ok("rm", "web")


def test_wait_tells_each_exit_code(cay, image, no_leaks):
    ready(cay, "web")
    waiting = [cay.spawn("wait", "web") for _ in range(3)]
    cay.ok("create", "--name", "fresh", image, "true")
    assert cay.ok("wait", "fresh") == "0"
    cay.ok("stop", "web")
    for process in waiting:
        out, _ = process.communicate(timeout=30)
        assert (process.returncode, out) == (0, b"7\n")
    refused(cay("wait", "nothing"), "no such container: 'nothing'")
    cay.ok("rm", "web", "fresh")


def test_a_name_can_be_given_away(cay, image, no_leaks):
    cay.ok("run", "-d", "--name", "old", image, *STUBBORN)
    cay.ok("create", "--name", "taken", image, "true")
    refused(cay("rename", "old", "taken"), "the container name 'taken' is in use by container")
    refused(cay("rename", "old", "a/b"), "invalid container name 'a/b'")
    refused(cay("rename", "old", "old"), "has that name already")
    refused(cay("rename", "nothing", "new"), "no such container: 'nothing'")
    cay.ok("rename", "old", "new")
    assert cay.ok("ps", "--format", "{{.Names}} {{.State}}") == "new running"
    cay.ok("create", "--name", "old", image, "true")
    cay.ok("rm", "-f", "new", "old", "taken")


def test_a_container_that_runs_is_not_removed(cay, image, no_leaks):
    cay.ok("run", "-d", "--name", "web", "--restart", "always", image, *STUBBORN)
    refused(cay("rm", "web"), "container 'web' is running: stop it first, or remove it with force")
    cay.ok("rm", "--force", "web")
    assert cay.ok("ps", "-aq") == ""


def test_ids_may_be_cut_short_as_long_as_they_are_clear(cay, image, no_leaks):
    ids = [cay.ok("create", image, "true") for _ in range(17)]  # two begin with the same digit
    digits = [name[0] for name in ids]
    twice = next(digit for digit in digits if digits.count(digit) > 1)
    refused(cay("start", twice), f"several container ids begin with '{twice}'")
    assert cay.ok("start", ids[0][:12]) == ids[0][:12]
    assert cay.ok("wait", ids[0]) == "0"
    assert cay.ok("container", "prune", "-f").count("\n") >= 17


def test_prune_removes_what_does_not_run(cay, image, no_leaks):
    cay.ok("run", "-d", "--name", "up", image, *STUBBORN)
    stopped = cay.ok("create", "-l", "keep=no", image, "true")
    kept = cay.ok("create", "-l", "keep=yes", image, "true")
    result = cay("container", "prune", input="n\n")
    assert result.returncode == 1 and "cancelled" in result.stderr
    out = cay.ok("container", "prune", "--filter", "label!=keep=yes", input="y\n")
    assert "WARNING!" in out and stopped in out and "Total reclaimed space:" in out
    assert kept not in out
    assert kept in cay.ok("container", "prune", "--force", "--filter", "label=keep")
    assert "invalid filter 'x=y'" in cay("container", "prune", "--filter", "x=y").stderr
    assert cay.ok("ps", "-a", "--format", "{{.Names}}") == "up"
    cay.ok("rm", "-f", "up")


def test_a_failed_start_says_why_and_changes_nothing_else(cay, image, no_leaks):
    cay.ok("create", "--name", "bad", image, "/no/such/program")
    result = cay("start", "bad")
    assert result.returncode == 1 and "/no/such/program" in result.stderr
    assert cay.ok("inspect", "--format", "{{.State.Status}} {{.State.ExitCode}}", "bad") == \
        "created 127"
    cay.ok("rm", "bad")


@pytest.mark.parametrize("command", ["start", "stop", "restart", "kill", "pause", "unpause", "wait",
                                     "attach", "rm"])
def test_what_is_not_there_is_named(cay, image, command):
    refused(cay(command, "nothing"), "no such container: 'nothing'")


def test_only_one_container_is_attached_to(cay, image):
    result = cay("start", "-a", "one", "two")
    assert result.returncode != 0 and "only one container" in result.stderr


def test_a_shim_that_is_killed_is_told_of_by_the_next_command(cay, image, state, no_leaks):
    cay.ok("run", "-d", "--name", "web", "--restart", "always", image, *STUBBORN)
    state.kill()
    assert re.match(r"web exited Exited \(137\)", cay.ok("ps", "-a", "--format", ROW))
    assert "shim" in cay.ok("inspect", "--format", "{{.State.Error}}", "web")
    cay.ok("start", "web")
    assert status(cay, "web") == "running"
    cay.ok("rm", "-f", "web")


def test_after_a_boot_policies_are_honoured(cay, image, state, no_leaks):
    for name, policy in (("always", "always"), ("unless", "unless-stopped"), ("no", "no"),
                         ("fails", "on-failure"), ("stopped", "unless-stopped")):
        cay.ok("run", "-d", "--name", name, "--restart", policy, image, *STUBBORN)
    cay.ok("stop", "-t", "0", "stopped")
    state.kill()
    shutil.rmtree(state.runtime)
    assert set(cay.ok("system", "boot").split()) == {"always", "unless", "fails"}
    assert set(cay.ok("ps", "--format", "{{.Names}}").split()) == {"always", "unless", "fails"}
    assert cay.ok("system", "boot") == ""
    cay.ok("rm", "-f", "always", "unless", "fails", "no", "stopped")


def test_on_failure_gives_up_after_so_many_restarts(cay, image, no_leaks):
    cay.ok("run", "-d", "--name", "fails", "--restart", "on-failure:2", image, "false")
    while cay.ok("wait", "fails") and status(cay, "fails") != "exited":
        pass
    assert cay.ok("inspect", "--format", "{{.RestartCount}} {{.State.ExitCode}}", "fails") == "2 1"
    cay.ok("rm", "fails")


def test_a_container_that_waits_for_its_restart_can_be_stopped(cay, image, no_leaks):
    cay.ok("run", "-d", "--name", "loop", "--restart", "always", image, "sh", "-c", "exit 4")
    cay.ok("wait", "loop")
    assert cay.ok("stop", "loop") == "loop"
    assert re.match(r"loop exited Exited \(4\)", cay.ok("ps", "-a", "--format", ROW))
    cay.ok("rm", "loop")
