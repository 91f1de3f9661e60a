# SPDX-License-Identifier: Apache-2.0
"""`--runtime`: containers that another OCI runtime makes, under the same shim."""

import json
import os
import pathlib
import shutil

import pytest

from harness import leaks

STAYS = ("sleep", "1000")


@pytest.fixture(params=["cay-oci", "runc"])
def runtime(request, release):
    """The path of a runtime that works on this machine."""
    return release / request.param if request.param == "cay-oci" else shutil.which(request.param)


@pytest.fixture
def run(cay, image, runtime, no_leaks):
    """run(*options, then=COMMAND) -> Result of `cay run` with the runtime."""
    def call(*options, then, **more):
        return cay("run", "--network", "none", "--runtime", runtime, *options, image, *then, **more)
    return call


@pytest.fixture
def wrapped(release, tmp_path):
    """wrapped(script) -> path of a runtime that is a shell script; "$real" is one that works."""
    def make(script):
        path = tmp_path / "wrapped"
        path.write_text(f"#!/bin/sh\nreal={release}/cay-oci\n{script}\n")
        path.chmod(0o755)
        return path
    return make


def inspect(cay, name):
    return json.loads(cay.ok("inspect", name))[0]


def script(text):
    return "sh", "-c", text


def directory_of(cay, name):
    return cay.state.runtime / "containers" / inspect(cay, name)["Id"]


def test_output_and_exit_status_are_the_programs(run):
    result = run("--rm", "-i", then=script("cat; echo err >&2; exit 7"), input="in\n")
    assert (result.returncode, result.stdout, result.stderr) == (7, "in\n", "err\n")


@pytest.mark.parametrize("program, code", [("no-such-program", 127), ("/etc/passwd", 126)])
def test_a_program_that_cannot_be_executed_is_told_by_its_code(cay, run, program, code):
    result = run("--name", "web", then=[program])
    assert result.returncode == code
    assert program in result.stderr
    assert inspect(cay, "web")["State"]["ExitCode"] == code


def test_a_terminal_has_its_size_and_is_the_programs(pty_run, image, runtime, no_leaks):
    terminal = pty_run("run", "--rm", "-it", "--network", "none", "--runtime", runtime, image,
                       *script("stty size; tty; read line; echo =$line=; exit 3"), rows=33,
                       columns=99)
    terminal.expect("33 99")
    terminal.expect("/dev/pts/0")
    terminal.send("typed\n")
    terminal.expect("=typed=")
    assert terminal.wait() == 3


def test_it_is_stopped_paused_and_started_again_on_the_same_files(cay, run, state):
    run("-d", "--name", "web", then=script("echo x >> /f; exec sleep 1000"), check=True)
    directory = directory_of(cay, "web")
    assert (directory / "oci").is_dir()
    assert list((directory / "bundle/rootfs").iterdir()) == []  # the host does not see it
    cay.ok("pause", "web")
    assert inspect(cay, "web")["State"]["Status"] == "paused"
    cay.ok("unpause", "web")
    cay.ok("stop", "-t", "0", "web")
    assert inspect(cay, "web")["State"]["ExitCode"] == 137
    assert state.settle() == []
    cay.ok("start", "web")
    assert cay.ok("exec", "web", "cat", "/f") == "x\nx"
    cay.ok("rm", "-f", "web")
    assert state.settle() == []  # the shim has somebody look whether its end was written down
    assert not directory.exists()


def test_more_programs_run_in_it(cay, run, pty_run):
    run("-d", "--name", "web", then=STAYS, check=True)
    result = cay("exec", "-i", "-e", "A=b", "-w", "/tmp", "web",
                 *script("cat; echo $A $PWD; exit 9"), input="in\n")
    assert (result.returncode, result.stdout) == (9, "in\nb /tmp\n")
    assert cay("exec", "web", "no-such-program").returncode == 127
    terminal = pty_run("exec", "-it", "web", *script("tty; exit 5"))
    terminal.expect("/dev/pts/")
    assert terminal.wait() == 5
    cay.ok("rm", "-f", "web")


def test_a_restart_policy_applies(cay, run, state):
    run("-d", "--name", "web", "--restart", "on-failure:2",
        then=script("echo x >> /f; exit $(wc -l < /f)"), check=True)
    assert state.settle() == []
    assert inspect(cay, "web")["State"]["ExitCode"] == 3 # each run had the files of the last one
    assert inspect(cay, "web")["RestartCount"] == 2


def test_what_the_kernel_kills_for_memory_is_recorded(cay, run):
    run("--name", "web", "-m", "16m", "--memory-swap", "16m",
        then=["dd", "if=/dev/zero", "of=/dev/null", "bs=64M", "count=1"])
    state = inspect(cay, "web")["State"]
    assert (state["ExitCode"], state["OOMKilled"]) == (137, True)


