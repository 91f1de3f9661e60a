# SPDX-License-Identifier: Apache-2.0
"""The guest of these tests is one that systemd has started, and answers as any machine's does."""

import pathlib
import subprocess


def run(*command):
    return subprocess.run(command, check=False, capture_output=True, text=True).stdout.strip()


def test_process_1_is_systemd():
    assert pathlib.Path("/proc/1/comm").read_text() == "systemd\n"


def test_the_start_is_over():
    assert run("systemctl", "is-system-running", "--wait") == "running", run("systemctl",
                                                                             "--failed")


def test_the_manager_answers_on_the_bus():
    manager = ["org.freedesktop.systemd1", "/org/freedesktop/systemd1",
               "org.freedesktop.systemd1.Manager"]
    assert run("busctl", "get-property", *manager, "Version").startswith('s "')
    assert "org.freedesktop.systemd1" in run("busctl", "list", "--acquired")


def test_a_transient_scope_has_its_cgroup_where_systemd_says():
    """In one's own delegated cgroup, as the manager's only hierarchy has it."""
    inside = run("systemd-run", "--scope", "--quiet", "--unit=vm-test", "cat", "/proc/self/cgroup")
    assert inside == "0::/system.slice/vm-test.scope"
