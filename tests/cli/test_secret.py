# SPDX-License-Identifier: Apache-2.0
"""Secrets: what containers get to see of them, and nobody else does."""

import contextlib
import json
import os
import re
import sqlite3

import pytest

from harness import kernel

CONTENT = "correct horse battery staple"


@pytest.fixture
def secret(cay):
    """The name of a secret with CONTENT."""
    cay.ok("secret", "create", "token", "-", input=CONTENT)
    return "token"


def refused(result, words, code=1):
    code = 125 if "is not supported by this version" in result.stderr else code
    assert result.returncode == code and result.stdout == "", str(result)
    assert words in result.stderr, str(result)


def inspect(cay, name):
    return json.loads(cay.ok("secret", "inspect", name))[0]


def test_a_container_gets_a_secret_as_a_read_only_file_in_memory(cay, image, secret, no_leaks):
    script = ("cat /run/secrets/token; echo; stat -c '%a %u:%g' /run/secrets/token;"
              " grep ' /run/secrets ' /proc/mounts; echo >/run/secrets/token || echo kept;"
              " rm /run/secrets/token || echo there")
    lines = cay.ok("run", "--rm", "--secret", secret, image, "sh", "-c", script).splitlines()
    content, stat, mount, *refusals = lines
    assert (content, stat, refusals) == (CONTENT, "444 0:0", ["kept", "there"])
    fields = mount.split()
    flags = {"ro", "nosuid", "nodev", "noexec", *(["noswap"] if kernel.TMPFS_NEED_NOT_SWAP else [])}
    assert fields[2] == "tmpfs" and flags <= {*fields[3].split(",")}


@pytest.mark.parametrize("fields, path, stat", [
    ("source=token,target=other", "/run/secrets/other", "444 0:0"),
    ("src=token,target=deep/er", "/run/secrets/deep/er", "444 0:0"),
    ("token,target=/etc/app/key,uid=1000,gid=29,mode=0440", "/etc/app/key", "440 1000:29"),
    ("token,type=mount,uid=1000,mode=400", "/run/secrets/token", "400 1000:0"),
])
def test_a_secret_has_the_place_owner_and_mode_that_are_asked_for(
        cay, image, secret, fields, path, stat):
    output = cay.ok("run", "--rm", "--secret", fields, image, "sh", "-c",
                    f"stat -c '%a %u:%g' {path}; cat {path}")
    assert output == f"{stat}\n{CONTENT}"


def test_whoever_may_not_read_a_secret_cannot(cay, image, secret):
    options = ["--rm", "--user", "1000", "--secret", f"{secret},uid=0,mode=0400"]
    result = cay("run", *options, image, "cat", "/run/secrets/token")
    refused(result, "Permission denied")


def test_several_secrets_in_several_places_under_a_read_only_root(cay, image, secret):
    cay.ok("secret", "create", "second", "-", input="2")
    options = ["--secret", "second,target=/key", "--secret", secret, "--secret",
               f"{secret},target=/etc/token", "--secret", "second,target=b"]
    output = cay.ok("run", "--rm", "--read-only", *options, image, "sh", "-c",
                    "cat /key /run/secrets/token /etc/token /run/secrets/b; ls /run/secrets")
    assert output == f"2{CONTENT}{CONTENT}2b\ntoken"


def test_a_restart_by_policy_has_the_secrets_again(cay, image, secret):
    cay("run", "--name", "again", "--restart", "on-failure:2", "--secret", secret, "--secret",
        f"{secret},target=/key", image, "sh", "-c", "cat /key /run/secrets/token; exit 1")
    while cay.ok("wait", "again") and cay.ok(
            "inspect", "--format", "{{.State.Status}}", "again") != "exited":
        pass
    assert cay.ok("logs", "again") == 6 * CONTENT


