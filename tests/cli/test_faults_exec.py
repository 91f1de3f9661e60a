# SPDX-License-Identifier: Apache-2.0
"""Execs whose client or shim is killed at each step that changes something."""

import faults
import pytest

from harness import debris

KILLED = -9

pytestmark = pytest.mark.as_shipped


@pytest.fixture
def box(cay, image, spawn):
    """The directory of the execs of the container "box", which runs until the test ends."""
    process = cay.spawn("run", "-i", "--rm", "--name", "box", image, "sh", "-c",
                        "echo up; exec cat")
    assert process.stdout.readline() == b"up\n"
    assert cay("exec", "box", "true").returncode == 0
    (directory,) = (cay.state.runtime / "containers").iterdir()
    yield directory / "exec"
    process.stdin.close()
    process.stdin = None
    assert process.wait() == 0
    assert not cay.state.settle()
    assert debris.of_state(cay.state) == []
    assert cay.state.watch.problems() == []


@pytest.mark.parametrize("program, codes", [("cay", (KILLED, 0)), ("cay-shim", (1, 0))])
def test_an_exec_that_is_killed_anywhere_leaves_nothing_behind_the_next(cay, box, program, codes):
    met = 0
    others = len(cay.state.processes())
    for fault in faults.kills(cay, "exec", "box", "true", program=program):
        result = fault.run()
        assert result.returncode in codes, f"{fault}: {result}"
        met += result.returncode != 0
        after = cay("exec", "box", "sh", "-c", "ps | grep -c true; exit 7")
        assert after.returncode == 7, f"{fault}: {after}"
    assert met > 20
    assert list(box.iterdir()) == []
    assert len(cay.state.processes()) == others
