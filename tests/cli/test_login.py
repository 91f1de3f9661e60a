# SPDX-License-Identifier: Apache-2.0
"""cay login and logout: what registries take, where it is kept, and what nobody gets to see."""

import base64
import json
import os
import signal
import stat
import subprocess
import termios

import faults
import pytest
from harness import registry_images

PASSWORD = "secret word"
SUCCESS = "Login Succeeded\n"

# Keeps what it is told in a file; writes down how it was called.
HELPER = """#!/bin/sh
echo "$1 $#" >>"$KEPT.calls"
case $1 in
store) cat >"$KEPT" ;;
get) read -r key; grep -qF "\\"$key\\"" "$KEPT" 2>/dev/null && exec cat "$KEPT"
     echo credentials not found in native keychain; exit 1 ;;
erase) rm "$KEPT" ;;
esac
"""


@pytest.fixture(name="config")
def _config(state):
    """Docker's config.json of whoever runs cay in the test."""
    return state.base / ".docker/config.json"


@pytest.fixture(name="helper")
def _helper(tmp_path, config):
    """A credential helper for all registries: its environment, and the file that it keeps."""
    program = tmp_path / "docker-credential-test"
    program.write_text(HELPER)
    program.chmod(0o755)
    config.parent.mkdir()
    config.write_text('{"credsStore": "test", "other": [1, 2]}')
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "KEPT": str(tmp_path / "kept")}
    return environment, tmp_path / "kept"


def encoded(user, password):
    return base64.b64encode(f"{user}:{password}".encode()).decode()


def login(cay, host, password=PASSWORD, user="user", **options):
    return cay("login", "--username", user, "--password-stdin", host, input=password + "\n",
               **options)


def test_a_password_that_the_registry_takes_is_kept(cay, password_registry, config):
    host = password_registry.host
    result = login(cay, host)
    assert (result.returncode, result.stdout) == (0, SUCCESS)
    assert result.stderr == (f"\nWARNING! Your credentials are stored unencrypted in '{config}'.\n"
                             "Configure a credential helper to remove this warning.\n\n")
    assert json.loads(config.read_text()) == {
        "auths": {host: {"auth": encoded("user", PASSWORD)}}}
    assert stat.S_IMODE(config.stat().st_mode) == 0o600
    assert stat.S_IMODE(config.parent.stat().st_mode) == 0o700


def test_a_wrong_password_is_refused_and_not_kept(cay, password_registry, config):
    result = login(cay, password_registry.host, "wrong horse")
    assert result.returncode == 1
    assert result.stdout == ""
    assert result.stderr.startswith(f"cay: log in to '{password_registry.host}': ")
    assert result.stderr.count("\n") == 1
    assert "wrong horse" not in result.stderr and encoded("user", "wrong") not in result.stderr
    assert not config.exists()


def test_a_token_server_is_asked_with_the_password(cay, token_registry, tokens, config):
    assert login(cay, token_registry.host).stdout == SUCCESS
    assert tokens.requests
    assert list(json.loads(config.read_text())["auths"]) == [token_registry.host]
    assert login(cay, token_registry.host, "wrong").returncode == 1


def test_a_token_that_is_given_instead_is_kept_and_the_password_is_not(cay, token_registry, tokens,
                                                                       config):
    host = token_registry.host
    assert login(cay, host).stdout == SUCCESS
    assert json.loads(config.read_text())["auths"][host] == {
        "auth": encoded("user", ""), "identitytoken": "refresh-user-0"}
    tokens.users.clear()
    assert cay("login", host).stdout.endswith(SUCCESS)
    tokens.refresh.clear()
    assert cay("login", host).returncode == 1


def test_a_password_on_the_command_line_is_warned_of(cay, password_registry):
    result = cay("login", "-u", "user", "-p", PASSWORD, password_registry.host)
    assert result.stdout == SUCCESS
    assert result.stderr.startswith(
        "WARNING! Using --password via the CLI is insecure. Use --password-stdin.\n")


def test_a_server_may_be_written_as_an_address(cay, password_registry, config):
    assert login(cay, f"http://{password_registry.host}/v2/").stdout == SUCCESS
    assert list(json.loads(config.read_text())["auths"]) == [password_registry.host]


