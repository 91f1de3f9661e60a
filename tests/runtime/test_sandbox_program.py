# SPDX-License-Identifier: Apache-2.0
"""The program: found, executed, and what is said when that fails."""

import pytest


def test_the_exit_status_is_the_programs(bundle):
    assert bundle.run("sh", "-c", "exit 42").status == 42


def test_a_program_killed_by_a_signal_tells_which(bundle):
    bundle.remove_namespace("pid")
    assert bundle.run("sh", "-c", "kill -TERM $$").status == 128 + 15


def test_output_input_and_environment_pass_through(bundle):
    bundle.process["env"].append("COLOUR=blue")
    result = bundle.run("sh", "-c", "cat; echo $COLOUR; echo oops >&2", data="hello\n")
    assert (result.stdout, result.stderr) == ("hello\nblue\n", "oops\n")


def test_arguments_arrive_one_by_one(bundle):
    assert bundle.run("printf", "%s|", "a b", "", "*").stdout == "a b||*|"


def test_a_name_without_slash_is_looked_up_in_the_containers_path(bundle):
    bundle.write("/opt/second/tool", "#!/bin/sh\necho second\n")
    bundle.process["env"][0] = "PATH=/opt/first:/opt/second:/bin"
    assert bundle.run("tool").stdout == "second\n"


def test_a_file_that_must_not_be_executed_hides_none_later_in_path(bundle):
    bundle.write("/opt/first/tool", "#!/bin/sh\necho first\n", mode=0o644)
    (bundle.rootfs / "opt/zeroth/tool").mkdir(parents=True)
    bundle.write("/opt/second/tool", "#!/bin/sh\necho second\n")
    bundle.process["env"][0] = "PATH=/opt/zeroth:/opt/first:/opt/second:/bin"
    assert bundle.run("tool").stdout == "second\n"


def test_a_relative_program_starts_from_the_working_directory(bundle):
    bundle.write("/srv/tool", "#!/bin/sh\npwd\n")
    bundle.process["cwd"] = "/srv"
    assert bundle.run("./tool").stdout == "/srv\n"


@pytest.mark.parametrize("program, status, message", [
    ("foo", 127, 'exec: "foo": executable file not found in $PATH'),
    ("/no/such", 127, 'exec: "/no/such": no such file or directory'),
    ("/bin/sh/x", 127, 'exec: "/bin/sh/x": not a directory'),
    ("/etc/plain", 126, 'exec: "/etc/plain": permission denied'),
    ("plain", 126, 'exec: "plain": permission denied'),
    ("/etc", 126, 'exec: "/etc": is a directory'),
    ("/etc/script", 126, 'exec: "/etc/script": exec format error'),
    ("/etc/orphan", 127, 'exec: "/etc/orphan": its interpreter is missing: '
                         'no such file or directory'),
    ("orphan", 127, 'exec: "/etc/orphan": its interpreter is missing: no such file or directory'),
])
def test_a_program_that_cannot_be_executed_is_told_by_name(bundle, program, status, message):
    bundle.write("/etc/plain", "text", mode=0o644)
    bundle.write("/etc/script", "echo no shebang\n")
    bundle.write("/etc/orphan", "#!/no/such/interpreter\n")
    bundle.process["env"][0] = "PATH=/bin:/etc"
    result = bundle.run(program)
    assert result.status == status
    assert result.stderr.split(": ", 1)[1] == message + "\n"


def test_no_program_at_all_is_a_mistake_of_the_configuration(bundle):
    bundle.process["args"] = []
    result = bundle.run()
    assert result.status == 125
    assert "process.args" in result.stderr


def test_signals_are_at_their_defaults_and_none_is_blocked(bundle):
    import signal
    blocked = {signal.SIGUSR1, signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, blocked)
    try:
        status = bundle.run("grep", "^Sig", "/proc/self/status", restore_signals=False).stdout
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, blocked)
    fields = dict(line.split(":\t") for line in status.splitlines())
    for name in ("SigBlk", "SigIgn", "SigCgt"):
        assert int(fields[name], 16) == 0, (name, fields)


def test_the_container_waits_for_its_start_with_everything_in_place(bundle):
    created = bundle.create("sh", "-c", "echo started; cat")
    assert created.path("root/proc/self").is_symlink()
    assert (created.path("root/dev/null")).is_char_device()
    created.start()
    assert created.wait("input").stdout == "started\ninput"


def test_what_is_not_supported_is_refused_not_ignored(bundle):
    bundle.linux["mountLabel"] = "x"
    result = bundle.run("true")
    assert result.status == 125
    assert result.stderr.startswith("unsupported: ")