def test_a_start_has_the_content_of_now(cay, image, secret):
    cay.ok("run", "--name", "again", "--secret", secret, image, "cat", "/run/secrets/token")
    before = inspect(cay, secret)
    assert cay.ok("secret", "create", "--replace", secret, "-", input="new") == before["ID"]
    assert cay.ok("start", "--attach", "again") == "new"
    after = inspect(cay, secret)
    assert (before["Version"]["Index"], after["Version"]["Index"]) == (1, 2)
    assert before["CreatedAt"] == after["CreatedAt"] < after["UpdatedAt"]


def test_content_comes_from_a_file_standard_input_or_a_variable(cay, image, tmp_path):
    file = tmp_path / "content"
    file.write_bytes(b"\0binary\xff\n")
    cay.ok("secret", "create", "of-file", file)
    cay.ok("secret", "create", "of-input", "-", input=b"x" * 512000)
    cay.ok("secret", "create", "--env", "of-variable", "CAY_TEST_SECRET",
           env={"CAY_TEST_SECRET": "seen"})
    options = [word for name in ("of-file", "of-input", "of-variable")
               for word in ("--secret", name)]
    result = cay("run", "--rm", *options, image, "sh", "-c", "cat /run/secrets/*", text=False)
    assert result.stdout == b"\0binary\xff\n" + b"x" * 512000 + b"seen"


@pytest.mark.parametrize("arguments, content, words", [
    (["-", "-"], "x", "invalid secret name '-'"),
    (["a,b", "-"], "x", "invalid secret name 'a,b'"),
    (["a" * 65, "-"], "x", "only 1 to 64"),
    (["empty", "-"], "", "a secret cannot be empty"),
    (["large", "-"], "x" * 512001, "a secret has at most 512000 bytes"),
    (["missing", "/nothing"], "", "open '/nothing': No such file"),
    (["--env", "missing", "CAY_TEST_NOTHING"], "", "no environment variable 'CAY_TEST_NOTHING'"),
    (["--driver", "vault", "a", "-"], "x", "there is no secret driver 'vault', only 'file'"),
    (["--template-driver", "golang", "a", "-"], "x", "'--template-driver' is not supported"),
    (["--driver-opts", "a=b", "a", "-"], "x", "'--driver-opts' is not supported"),
])
def test_what_cannot_be_a_secret_is_refused(cay, arguments, content, words):
    refused(cay("secret", "create", *arguments, input=content), words)
    assert cay.ok("secret", "ls", "-q") == ""


def test_a_name_that_is_taken_is_refused(cay, secret):
    refused(cay("secret", "create", secret, "-", input="x"), "secret 'token' already exists")


def test_secrets_are_listed_with_filters_and_formats(cay):
    cay.ok("secret", "create", "--label", "tier=front", "--label", "a", "web-1", "-", input="1")
    cay.ok("secret", "create", "--label", "tier=back", "web-2", "-", input="2")
    ids = {name: inspect(cay, name)["ID"] for name in ("web-1", "web-2")}
    header, *rows = cay.ok("secret", "ls").splitlines()
    assert header.split() == ["ID", "NAME", "DRIVER", "CREATED", "UPDATED"]
    assert [row.split()[:2] for row in rows] == [[ids["web-1"], "web-1"], [ids["web-2"], "web-2"]]

    def names(*options):
        return cay.ok("secret", "ls", "--format", "{{.Name}}", *options).split()

    assert names("-f", "name=web") == ["web-1", "web-2"]
    assert names("-f", "name=web-2", "-f", "name=web-1") == ["web-1", "web-2"]
    assert names("-f", "label=tier") == ["web-1", "web-2"]
    assert names("-f", "label=tier", "-f", "label=a") == ["web-1"]
    assert names("-f", f"id={ids['web-2'][:9]}") == ["web-2"]
    assert cay.ok("secret", "ls", "-q", "-f", "label=tier=back") == ids["web-2"]
    assert cay.ok("secret", "ls", "--format", '{{.Label "tier"}}') == "front\nback"
    refused(cay("secret", "ls", "-f", "mode=x"), "there are id=, label= and name=")