def test_credentials_that_are_kept_are_tried_first(cay, password_registry, config):
    login(cay, password_registry.host)
    before = config.read_bytes()
    result = cay("login", password_registry.host)
    assert result.stdout == ("Authenticating with existing credentials... [Username: user]\n"
                             + SUCCESS)
    assert (result.returncode, result.stderr) == (0, "")
    assert config.read_bytes() == before


def test_credentials_that_are_refused_by_now_are_asked_for_again(pty_run, password_registry,
                                                                config):
    config.parent.mkdir()
    config.write_text(json.dumps(
        {"auths": {password_registry.host: {"auth": encoded("user", "old")}}}))
    terminal = pty_run("login", password_registry.host)
    terminal.expect("Login did not succeed: ")
    terminal.expect("Username (user): ")
    terminal.send("\n")
    terminal.expect("Password: ")
    terminal.send(PASSWORD + "\n")
    assert terminal.wait() == 0
    assert b"Login Succeeded" in terminal.output
    assert json.loads(config.read_text())["auths"][password_registry.host] == {
        "auth": encoded("user", PASSWORD)}


def test_a_password_does_not_show_while_it_is_typed(pty_run, password_registry):
    terminal = pty_run("login", password_registry.host)
    terminal.expect("Username: ")
    assert terminal.modes()[3] & termios.ECHO
    terminal.send("user\n")
    terminal.expect("Password: ")
    assert not terminal.modes()[3] & termios.ECHO
    terminal.send(PASSWORD + "\n")
    shown = terminal.expect("Login Succeeded")
    assert PASSWORD not in shown
    assert terminal.wait() == 0
    assert terminal.modes()[3] & termios.ECHO


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_the_terminal_shows_again_after_a_signal(pty_run, password_registry, ending):
    terminal = pty_run("login", "--username", "user", password_registry.host)
    terminal.expect("Password: ")
    assert not terminal.modes()[3] & termios.ECHO
    terminal.process.send_signal(ending)
    assert terminal.wait() == -ending
    assert terminal.modes()[3] & termios.ECHO


def test_without_a_terminal_nobody_is_asked(cay, password_registry):
    result = cay("login", password_registry.host)
    assert result.returncode == 1
    assert result.stderr == (
        f"cay: log in to '{password_registry.host}': cannot ask for a name and a password without "
        "a terminal, use --username and --password-stdin\n")


@pytest.mark.parametrize("arguments, line", [
    (["-u", "x", "-p", "y", "--password-stdin"],
     "--password and --password-stdin are mutually exclusive"),
    (["--password-stdin"], "must provide --username with --password-stdin"),
    (["-u", "", "-p", "y"], "username is empty"),
    (["-u", "x", "-p", ""], "password is empty"),
    (["a b"], "'a b' is no name of a registry, write HOST or HOST:PORT"),
])
def test_mistakes_are_told(cay, arguments, line):
    result = cay("login", *arguments)
    assert result.stderr == f"cay login: {line}\n"
    assert result.returncode == 1


def test_an_empty_password_is_none(cay, password_registry):
    result = login(cay, password_registry.host, "")
    assert result.stderr == f"cay: log in to '{password_registry.host}': the password is empty\n"


def test_a_registry_that_is_not_there_is_told(cay):
    result = login(cay, "127.0.0.1:1")
    assert result.returncode == 1
    assert "127.0.0.1:1" in result.stderr and PASSWORD not in result.stderr


def test_a_helper_keeps_what_would_be_in_the_file(cay, password_registry, config, helper):
    environment, kept = helper
    host = password_registry.host
    result = login(cay, host, env=environment)
    assert (result.stdout, result.stderr) == (SUCCESS, "")
    assert json.loads(kept.read_text()) == {
        "ServerURL": host, "Username": "user", "Secret": PASSWORD}
    assert json.loads(config.read_text()) == {
        "credsStore": "test", "other": [1, 2], "auths": {host: {}}}
    assert cay("login", host, env=environment).stdout.endswith(SUCCESS)
    assert cay.ok("logout", host, env=environment) == f"Removing login credentials for {host}"
    assert not kept.exists()
    assert json.loads(config.read_text())["auths"] == {}
    calls = (kept.parent / "kept.calls").read_text().split("\n")
    assert set(calls) == {"store 1", "get 1", "erase 1", ""}  # nothing but what is to be done