def test_it_joins_the_namespaces_of_other_containers(cay, run, image):
    cay.ok("run", "-d", "--name", "other", "--ipc", "shareable", image, "sleep", "1001")
    joined = run("--rm", "--pid", "container:other", "--ipc", "container:other", then=["ps"])
    assert "sleep 1001" in joined.stdout
    cay.ok("rm", "-f", "other")


def test_the_container_of_a_killed_shim_is_recovered_with_its_runtimes_state(cay, run, state):
    run("-d", "--name", "web", then=STAYS, check=True)
    directory, pid = directory_of(cay, "web"), inspect(cay, "web")["State"]["Pid"]
    pidfd = leaks.open_process(pid)
    state.kill()
    assert [row.split()[1] for row in cay.ok(
        "ps", "-a", "--format", "{{.Names}} {{.State}}").splitlines()] == ["exited"]
    assert leaks.wait_for_end(lambda: [pid] if is_alive(pid) else [], 10) == []
    os.close(pidfd)
    assert not directory.exists()
    assert inspect(cay, "web")["State"]["ExitCode"] == 137
    cay.ok("start", "web")
    cay.ok("rm", "-f", "web")


def is_alive(pid):
    try:
        text = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="ascii")
    except OSError:
        return False
    return text.rpartition(")")[2].split()[0] not in "ZX"


@pytest.mark.parametrize("what, words", [
    ("/nowhere/runtime", "no such program"),
    ("no-such-runtime", "no such program"),
    ("/etc/passwd", "no such program"),
])
def test_a_runtime_that_is_none_is_refused(cay, image, what, words, no_leaks):
    result = cay("run", "--rm", "--runtime", what, image, "true")
    assert result.returncode == 125
    assert words in result.stderr


def test_a_runtime_that_others_can_change_is_refused(cay, image, wrapped, no_leaks):
    path = wrapped('exec $real "$@"')
    assert cay("run", "--rm", "--runtime", path, image, "true").returncode == 0
    path.chmod(0o777)
    result = cay("run", "--rm", "--runtime", path, image, "true")
    assert result.returncode == 125
    assert "can be changed by others" in result.stderr


@pytest.mark.parametrize("options", [[], ["-t"]])
@pytest.mark.parametrize("command", ["create", "start"])
def test_what_a_failing_runtime_prints_is_the_error(cay, image, wrapped, command, options,
                                                    no_leaks):
    path = wrapped(f'case "$*" in *" {command} "*) echo tried >&2; echo "it is monday" >&2; exit 1;'
                   ' esac; exec $real "$@"')
    result = cay("run", "--name", "web", "--runtime", path, *options, image, "true")
    assert result.returncode == 125
    assert result.stderr == f"cay: runtime '{path}': it is monday\n"
    assert cay.ok("ps", "-aq", "--filter", "status=created") != ""


def test_a_message_that_is_logged_in_fields_is_read_from_them(cay, image, wrapped, no_leaks):
    path = wrapped("echo 'time=\"now\" level=error msg=\"it is \\\"monday\\\"\"' >&2; exit 1")
    result = cay("run", "--rm", "--runtime", path, image, "true")
    assert result.stderr == f"cay: runtime '{path}': it is \"monday\"\n"


def test_what_a_runtime_warns_of_is_not_the_containers_output(cay, image, wrapped, no_leaks):
    path = wrapped('echo "mind the gap" >&2; exec $real "$@"')
    result = cay("run", "--rm", "--runtime", path, image, *script("echo err >&2"))
    assert (result.returncode, result.stderr) == (0, "err\n")


@pytest.mark.parametrize("kill", ["kill -9 $$", '$real "$@"; kill -9 $$'])
@pytest.mark.parametrize("command", ["create", "start"])
def test_a_runtime_that_is_killed_leaves_nothing(cay, image, wrapped, command, kill, no_leaks):
    path = wrapped(f'case "$*" in *" {command} "*) {kill};; esac; exec $real "$@"')
    result = cay("run", "--rm", "--runtime", path, image, *STAYS)
    assert result.returncode == 125
    assert f"was killed during '{command}' by signal 9" in result.stderr
    assert cay.ok("ps", "-aq") == ""


def test_propagation_to_the_host_is_refused(cay, image, release, tmp_path, no_leaks):
    result = cay("run", "--rm", "--runtime", release / "cay-oci", "-v", f"{tmp_path}:/x:rshared",
                 image, "true")
    assert result.returncode == 125
    assert "mount '/x': propagation 'rshared' does not work with another runtime" in result.stderr


def test_volumes_parts_of_them_and_images_are_mounted(cay, run, image):
    run("--rm", "-v", "web:/data", then=script("mkdir /data/sub; echo in > /data/sub/file"))
    result = run("--rm", "-v", "web:/data", "--mount", "src=web,dst=/sub,volume-subpath=sub",
                 "--mount", "src=web,dst=/file,volume-subpath=sub/file",
                 "--mount", f"type=image,src={image},dst=/image",
                 then=script("cat /data/sub/file /sub/file /file; ls -d /image/bin"))
    assert result.stdout == "in\nin\nin\n/image/bin\n", str(result)
