# SPDX-License-Identifier: Apache-2.0
"""create, start, state, kill, delete, run: a container's life, command by command."""

import os
import signal

import pytest

from harness import leaks
from harness.oci import wait_for_end


def until_signalled(bundle, prepare=":"):
    """A program that says that it is ready, and goes on until a signal ends it."""
    os.mkfifo(bundle.rootfs / "ready")
    return ["sh", "-c", f"{prepare}; sleep 1000 & : > /ready; wait"]


def wait_until_ready(bundle):
    (bundle.rootfs / "ready").read_bytes()


def test_a_container_is_created_started_killed_and_deleted(oci, bundle):
    oci.create("c1", bundle, "sleep", "1000")
    assert oci.status("c1") == "created"
    oci.ok("start", "c1")
    assert oci.status("c1") == "running"
    oci.ok("kill", "c1", "KILL")
    oci.wait("c1")
    assert oci.status("c1") == "stopped"
    oci.ok("delete", "c1")
    assert oci.fails("state", "c1") == "container does not exist: 'c1'"


def test_the_program_does_not_run_before_the_start(oci, bundle):
    output = oci.create("c1", bundle, "echo", "hello")
    assert output.read_text() == ""
    pid = oci.state("c1")["pid"]
    oci.ok("start", "c1")
    wait_for_end(pid)
    assert output.read_text() == "hello\n"


def test_the_container_outlives_who_created_it_and_who_started_it(oci, bundle):
    oci.start("c1", bundle, "sleep", "1000")
    status = (leaks.PROC / str(oci.state("c1")["pid"]) / "status").read_text()
    parent = next(line.split()[1] for line in status.splitlines() if line.startswith("PPid:"))
    assert leaks.program_name(int(parent)) != "cay-oci"


def test_a_container_that_was_never_started_can_be_deleted(oci, bundle):
    oci.create("c1", bundle, "sleep", "1000")
    pid = oci.state("c1")["pid"]
    oci.ok("delete", "c1")
    wait_for_end(pid)
    assert oci.ids() == []


def test_a_running_container_is_only_deleted_by_force(oci, bundle):
    oci.start("c1", bundle, "sleep", "1000")
    assert (oci.fails("delete", "c1") ==
            "cannot delete container c1 that is not stopped: running: use --force")
    assert oci.status("c1") == "running"
    oci.ok("delete", "--force", "c1")
    assert oci.ids() == []


def test_deleting_by_force_what_does_not_exist_is_a_success(oci):
    oci.ok("delete", "--force", "c1")
    oci.root.mkdir()
    oci.ok("delete", "--force", "c1")
    assert oci.fails("delete", "c1") == "container does not exist: 'c1'"


def test_an_id_is_taken_once(oci, bundle, new_bundle):
    oci.create("c1", bundle, "sleep", "1000")
    other = new_bundle()
    other.write_config(["true"])
    assert (oci.fails("create", "--bundle", other.directory, "c1") ==
            "container with given ID already exists: 'c1'")
    assert oci.status("c1") == "created"


@pytest.mark.parametrize("identifier", ["..", ".", "a/b", "a b", "", "ä", "a" * 256])
def test_an_id_that_is_no_plain_name_is_refused(oci, bundle, identifier):
    bundle.write_config(["true"])
    for command in ("create", "state", "delete"):
        options = ("--bundle", str(bundle.directory)) if command == "create" else ()
        oci.root.mkdir(exist_ok=True)
        assert "container id" in oci.fails(command, *options, identifier)
    assert list(oci.root.iterdir()) == []


def test_a_started_container_is_not_started_again(oci, bundle):
    oci.start("c1", bundle, "sleep", "1000")
    assert oci.fails("start", "c1") == "cannot start an already running container: 'c1'"
    oci.ok("kill", "c1", "9")
    oci.wait("c1")
    assert oci.fails("start", "c1") == "cannot start a container that has stopped: 'c1'"


@pytest.mark.parametrize("name, number", [
    (None, signal.SIGTERM), ("TERM", signal.SIGTERM), ("SIGUSR1", signal.SIGUSR1),
    ("12", signal.SIGUSR2), ("RTMIN+3", signal.SIGRTMIN + 3), ("hup", signal.SIGHUP),
])
def test_a_signal_is_sent_by_name_and_number(oci, bundle, name, number):
    output = oci.start("c1", bundle,
                       *until_signalled(bundle, f"trap 'echo got it; exit' {number}"))
    wait_until_ready(bundle)
    pid = oci.state("c1")["pid"]
    oci.ok("kill", "c1", *([name] if name else []))
    wait_for_end(pid)
    assert output.read_text() == "got it\n"


def test_a_signal_that_does_not_exist_is_refused(oci, bundle):
    oci.create("c1", bundle, "true")
    assert oci.fails("kill", "c1", "NONE") == "unknown signal 'NONE'"
    assert oci.fails("kill", "c1", "65") == "unknown signal '65'"


def test_a_stopped_container_is_not_signalled(oci, bundle):
    oci.start("c1", bundle, "true")
    oci.wait("c1")
    assert oci.fails("kill", "c1", "KILL") == "container not running: 'c1'"


