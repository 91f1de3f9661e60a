# SPDX-License-Identifier: Apache-2.0
"""tests/run counts what ran, and cannot report success when something did not."""

import importlib.util
import importlib.machinery
import pathlib
import subprocess

import pytest

from vm import lanes

RUN = pathlib.Path(__file__).resolve().parent.parent / "run"


@pytest.fixture(scope="module")
def run():
    loader = importlib.machinery.SourceFileLoader("run", str(RUN))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("run", loader))
    loader.exec_module(module)
    return module


@pytest.mark.parametrize("entry, counted", [
    ({"result": "OK", "stdout": "1..2\nok 1 - a\nok 2 - b\n"}, (2, 0)),
    ({"result": "FAIL", "stdout": "1..2\nok 1 - a\nnot ok 2 - b\n"}, (1, 1)),
    ({"result": "FAIL", "stdout": "1..3\nok 1 - a\n"}, (1, 2)),
    ({"result": "FAIL", "stdout": "1..1\nok 1 - a\n"}, (1, 1)),
    ({"result": "TIMEOUT", "stdout": ""}, (0, 1)),
    ({"result": "OK", "stdout": "no TAP at all"}, (1, 0)),
    ({"result": "OK", "stdout": "1..2\nok 1 - a\n"}, (1, 1)),
    ({"result": "FAIL", "stdout": "1..1\n", "stderr": "not ok 1 - a\n"}, (0, 1)),
])
def test_unit_programs_are_counted_case_by_case(run, entry, counted):
    assert run.count_unit_program(entry) == counted


@pytest.mark.parametrize("suite, counted", [
    ("def test_a(): pass\ndef test_b(): pass\n", (2, 0)),
    ("def test_a(): pass\ndef test_b(): assert 0\n", (1, 1)),
    ("import pytest\ndef test_a(): pytest.skip()\n", (0, 1)),
    ("import no_such_module\n", (0, 1)),
    ("import pytest\n@pytest.fixture\ndef f():\n yield\n assert 0\ndef test_a(f): pass\n", (1, 1)),
    ("", (0, 1)),
])
def test_suites_are_counted_test_by_test(run, tmp_path, suite, counted):
    (tmp_path / "test_sample.py").write_text(suite)
    assert run.run_suites({}, 1, [str(tmp_path)]) == counted


@pytest.mark.parametrize("script, counted", [
    ("echo begin; echo 2 passed, 0 failed", (2, 0)),
    ("echo 2 passed, 1 failed; exit 1", (2, 1)),
    ("echo 2 passed, 0 failed; exit 125", (2, 1)),
    ("echo 2 passed, 0 failed; echo and then died", (0, 1)),
    ("echo 0 passed, 0 failed", (0, 1)),
    ("", (0, 1)),
])
def test_guests_are_counted_by_their_last_line(script, counted):
    assert lanes.run_counted(["sh", "-c", script]) == counted


def test_nothing_to_run_is_a_failure(tmp_path):
    builds = ["--build", tmp_path, "--release", tmp_path, "--fuzzers", tmp_path]
    result = subprocess.run([RUN, *builds, "--workers", "1", tmp_path], capture_output=True,
                            text=True, check=False)
    assert result.returncode == 1
    assert result.stdout.splitlines()[-1] == "0 passed, 2 failed"