def test_a_helper_that_is_missing_is_told_and_nothing_is_kept(cay, password_registry, config):
    config.parent.mkdir()
    config.write_text('{"credHelpers": {"%s": "missing"}}' % password_registry.host)
    before = config.read_bytes()
    result = login(cay, password_registry.host)
    assert result.returncode == 1
    assert "credential helper 'docker-credential-missing'" in result.stderr
    assert config.read_bytes() == before


def skopeo(config, *arguments):
    return subprocess.run(["skopeo", *arguments, "--authfile", config], input=PASSWORD, text=True,
                          capture_output=True, check=True).stdout


def test_who_has_logged_in_is_known_to_skopeo_and_the_other_way_round(
        cay, password_registry, repository, config):
    password_registry.push(repository, "latest", registry_images.small())
    name, host = password_registry.name(repository), password_registry.host
    assert cay("pull", name).returncode == 1
    login(cay, host)
    skopeo(config, "inspect", "--tls-verify=false", f"docker://{name}")
    cay.ok("logout", host)
    skopeo(config, "login", "--tls-verify=false", "--username", "user", "--password-stdin", host)
    cay.ok("pull", name)


def test_logout_forgets_all_spellings_of_a_registry(cay, config):
    config.parent.mkdir()
    entry = {"auth": encoded("user", "x")}
    config.write_text(json.dumps({"auths": {
        "a.example.com": entry, "https://a.example.com/v1/": entry, "b.example.com": entry}}))
    assert cay.ok("logout", "a.example.com") == "Removing login credentials for a.example.com"
    assert json.loads(config.read_text()) == {"auths": {"b.example.com": entry}}
    assert cay.ok("logout", "https://a.example.com") == "Not logged in to a.example.com"


def test_without_a_server_it_is_docker_hub(cay, config):
    assert cay.ok("logout") == "Not logged in to https://index.docker.io/v1/"
    assert not config.parent.exists()
    config.parent.mkdir()
    config.write_text(json.dumps({"auths": {
        "https://index.docker.io/v1/": {"auth": encoded("user", "x")}}}))
    assert cay.ok("logout") == "Removing login credentials for https://index.docker.io/v1/"
    assert json.loads(config.read_text()) == {"auths": {}}


def test_a_file_that_is_damaged_is_left_alone(cay, password_registry, config):
    config.parent.mkdir()
    config.write_text('{"auths": {"a": {"auth": "hunter2"')
    result = login(cay, password_registry.host)
    assert result.returncode == 1
    assert str(config) in result.stderr and "hunter2" not in result.stderr
    assert config.read_text() == '{"auths": {"a": {"auth": "hunter2"'


def test_docker_config_says_where_the_file_is(cay, tmp_path, config, password_registry):
    environment = {"DOCKER_CONFIG": str(tmp_path / "elsewhere")}
    assert login(cay, password_registry.host, env=environment).returncode == 0
    assert (tmp_path / "elsewhere/config.json").exists()
    assert not config.exists()


def test_two_logins_at_once_are_both_kept(cay, password_registry, token_registry, config):
    hosts = [password_registry.host, token_registry.host]
    processes = [cay.spawn("login", "-u", "user", "--password-stdin", host) for host in hosts]
    for process in processes:
        process.stdin.write(PASSWORD.encode())
        process.stdin.close()
    assert [process.wait(60) for process in processes] == [0, 0]
    assert sorted(json.loads(config.read_text())["auths"]) == sorted(hosts)


@pytest.mark.as_shipped
@pytest.mark.parametrize("make", [
    lambda cay: faults.kills(cay, "logout", "a.example.com"),
    lambda cay: faults.failures(cay, "logout", "a.example.com", errno="ENOSPC"),
], ids=["killed", "without space"])
def test_at_any_step_the_file_is_the_old_one_or_the_new_one(cay, config, make):
    config.parent.mkdir()
    entry = {"auth": encoded("user", "x")}
    old = {"auths": {"a.example.com": entry, "b.example.com": entry}, "other": 1}
    new = {"auths": {"b.example.com": entry}, "other": 1}
    seen = []
    config.write_text(json.dumps(old))
    for fault in make(cay):
        config.write_text(json.dumps(old))
        result = fault.run()
        found = json.loads(config.read_text())
        assert found in (old, new), str(fault)
        assert result.returncode != 0 or found == new, str(fault)
        seen.append(found)
        config.write_text(json.dumps(old))
        cay.ok("logout", "a.example.com")
        assert os.listdir(config.parent) == ["config.json"], str(fault)
    assert old in seen and new in seen