def test_inspect_shows_all_but_the_content(cay):
    id_ = cay.ok("secret", "create", "-l", "tier=front", "token", "-", input=CONTENT)
    shown = inspect(cay, id_[:12])
    assert re.fullmatch("[0-9a-f]{25}", shown.pop("ID"))
    assert shown.pop("CreatedAt") == shown.pop("UpdatedAt")
    assert shown == {"Version": {"Index": 1},
                     "Spec": {"Name": "token", "Labels": {"tier": "front"}}}
    pretty = cay.ok("secret", "inspect", "--pretty", "token").splitlines()
    assert pretty[:4] == [f"ID:               {id_}", "Name:             token", "Labels:",
                          " - tier=front"]
    assert cay.ok("secret", "inspect", "--format", "{{.Spec.Name}}", "token") == "token"
    refused(cay("secret", "inspect", "--showsecret", "token"), "'--showsecret' is not supported")


def test_a_secret_in_use_stays_until_its_containers_are_gone(cay, image, secret):
    cay.ok("create", "--name", "one", "--secret", secret, image, "true")
    cay.ok("create", "--name", "two", "--secret", f"{secret},target=a", image, "true")
    refused(cay("secret", "rm", secret), "secret 'token' is in use by containers 'one', 'two'")
    cay.ok("rm", "one")
    refused(cay("secret", "rm", secret), "secret 'token' is in use by container 'two'")
    cay.ok("rm", "two")
    assert cay.ok("secret", "rm", secret) == "token"


def test_each_secret_is_removed_whatever_becomes_of_the_others(cay, secret):
    result = cay("secret", "rm", "nothing", secret)
    assert (result.returncode, result.stdout) == (1, "token\n")
    assert result.stderr == "cay: no such secret: 'nothing'\n"
    assert cay("secret", "rm", "--ignore", "nothing").returncode == 0


@pytest.mark.parametrize("option, words", [
    ("nothing", "no such secret: 'nothing'"),
    ("token,type=env", "what is in the environment shows in 'inspect'"),
    ("token,path=/x", "unknown field 'path=/x'"),
    ("target=/x", "it names no secret"),
    ("token,uid=root", "field 'uid': 'root' is not a numeric id"),
    ("token,mode=1777", "field 'mode': '1777' is not a mode"),
    ("token,target=../x", "invalid target '../x'"),
    ("token,target=/", "invalid target '/'"),
])
def test_what_cannot_be_given_to_a_container_is_refused(cay, image, secret, option, words):
    assert secret == "token"
    refused(cay("run", "--rm", "--secret", option, image, "true"), words, code=125)
    assert not cay.state.containers()


def test_two_secrets_cannot_have_one_place(cay, image, secret):
    refused(cay("run", "--rm", "--secret", secret, "--secret", secret, image, "true"),
            "two secrets have the target '/run/secrets/token'", code=125)


# Who must not see it.

def files_below(directory):
    for path in directory.rglob("*"):
        with contextlib.suppress(OSError):
            if path.is_file() and not path.is_symlink():
                yield path, path.read_bytes()


def test_content_is_in_no_file_output_argument_or_environment_of_the_hosts(cay, image, secret):
    content = CONTENT.encode()
    cay.ok("run", "-d", "--name", "holder", "--secret", secret, "--secret",
           f"{secret},target=/etc/token", image, "sh", "-c",
           "cat /run/secrets/token >/dev/null; sleep 1000")
    cay.ok("secret", "create", "--replace", secret, "-", input=CONTENT)
    for directory in cay.state.directory, cay.state.runtime:
        assert [path for path, data in files_below(directory) if content in data] == []
    outputs = [cay.ok(*command) for command in (
        ["inspect", "holder"], ["logs", "holder"], ["secret", "inspect", secret], ["top", "holder"],
        ["events", "--since", "1h", "--until", "0s", "--format", "json"])]
    assert CONTENT not in "\n".join(outputs)
    pid = cay.ok("inspect", "--format", "{{.State.Pid}}", "holder")
    for process in [pid, *map(str, cay.state.processes())]:
        for file in "cmdline", "environ":
            with open(f"/proc/{process}/{file}", "rb") as opened:
                assert content not in opened.read()


