# SPDX-License-Identifier: Apache-2.0
"""Health checks: what their results make of a container, and what is left of each."""

import json
import os
import select
import signal

import pytest

from harness import image_archives, images, leaks

LIMIT = 60

# Each check asks what to do, and waits for the answer.
CHECK = """echo >/sync/asked; read word rest </sync/answer
case $word in
    hang) echo so far; sleep 3600;;
    long) yes | head -c 5000; exit 1;;
    *) echo said $word; exit $word;;
esac"""


class Patient:
    """A container named "box" whose checks ask the test."""

    def __init__(self, cay, state, process, directory):
        self.cay = cay
        self.state = state
        self.process = process
        self.asked = os.open(directory / "asked", os.O_RDWR | os.O_CLOEXEC)
        self.answers = os.open(directory / "answer", os.O_RDWR | os.O_CLOEXEC)
        assert process.stdout.readline() == b"up\n"

    def wait(self):
        """Until a check asks: whatever was before it has been taken note of by then."""
        assert select.select([self.asked], [], [], LIMIT)[0], "no check"
        assert os.read(self.asked, 1) == b"\n"

    def answer(self, *words):
        """Let the check that asks, and the ones after it, end so; wait for the one after those."""
        for word in words:
            os.write(self.answers, f"{word}\n".encode())
            self.wait()

    def runtime(self):
        (directory,) = (self.state.runtime / "containers").iterdir()
        return directory

    def lock(self):
        return json.loads((self.runtime() / "lock").read_text())

    def status(self):
        status = self.lock()
        return status.get("health"), status.get("failingStreak", 0)

    def results(self):
        return json.loads((self.runtime() / "health.json").read_text())["results"]

    def actions(self, beginning=""):
        log = (self.state.directory / "events/current").read_text()
        actions = [json.loads(record)["action"] for record in log.replace("\x1e", "").splitlines()]
        return [action for action in actions if action.startswith(beginning)]

    def shim(self):
        return self.lock()["shimPid"]

    def finish(self):
        if self.process.stdin:
            self.process.stdin.close()
            self.process.stdin = None
            self.process.wait()
        os.close(self.asked)
        os.close(self.answers)


@pytest.fixture
def start(cay, state, image, spawn, no_leaks, tmp_path):
    """start(*options, image=, check=) -> Patient"""
    patients = []
    for name in ("asked", "answer"):
        os.mkfifo(tmp_path / name)

    def call(*options, reference=image, check=("--health-cmd", CHECK),
             interval=("--health-interval", "1ms")):
        process = spawn("run", "-i", "--name", "box", "-v", f"{tmp_path}:/sync", *check,
                        *interval, *options, reference, "sh", "-c", "echo up; exec cat")
        patients.append(Patient(cay, state, process, tmp_path))
        return patients[-1]

    yield call
    for patient in patients:
        patient.finish()


def test_one_success_makes_it_healthy_and_retries_in_a_row_unhealthy(start):
    patient = start("--health-retries", "2")
    patient.wait()
    assert patient.status() == ("starting", 0)
    patient.answer(1)
    assert patient.status() == ("starting", 1)
    patient.answer(0)
    assert patient.status() == ("healthy", 0)
    patient.answer(1)
    assert patient.status() == ("healthy", 1)
    patient.answer(3)
    assert patient.status() == ("unhealthy", 2)
    patient.answer(1)
    assert patient.status() == ("unhealthy", 3)
    patient.answer(0)
    assert patient.status() == ("healthy", 0)
    assert patient.actions("health_status") == [
        "health_status: healthy", "health_status: unhealthy", "health_status: healthy"]
    assert [result["exitCode"] for result in patient.results()] == [0, 1, 3, 1, 0]
    assert [result["output"] for result in patient.results()] == [
        f"said {code}\n" for code in (0, 1, 3, 1, 0)]
    assert all(result["start"] <= result["end"] for result in patient.results())


def test_each_check_is_an_exec_to_those_who_watch(start):
    patient = start()
    patient.wait()
    patient.answer(0)
    first, second, third = patient.actions("exec_")[:3]
    assert first.startswith("exec_create: /bin/sh -c echo >/sync/asked")
    assert second == first.replace("exec_create", "exec_start") and third == "exec_die"


def test_failures_in_the_start_period_do_not_count(start):
    patient = start("--health-start-period", "1h", "--health-start-interval", "1ms",
                    "--health-interval", "1h", "--health-retries", "1")
    patient.wait()
    patient.answer(1, 1)
    assert patient.status() == ("starting", 0)
    assert [result["exitCode"] for result in patient.results()] == [1, 1]


