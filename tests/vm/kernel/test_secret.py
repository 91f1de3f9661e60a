# SPDX-License-Identifier: Apache-2.0
"""Secrets where a mount that was made for a container can neither be cloned nor mounted twice."""

import pytest

OPTIONS = ["--secret", "token", "--secret", "token,target=/key", "--secret",
           "token,target=/etc/key"]


@pytest.mark.vm_core
def test_a_restart_by_policy_has_the_secrets_again(cay, image):
    cay.ok("secret", "create", "token", "-", input="content")
    cay.ok("run", "-d", "--name", "again", "--restart", "on-failure:3", *OPTIONS, image, "sh", "-c",
           "cat /run/secrets/token /key /etc/key; exit 1")
    while cay.ok("wait", "again") and cay.ok(
            "inspect", "--format", "{{.State.Status}}", "again") != "exited":
        pass
    assert cay.ok("logs", "again") == 12 * "content"
    assert cay.ok("inspect", "--format", "{{.RestartCount}} {{.State.Error}}", "again") == "3 "


def test_a_restart_with_a_terminal_has_both(cay, image):
    cay.ok("secret", "create", "token", "-", input="content")
    cay.ok("run", "-d", "-t", "--name", "again", "--restart", "on-failure:1", *OPTIONS, image, "sh",
           "-c", "test -t 1 && cat /run/secrets/token /key; exit 1")
    while cay.ok("wait", "again") and cay.ok(
            "inspect", "--format", "{{.State.Status}}", "again") != "exited":
        pass
    assert cay.ok("logs", "again") == 4 * "content"