def test_killing_all_reaches_what_the_first_process_left_behind(oci, bundle):
    bundle.remove_namespace("pid")
    output = oci.create("c1", bundle, "sh", "-c", "sleep 1000 & echo $!")
    pid = oci.state("c1")["pid"]
    oci.ok("start", "c1")
    wait_for_end(pid)
    left = int(output.read_text())
    assert oci.status("c1") == "stopped"
    oci.ok("kill", "--all", "c1", "KILL")
    wait_for_end(left)


def test_deleting_ends_what_the_first_process_left_behind(oci, bundle):
    bundle.remove_namespace("pid")
    output = oci.create("c1", bundle, "sh", "-c", "sleep 1000 & echo $!")
    pid = oci.state("c1")["pid"]
    oci.ok("start", "c1")
    wait_for_end(pid)
    left = int(output.read_text())
    oci.ok("delete", "c1")
    wait_for_end(left)


def test_run_passes_output_and_exit_status_on_and_leaves_nothing(oci, bundle):
    result = oci.run("c1", bundle, "sh", "-c", "echo out; echo err >&2; exit 7")
    assert (result.returncode, result.stdout, result.stderr) == (7, "out\n", "err\n")
    assert oci.ids() == []


def test_run_reads_its_input(oci, bundle):
    assert oci.run("c1", bundle, "cat", input="typed").stdout == "typed"


def test_run_ends_with_128_and_the_signal_that_killed_the_program(oci, bundle):
    bundle.remove_namespace("pid")
    assert oci.run("c1", bundle, "sh", "-c", "kill -9 $$").returncode == 137


def test_run_keeps_the_container_if_asked_to(oci, bundle):
    assert oci.run("c1", bundle, "true", options=["--keep"]).returncode == 0
    assert oci.status("c1") == "stopped"
    oci.ok("delete", "c1")


def test_run_passes_signals_on(oci, bundle):
    bundle.write_config(until_signalled(bundle, "trap 'exit 5' USR1"))
    process = oci.spawn("run", "--bundle", bundle.directory, "c1")
    wait_until_ready(bundle)
    process.send_signal(signal.SIGUSR1)
    assert process.wait(60) == 5


def test_a_container_in_the_foreground_ends_with_its_command(oci, bundle):
    bundle.write_config(until_signalled(bundle))
    process = oci.spawn("run", "--bundle", bundle.directory, "c1")
    wait_until_ready(bundle)
    pid = oci.state("c1")["pid"]
    process.kill()
    process.wait(60)
    wait_for_end(pid)
    assert oci.status("c1") == "stopped"


def test_a_container_in_the_foreground_can_be_deleted_by_force(oci, bundle):
    bundle.write_config(until_signalled(bundle))
    process = oci.spawn("run", "--bundle", bundle.directory, "c1")
    wait_until_ready(bundle)
    oci.ok("delete", "--force", "c1")
    assert process.wait(60) == 137
    assert process.stderr_path.read_text() == ""
    assert oci.ids() == []


def test_run_detached_is_create_and_start(oci, bundle):
    assert oci.run("c1", bundle, "sleep", "1000", options=["--detach"]).returncode == 0
    assert oci.status("c1") == "running"


def test_a_program_that_is_missing_leaves_nothing(oci, bundle):
    bundle.write_config(["no-such-program"])
    message = 'exec: "no-such-program": executable file not found in $PATH'
    for options in ((), ("--detach",)):
        assert oci.fails("run", *options, "--bundle", bundle.directory, "c1") == message
        assert oci.ids() == []


def test_the_configuration_is_that_of_the_creation(oci, bundle):
    output = oci.create("c1", bundle, "echo", "first")
    bundle.write_config(["echo", "second"])
    pid = oci.state("c1")["pid"]
    oci.ok("start", "c1")
    wait_for_end(pid)
    assert output.read_text() == "first\n"


def test_a_container_without_a_cgroup_path_gets_one_of_its_own(oci, bundle):
    del bundle.linux["cgroupsPath"]
    name = f"test-{os.getpid()}-{bundle.directory.name}"
    oci.start(name, bundle, "sleep", "1000")
    found = [cgroup for cgroup in leaks.cgroups() if cgroup.endswith(f"/cay-oci-{name}")]
    assert found
    assert any(oci.state(name)["pid"] in leaks.cgroup_members(cgroup) for cgroup in found)
    oci.ok("delete", "--force", name)
    assert not [cgroup for cgroup in leaks.cgroups() if cgroup.endswith(f"/cay-oci-{name}")]


@pytest.mark.parametrize("program, message", [
    ("none", 'exec: "none": executable file not found in $PATH'),
    ("/none", 'exec: "/none": no such file or directory'),
    ("/etc", 'exec: "/etc": is a directory'),
    ("etc", 'exec: "etc": executable file not found in $PATH'),
    ("/text", 'exec: "/text": permission denied'),
    ("text", 'exec: "text": permission denied'),
    ("/bin/busybox/x", 'exec: "/bin/busybox/x": not a directory'),
])
def test_a_program_that_cannot_be_executed_is_told_at_the_creation(oci, bundle, program, message):
    """Engines read the reason from there alone, and have exit statuses for it."""
    bundle.write("/text", "text", 0o644)
    bundle.write("/bin/text", "text", 0o644)
    bundle.write_config([program])
    assert oci.fails("create", "--bundle", bundle.directory, "c1") == message
    assert oci.ids() == []