def test_a_check_that_takes_too_long_is_killed_and_has_failed(start):
    patient = start("--health-timeout", "2s", "--health-retries", "1")
    patient.wait()
    patient.answer("hang")
    assert patient.status() == ("unhealthy", 1)
    (result,) = patient.results()
    assert result["exitCode"] == -1
    assert result["output"] == "Health check exceeded timeout (2s): so far\n"
    processes = patient.cay.ok("exec", "box", "ps").splitlines()
    assert not [line for line in processes if line.endswith(" sleep 3600")]


def test_a_check_outlasts_a_pause(start):
    patient = start()
    patient.wait()
    patient.cay.ok("pause", "box")
    os.write(patient.answers, b"0\n")
    assert patient.status() == ("starting", 0)
    patient.cay.ok("unpause", "box")
    patient.wait()
    assert patient.status() == ("healthy", 0)


def test_inspect_shows_what_the_checks_have_said(start):
    patient = start("--health-retries", "1")
    patient.wait()
    patient.answer(0, 7)
    health = json.loads(patient.cay.ok("inspect", "box"))[0]["State"]["Health"]
    assert (health["Status"], health["FailingStreak"]) == ("unhealthy", 1)
    assert [(result["ExitCode"], result["Output"]) for result in health["Log"]] == [
        (0, "said 0\n"), (7, "said 7\n")]
    assert all(result["Start"] < result["End"] for result in health["Log"])
    assert "(unhealthy)" in patient.cay.ok("ps", "--format", "{{.Status}}")


def test_an_unhealthy_container_is_started_again_where_its_policy_says_so(start):
    patient = start("--restart", "unhealthy:1", "--stop-timeout", "0", "--health-retries", "1")
    patient.wait()
    os.write(patient.answers, b"1\n")
    patient.wait()
    while patient.lock().get("restartCount", 0) == 0: # a check that began before the end
        patient.wait()
    assert patient.status() == ("starting", 0)
    patient.cay.ok("stop", "box")
    assert patient.actions("die")[:1] == ["die"] and len(patient.actions("start")) == 2


def test_of_long_output_the_beginning_is_kept(start):
    patient = start()
    patient.wait()
    patient.answer("long")
    assert patient.results()[0]["output"] == "y\n" * 2048 + "..."


@pytest.fixture
def checked_image(cay, tmp_path):
    """checked_image(healthcheck, **config) -> the reference of an image that has this check."""
    def make(healthcheck, **more):
        layer = images.busybox_tar()
        archive = tmp_path / "image.tar"
        text = image_archives.config([layer], config={"Healthcheck": healthcheck, **more})
        archive.write_bytes(image_archives.docker_archive((text, [layer], ["checked:test"])))
        cay("load", "-i", archive, check=True)
        return "checked:test"
    return make


def test_an_image_may_say_how_it_is_checked(start, checked_image):
    reference = checked_image({"Test": ["CMD", "sh", "-c", CHECK], "Retries": 1})
    patient = start(reference=reference, check=())
    patient.wait()
    patient.answer(1)
    assert patient.status() == ("unhealthy", 1)


def test_the_image_s_shell_runs_its_command_line(start, checked_image):
    reference = checked_image({"Test": ["CMD-SHELL", CHECK]}, Shell=["/bin/sh", "-ec"])
    patient = start(reference=reference, check=())
    patient.wait()
    assert patient.actions("exec_create")[0].startswith("exec_create: /bin/sh -ec echo")
    patient.answer(0)
    assert patient.status() == ("healthy", 0)


def test_none_is_none(start, checked_image):
    reference = checked_image({"Test": ["CMD", "false"], "Interval": 1000000})
    patient = start(reference=reference, check=["--no-healthcheck"], interval=())
    assert patient.status() == (None, 0)
    assert not (patient.runtime() / "health.json").exists()


def test_the_end_of_the_container_ends_its_check(start, state):
    patient = start()
    patient.wait()
    patient.process.stdin.close()
    patient.process.stdin = None
    assert patient.process.wait() == 0
    assert state.settle() == []


def test_a_shim_that_is_killed_during_a_check_leaves_nothing(start, state, cay):
    patient = start()
    patient.wait()
    os.kill(patient.shim(), signal.SIGKILL)
    assert patient.process.wait() != 0
    assert leaks.wait_for_end(state.processes, LIMIT) == []
    assert cay.ok("ps", "-a", "--format", "{{.State}}") == "exited"
