# SPDX-License-Identifier: Apache-2.0
"""podman runs its containers with cay-oci: what its users do all day."""

import os
import pty
import select
import subprocess

import pytest

from engines.conftest import IMAGE


def test_a_program_runs_and_its_status_is_podmans(podman):
    result = podman.run(IMAGE, "sh", "-c", "echo out; echo err >&2; exit 3")
    assert (result.returncode, result.stdout) == (3, "out\n")
    assert "err\n" in result.stderr


def test_input_reaches_the_program(podman):
    assert podman.run("--interactive", IMAGE, "tr", "a-z", "A-Z", input="typed").stdout == "TYPED"


@pytest.mark.parametrize("program, status, words", [
    ("missing-program", 127, "executable file not found in $PATH"),
    ("/etc", 126, "is a directory"),
])
def test_a_program_that_cannot_be_executed_has_dockers_status(podman, program, status, words):
    result = podman.run(IMAGE, program)
    assert result.returncode == status and words in result.stderr, result.stderr


def test_a_terminal_is_one(podman):
    master, slave = pty.openpty()
    command = podman.command("run", "--rm", "--tty", IMAGE, "sh", "-c", "tty; stty size")
    with subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave,
                          env=podman.environment) as run:
        os.close(slave)
        output = b""
        while select.select([master], [], [], 60)[0]:
            try:
                output += os.read(master, 4096)
            except OSError:
                break
        os.close(master)
    assert run.returncode == 0 and b"/dev/pts/0" in output, output


def test_exec_joins_what_runs(podman):
    container = podman.start("--hostname", "box", IMAGE, "sleep", "1000")
    assert podman.ok("exec", container, "hostname") == "box\n"
    result = podman("exec", "--user", "7:8", "--workdir", "/tmp", "--env", "A=b", container,
                    "sh", "-c", "id -u; id -g; pwd; echo $A; exit 5")
    assert (result.returncode, result.stdout.split()) == (5, ["7", "8", "/tmp", "b"])
    assert podman("exec", container, "missing-program").returncode == 127
    assert podman("exec", "--interactive", container, "cat", input="through").stdout == "through"


def test_limits_are_those_that_were_asked_for(podman):
    container = podman.start("--memory", "64m", "--pids-limit", "33", "--cpus", "0.5", IMAGE,
                             "sleep", "1000")
    limits = podman.inspect(container)["HostConfig"]
    assert (limits["Memory"], limits["PidsLimit"]) == (64 << 20, 33)
    result = podman("exec", container, "sh", "-c",
                    "cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/pids/pids.max "
                    "/sys/fs/cgroup/cpu/cpu.cfs_quota_us || "
                    "cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/pids.max "
                    "/sys/fs/cgroup/cpu.max")
    assert result.stdout.split()[:3] == [str(64 << 20), "33", "50000"], result


def test_memory_beyond_the_limit_ends_the_program(podman):
    result = podman.run("--memory", "32m", "--memory-swap", "32m", IMAGE, "tail", "/dev/zero")
    assert result.returncode == 137, result


def test_pause_stops_and_unpause_goes_on(podman):
    container = podman.start(IMAGE, "sleep", "1000")
    podman.ok("pause", container)
    assert podman.inspect(container)["State"]["Status"] == "paused"
    assert podman("exec", container, "true").returncode != 0
    podman.ok("unpause", container)
    podman.ok("exec", container, "true")


def test_update_changes_a_limit_of_what_runs(podman):
    container = podman.start("--memory", "64m", IMAGE, "sleep", "1000")
    podman.ok("update", "--memory", "128m", container)
    assert "134217728" in podman.ok(
        "exec", container, "sh", "-c",
        "cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max 2>/dev/null"
        " || true")


def test_stop_asks_and_kill_does_not(podman, tmp_path):
    os.mkfifo(tmp_path / "up")
    script = "trap 'exit 9' TERM; while :; do read line < /dev/zero; done"
    container = podman.start("--volume", f"{tmp_path}:/gate", IMAGE, "sh", "-c",
                             "trap 'exit 9' TERM; echo up > /gate/up; sleep 1000 & wait")
    assert (tmp_path / "up").read_text() == "up\n"  # by now it is prepared to be asked
    podman.ok("stop", container)
    assert podman.inspect(container)["State"]["ExitCode"] == 9
    container = podman.start(IMAGE, "sh", "-c", script)
    podman.ok("kill", container)
    assert podman.ok("wait", container) == "137\n"


def test_logs_and_restart(podman):
    container = podman.start(IMAGE, "echo", "logged")
    podman.ok("wait", container)
    assert podman.ok("logs", container) == "logged\n"
    podman.ok("start", container)
    podman.ok("wait", container)
    assert podman.ok("logs", container) == "logged\nlogged\n"


def test_a_user_namespace_maps_root_to_nobody(podman):
    result = podman.run("--uidmap", "0:100000:65536", "--gidmap", "0:100000:65536", IMAGE, "sh",
                        "-c", "id -u; cat /proc/self/uid_map; stat -c %u /bin/busybox")
    assert result.stdout.split() == ["0", "0", "100000", "65536", "0"], result


def test_volumes_tmpfs_and_a_read_only_root(podman, tmp_path):
    (tmp_path / "file").write_text("shared\n")
    result = podman.run("--read-only", "--volume", f"{tmp_path}:/data:ro", "--tmpfs", "/scratch",
                        IMAGE, "sh", "-c", "cat /data/file; touch /scratch/x && echo written; "
                                           "touch /data/x || touch /x || echo refused")
    assert result.stdout == "shared\nwritten\nrefused\n", result


def test_top_shows_the_processes(podman):
    container = podman.start(IMAGE, "sleep", "1000")
    assert "sleep 1000" in podman.ok("top", container, "args")


def test_a_privileged_container_has_what_the_host_has(podman):
    result = podman.run("--privileged", IMAGE, "sh", "-c", "mount -t tmpfs none /tmp && echo yes")
    assert result.stdout == "yes\n", result


def test_capabilities_are_added_and_dropped(podman):
    result = podman.run("--cap-drop", "all", "--cap-add", "chown", IMAGE, "grep", "CapEff",
                        "/proc/self/status")
    assert result.stdout.split()[1] == f"{1:016x}", result


def test_a_healthcheck_is_executed_in_the_container(podman):
    container = podman.start("--health-cmd", "test -e /tmp/healthy", "--health-interval", "disable",
                             IMAGE, "sleep", "1000")
    assert podman("healthcheck", "run", container).returncode == 1
    podman.ok("exec", container, "touch", "/tmp/healthy")
    assert podman("healthcheck", "run", container).returncode == 0


def test_an_image_is_built(podman, tmp_path):
    (tmp_path / "Containerfile").write_text(
        f"FROM {IMAGE}\nRUN mkdir /made && echo built > /made/file\n"
        "CMD [\"cat\", \"/made/file\"]\n")
    podman.ok("build", "--quiet", "--tag", "built:test", "--isolation", "oci", "--network", "none",
              tmp_path)
    assert podman.run("built:test").stdout == "built\n"
    podman.ok("rmi", "--force", "built:test")