def test_no_other_container_sees_a_secret(cay, image, secret):
    cay.ok("run", "-d", "--name", "holder", "--secret", secret, "--env", "OF=holder", image,
           "sleep", "1000")
    script = "ls /run/secrets; cat /proc/*/environ | tr '\\0' '\\n'; cat /proc/mounts"
    output = cay("run", "--rm", image, "sh", "-c", script).stdout
    assert CONTENT not in output and "secrets" not in output and "OF=" not in output


def test_no_mount_of_the_hosts_shows_a_secret(cay, image, secret):
    cay.ok("run", "-d", "--secret", secret, image, "sleep", "1000")
    with open("/proc/self/mountinfo", encoding="ascii") as mounts:
        assert "secrets" not in mounts.read()


def test_content_is_read_into_memory_that_is_locked_and_never_dumped(cay, release):
    creating = cay.on(release).spawn("secret", "create", "token", "-") # sanitizers lock nothing
    # More than fits into the pipe: once it is written, some of it has been read.
    creating.stdin.write(b"x" * (2 << 16))
    creating.stdin.flush()
    with open(f"/proc/{creating.pid}/smaps", encoding="ascii") as maps:
        flags = [set(line.split()[1:]) for line in maps if line.startswith("VmFlags:")]
    assert any({"lo", "dd", "wf"} <= those for those in flags)
    creating.stdin.close()
    assert creating.wait() == 0


# The key.

def key_of(cay):
    return cay.state.directory / "secrets" / "key"


def test_the_key_is_roots_alone_and_made_once(cay, secret):
    key = key_of(cay)
    assert (key.stat().st_mode & 0o7777, key.stat().st_size) == (0o600, 32)
    assert key.parent.stat().st_mode & 0o7777 == 0o700
    before = key.read_bytes()
    cay.ok("secret", "create", "second", "-", input="2")
    assert key.read_bytes() == before and os.listdir(key.parent) == ["key"]
    assert secret == "token"


def test_first_secrets_at_once_come_to_one_key(cay, spawn, image):
    processes = [spawn("secret", "create", f"secret-{number}", "-") for number in range(6)]
    for number, process in enumerate(processes):
        process.communicate(str(number).encode())
        assert process.returncode == 0
    options = [word for number in range(6) for word in ("--secret", f"secret-{number}")]
    assert cay.ok("run", "--rm", *options, image, "sh", "-c", "cat /run/secrets/*") == "012345"


def test_a_key_that_others_can_read_is_refused(cay, image, secret):
    key_of(cay).chmod(0o640)
    refused(cay("run", "--rm", "--secret", secret, image, "true"), "can be read by others", 125)


def test_a_key_that_is_missing_is_not_replaced(cay, image, secret):
    key_of(cay).unlink()
    words = f"the key of secrets '{key_of(cay)}' is missing"
    refused(cay("run", "--rm", "--secret", secret, image, "true"), words, 125)
    refused(cay("secret", "create", "second", "-", input="2"), words)
    assert not key_of(cay).exists() and not cay.state.containers()
    cay.ok("secret", "rm", secret)
    cay.ok("secret", "create", "second", "-", input="2")


