# SPDX-License-Identifier: Apache-2.0
"""Failures as engines see them: the record in the log, standard error, the exit status."""

import json
import os
import re

import pytest

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


def test_a_failure_is_recorded_as_json_and_shown(oci):
    log = oci.directory / "log.json"
    oci.root.mkdir()
    options = ["--log", str(log), "--log-format", "json"]
    for identifier in ("c1", "c2"):
        assert oci.fails("state", identifier, options=options).startswith("container does not")
    records = [json.loads(line) for line in log.read_text().splitlines()]
    assert [record["level"] for record in records] == ["error", "error"]
    assert records[1]["msg"] == "container does not exist: 'c2'"
    assert TIME.fullmatch(records[1]["time"])


def test_a_failure_is_recorded_as_text(oci):
    log = oci.directory / "log"
    oci.fails("state", "c1", options=["--log", str(log)])
    assert re.fullmatch(r'time="[^"]+" level=error msg="container does not exist: \'c1\'"\n',
                        log.read_text())


def test_json_without_a_log_goes_to_standard_error(oci):
    result = oci("state", "c1", options=["--log-format=json"])
    assert json.loads(result.stderr)["msg"] == "container does not exist: 'c1'"
    assert result.stdout == ""


def test_success_records_nothing(oci, bundle):
    log = oci.directory / "log"
    oci.create("c1", bundle, "true")
    oci.ok("state", "c1", options=["--log", str(log), "--debug"])
    assert not log.exists()


def test_a_log_that_cannot_be_written_does_not_hide_the_failure(oci):
    options = ["--log", "/no/such/directory/log"]
    assert oci.fails("state", "c1", options=options) == "container does not exist: 'c1'"


@pytest.mark.parametrize("arguments, message", [
    (["--no-such", "list"], "unknown option '--no-such', see '--help'"),
    (["--criu", "x", "list"], "option '--criu' is not supported by this version"),
    (["--log-format", "xml", "list"],
     "invalid value 'xml' for option '--log-format': write 'text|json'"),
    (["--rootless=maybe", "list"],
     "invalid value 'maybe' for option '--rootless': write 'true|false|auto'"),
    (["list", "c1"], "'list' takes no arguments, but got 'c1'"),
    (["start"], "'start' needs exactly 1 argument: cay-oci start CONTAINER"),
    (["kill"], "'kill' needs at least 1 argument: cay-oci kill CONTAINER [SIGNAL]"),
    (["checkpoint", "c1"],
     "'checkpoint' is not supported: checkpoints need CRIU, which is not used"),
    (["strat", "c1"], "unknown command 'strat', did you mean 'start'?"),
])
def test_a_wrong_command_line_is_refused(oci, arguments, message):
    assert oci.fails(*arguments) == message


def test_the_version_is_what_engines_parse(oci):
    first, second, *_ = oci.ok("--version").splitlines()
    assert re.fullmatch(r"cay-oci version \d+\.\d+\.\d+", first)
    assert second == "spec: 1.3.0"
    assert oci.ok("-v") == oci.ok("--version")


def test_help_is_shown_for_all_and_for_each(oci):
    assert "\n  create " in oci.ok("--help")
    assert oci.ok() == oci.ok("help")
    assert "--console-socket" in oci.ok("create", "--help")
    assert "--console-socket" in oci.ok("create", "-h")


def test_options_end_where_arguments_begin(oci):
    oci.root.mkdir()
    assert oci.fails("kill", "c1", "--all") == "unknown signal '--all'"


def test_a_configuration_that_is_missing_or_wrong_leaves_nothing(oci, bundle):
    directory = str(bundle.directory)
    assert (oci.fails("create", "--bundle", directory, "c1") ==
            f"read '{directory}/config.json': No such file or directory")
    bundle.config["process"]["cwd"] = "relative"
    bundle.write_config(["true"])
    assert (oci.fails("create", "--bundle", directory, "c1") ==
            f"{directory}/config.json: process.cwd: 'relative' is not an absolute path")
    assert "open the bundle '/no/such'" in oci.fails("create", "--bundle", "/no/such", "c1")
    assert not oci.root.exists()


def test_a_creation_that_fails_leaves_nothing(oci, bundle):
    bundle.mount("/data", "/no/such/source", ["bind"])
    bundle.write_config(["true"])
    assert ("No such file or directory" in
            oci.fails("create", "--bundle", bundle.directory, "c1"))
    assert oci.ids() == []
    assert not (oci.root / "c1").exists()


def test_missing_standard_descriptors_are_no_danger(oci, bundle):
    """Else the first file that is opened takes their place, and the container writes to it."""
    bundle.write_config(["sh", "-c", "echo text; echo text >&2"])
    script = 'exec 0<&- 1>&- 2>&-; exec "$@"'
    result = oci("run", "--bundle", bundle.directory, "c1", prefix=["sh", "-c", script, "sh"])
    assert result.returncode == 0
    assert oci.ids() == []


def test_output_that_cannot_be_written_is_a_failure(oci, bundle):
    oci.create("c1", bundle, "true")
    with open("/dev/full", "wb") as full:
        assert "write standard output" in oci.fails("state", "c1", stdout=full)


def test_the_pid_file_holds_the_pid_alone(oci, bundle):
    path = oci.directory / "pid"
    oci.create("c1", bundle, "true", options=["--pid-file", str(path)])
    assert path.read_text() == str(oci.state("c1")["pid"])
    assert not [name for name in os.listdir(oci.directory) if name.startswith(".tmp")]


def test_a_relative_pid_file_is_taken_from_the_current_directory(oci, bundle):
    oci.create("c1", bundle, "true", options=["--pid-file", "pid"], cwd=oci.directory)
    assert (oci.directory / "pid").read_text() == str(oci.state("c1")["pid"])


def test_a_pid_file_that_cannot_be_written_undoes_the_creation(oci, bundle):
    bundle.write_config(["true"])
    message = oci.fails("create", "--bundle", bundle.directory, "--pid-file", "/no/such/pid", "c1")
    assert message == "write the pid file '/no/such/pid': No such file or directory"
    assert oci.ids() == []


def test_spec_writes_a_configuration_once(oci, bundle):
    oci.ok("spec", "--bundle", bundle.directory)
    config = json.loads((bundle.directory / "config.json").read_text())
    assert config["ociVersion"] == "1.3.0"
    assert config["process"]["args"] == ["sh"]
    message = oci.fails("spec", cwd=bundle.directory)
    assert message == "'./config.json' exists: remove it first"
    (bundle.directory / "config.json").unlink()
    oci.ok("spec", "--rootless", cwd=bundle.directory)
    config = json.loads((bundle.directory / "config.json").read_text())
    assert {"type": "user"} in config["linux"]["namespaces"]


def test_what_spec_writes_runs(oci, bundle):
    oci.ok("spec", "--bundle", bundle.directory)
    bundle.config = json.loads((bundle.directory / "config.json").read_text())
    bundle.process["terminal"] = False
    bundle.process["env"].append(bundle.marker)
    bundle.linux["cgroupsPath"] = f"/caytest/{bundle.directory.name}"
    assert oci.run("c1", bundle, "sh", "-c", "hostname").stdout == "cay\n"