def test_a_key_elsewhere_is_used_and_no_other_one_is(cay, image, tmp_path):
    key = tmp_path / "key"
    environment = {"CAY_SECRET_KEY_FILE": str(key)}
    refused(cay("secret", "create", "token", "-", input="1", env=environment), "No such file")
    key.write_bytes(os.urandom(31))
    key.chmod(0o600)
    refused(cay("secret", "create", "token", "-", input="1", env=environment),
            "is not a file of 32 bytes")
    key.write_bytes(os.urandom(32))
    cay.ok("secret", "create", "token", "-", input="1", env=environment)
    assert not key_of(cay).exists()
    command = ["run", "--rm", "--secret", "token", image, "cat", "/run/secrets/token"]
    assert cay.ok(*command, env=environment) == "1"
    key.write_bytes(os.urandom(32))
    refused(cay(*command, env=environment),
            f"secret 'token' is encrypted under another key than '{key}'", 125)


def test_the_configuration_can_say_where_the_key_is(cay, image, tmp_path):
    key, configuration = tmp_path / "key", tmp_path / "cay.yaml"
    key.write_bytes(os.urandom(32))
    key.chmod(0o600)
    configuration.write_text(f"default-network: none\nsecret-key: {key}\n")
    environment = {"CAY_CONFIG": str(configuration)}
    cay.ok("secret", "create", "token", "-", input="1", env=environment)
    assert not key_of(cay).exists()
    assert cay.ok("run", "--rm", "--secret", "token", image, "cat", "/run/secrets/token",
                  env=environment) == "1"
    configuration.write_text("secret-key: key\n")
    refused(cay("secret", "create", "other", "-", input="1", env=environment),
            "secret-key: 'key' is not an absolute path")


@pytest.mark.parametrize("mode", ["host", "auto"])
def test_owners_are_the_containers_whatever_its_user_namespace(cay, image, secret, mode):
    output = cay.ok("run", "--rm", "--userns", mode, "--secret", f"{secret},uid=5,gid=6", image,
                    "stat", "-c", "%u:%g", "/run/secrets", "/run/secrets/token")
    assert output == "0:0\n5:6"


def test_content_that_was_changed_or_is_anothers_is_refused(cay, image, secret):
    cay.ok("secret", "create", "second", "-", input="2")
    command = ["run", "--rm", "--secret", secret, image, "cat", "/run/secrets/token"]
    for change in ("UPDATE secret SET sealed = (SELECT sealed FROM secret WHERE name = 'second')",
                   "UPDATE secret SET sealed = x'00'"):
        with contextlib.closing(sqlite3.connect(cay.state.directory / "cay.db")) as database:
            database.execute(f"{change} WHERE name = 'token'")
            database.commit()
        refused(cay(*command), "secret 'token' has been changed in the state database", 125)


def test_events_tell_of_secrets(cay, secret):
    cay.ok("secret", "create", "--replace", secret, "-", input="2")
    cay.ok("secret", "rm", secret)
    output = cay.ok("events", "--since", "1h", "--until", "0s", "--filter", "secret=token",
                    "--format", "{{.Type}} {{.Action}} {{.Actor.Attributes.name}}")
    assert output.splitlines() == [f"secret {action} token"
                                   for action in ("create", "update", "remove")]


def test_a_secret_does_not_become_part_of_what_the_container_has_written(cay, image, secret):
    cay.ok("run", "--name", "holder", "--secret", secret, "--secret", f"{secret},target=/key",
           image, "cat", "/key")
    (container,) = cay.state.containers()
    upper = cay.state.directory / "containers" / container / "upper"
    found = [str(path.relative_to(upper)) for path, data in files_below(upper) if data]
    assert found == []


def test_neither_an_export_nor_a_commit_has_a_secret_in_it(cay, image, secret):
    cay.ok("run", "-d", "--name", "holder", "--secret", secret, "--secret", f"{secret},target=/key",
           image, "sh", "-c", "touch /ready; sleep 1000")
    assert CONTENT.encode() not in cay("export", "holder", check=True, text=False).stdout
    cay.ok("commit", "holder", "committed")
    script = "cat /key; cat /run/secrets/token || ls /run/secrets"
    assert cay.ok("run", "--rm", "committed", "sh", "-c", script) == ""
    shown = cay.ok("inspect", "committed")
    assert CONTENT not in shown and "secrets" not in shown
