# SPDX-License-Identifier: Apache-2.0
"""Volumes of plug-ins, which talk Docker's protocol over a unix socket."""

import json
import socket

import pytest
from harness import cdi, volume_plugin, volumes


@pytest.fixture
def state_directory(state_directory_in_memory):
    return state_directory_in_memory


@pytest.fixture
def plugin(tmp_path):
    directory = tmp_path / "volumes"
    directory.mkdir()
    with cdi.alone(), volume_plugin.serve(directory) as plugin:
        yield plugin


def fails(result, message, code=1):
    assert result.returncode == code and message in result.stderr, str(result)


def create(cay, plugin, name="data", *options):
    return cay("volume", "create", "-d", plugin.name, *options, name)


def test_a_volume_of_a_plugin_is_made_described_and_removed_by_it(cay, state, plugin):
    assert create(cay, plugin, "data", "-o", "size=7", "-o", "fast").returncode == 0
    assert plugin.calls == ["Plugin.Activate", "Get", "Create"]
    assert plugin.volumes == {"data": {"size": "7", "fast": ""}}
    (volume,) = json.loads(cay.ok("volume", "inspect", "data"))
    del volume["CreatedAt"]
    assert volume == {
        "Driver": plugin.name, "Labels": None, "Mountpoint": str(plugin.path("data")),
        "Name": "data", "Options": {"size": "7", "fast": ""}, "Scope": "global",
        "Status": {"colour": "red"}}
    assert cay.ok("volume", "ls", "--format", "{{.Driver}} {{.Name}}") == f"{plugin.name} data"
    assert cay.ok("volume", "rm", "data") == "data"
    assert plugin.volumes == {} and volumes.directories(state) == []


def test_one_that_the_plugin_has_is_taken_as_it_is(cay, plugin):
    plugin.create({"Name": "data", "Opts": {}})
    assert create(cay, plugin).returncode == 0
    assert plugin.calls == ["Plugin.Activate", "Get"]
    assert create(cay, plugin).returncode == 0
    assert plugin.calls == ["Plugin.Activate", "Get"]


def test_a_container_has_it_mounted_as_long_as_it_runs(cay, image, plugin, no_leaks):
    create(cay, plugin)
    cay.ok("run", "-d", "--name", "one", "-v", "data:/data", image, "sh", "-c",
           "echo hello > /data/file; exec sleep 1000")
    (container,) = plugin.mounts["data"]
    assert container == cay.ok("inspect", "-f", "{{.Id}}", "one")
    (mount,) = json.loads(cay.ok("inspect", "-f", "{{json .Mounts}}", "one"))
    assert (mount["Name"], mount["Driver"], mount["Source"]) == (
        "data", plugin.name, str(plugin.path("data")))
    assert cay.ok("run", "--rm", "-v", "data:/there", image, "cat", "/there/file") == "hello"
    assert plugin.mounts["data"] == [container]
    fails(cay("volume", "rm", "data"), f"volume is in use - [{container}]")
    cay.ok("stop", "-t", "0", "one")
    assert plugin.mounts["data"] == []
    cay.ok("start", "one")
    assert plugin.mounts["data"] == [container]
    cay.ok("rm", "-f", "one")
    assert plugin.mounts["data"] == []
    assert plugin.calls.count("Mount") == plugin.calls.count("Unmount")
    cay.ok("volume", "rm", "data")


def test_two_places_in_one_container_are_one_mount(cay, image, plugin, no_leaks):
    create(cay, plugin)
    plugin.path("data").joinpath("file").write_text("hello\n")
    assert cay.ok("run", "--rm", "-v", "data:/a", "-v", "data:/b", image, "cat", "/a/file",
                  "/b/file") == "hello\nhello"
    assert plugin.calls[-3:] == ["Mount", "Path", "Unmount"]


def test_a_killed_container_is_unmounted_by_the_next_command(cay, state, image, plugin):
    create(cay, plugin)
    cay.ok("run", "-d", "--rm", "-v", "data:/data", image, "sleep", "1000")
    assert len(plugin.mounts["data"]) == 1
    state.kill()
    assert cay.ok("ps", "-aq") == ""
    assert plugin.mounts["data"] == []
    cay.ok("volume", "rm", "data")


def test_a_volume_is_made_with_the_container_that_names_its_driver(cay, image, plugin, no_leaks):
    cay.ok("run", "--rm", "--volume-driver", plugin.name, "-v", "data:/data", image, "true")
    assert cay.ok("volume", "ls", "-q", "--filter", f"driver={plugin.name}") == "data"
    cay.ok("volume", "rm", "data")


@pytest.mark.parametrize("method", ["Create", "Remove", "Mount", "Get"])
def test_an_error_of_a_plugin_shows_in_its_own_words(cay, state, image, plugin, method, no_leaks):
    commands = {"Create": ["volume", "create", "-d", plugin.name, "data"],
                "Remove": ["volume", "rm", "data"], "Get": ["volume", "inspect", "data"],
                "Mount": ["run", "--rm", "-v", "data:/data", image, "true"]}
    if method != "Create":
        create(cay, plugin)
    plugin.errors[f"VolumeDriver.{method}"] = "the disk is made of cheese"
    result = cay(*commands[method])
    fails(result, "the disk is made of cheese", 125 if method == "Mount" else 1)
    left = [] if method == "Create" else ["data"]
    assert cay.ok("volume", "ls", "-q").split() == volumes.directories(state) == left
    assert plugin.mounts.get("data", []) == []


@pytest.mark.parametrize("raw, message", [
    (b"", "the answer is no HTTP/1.1, or was cut short"),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n{\r\n\r\n", "malformed answer"),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]", "malformed answer: it is no object"),
    (b"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnope", "status 404: nope"),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 9999999\r\n\r\n", "the answer is too long"),
])
def test_what_is_no_answer_is_none(cay, state, plugin, raw, message):
    plugin.raw["VolumeDriver.Create"] = raw
    result = create(cay, plugin)
    fails(result, f"create volume 'data': plug-in '{plugin.name}': VolumeDriver.Create: ")
    assert message in result.stderr
    assert volumes.directories(state) == volumes.changes(state) == []


def test_a_mount_point_that_is_not_there_is_an_error(cay, image, plugin, no_leaks):
    create(cay, plugin)
    plugin.path("data").rmdir()
    fails(cay("run", "--rm", "-v", "data:/data", image, "true"),
          f"open mount point '{plugin.path('data')}'", 125)
    plugin.path("data").mkdir()
    assert plugin.mounts["data"] == []


def test_who_is_no_volume_driver_is_none(cay, state, plugin):
    plugin.implements = ["NetworkDriver"]
    fails(create(cay, plugin), f"plug-in '{plugin.name}' is no VolumeDriver")
    assert volumes.directories(state) == []


def test_a_plugin_that_is_gone_keeps_its_volume_unless_it_is_removed_by_force(cay, state,
                                                                              tmp_path):
    with cdi.alone():
        with volume_plugin.serve(tmp_path) as plugin:
            create(cay, plugin)
        fails(cay("volume", "rm", "data"), f"remove data: no such volume driver: '{plugin.name}'")
        assert cay.ok("volume", "ls", "-q") == "data"
        fails(cay("volume", "rm", "-f", "data"), f"no such volume driver: '{plugin.name}'")
    assert cay.ok("volume", "ls", "-q") == ""
    assert volumes.directories(state) == volumes.changes(state) == []


def test_who_does_not_listen_is_not_waited_for(cay):
    name = volume_plugin.unique_name()
    with cdi.alone(), volume_plugin.serve("/nowhere") as plugin:
        path = volume_plugin.SOCKETS / f"{name}.sock"
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(str(path))
        try:
            fails(cay("volume", "create", "-d", name, "data"), "Connection refused")
        finally:
            path.unlink()
        assert plugin.calls == []


@pytest.mark.parametrize("directory", ["/etc/docker/plugins", "/usr/lib/docker/plugins"])
def test_files_tell_where_plugins_are(cay, tmp_path, directory):
    name = volume_plugin.unique_name()
    address = f"unix://{tmp_path}/plugin.sock"
    files = [(directory, f"{name}.spec", address + "\n"),
             (directory, f"{name}.json", json.dumps({"Name": name, "Addr": address})),
             (f"{directory}/{name}", f"{name}.spec", address)]
    with cdi.alone(), volume_plugin.serve(tmp_path, name, tmp_path / "plugin.sock") as plugin:
        for number, described in enumerate(files):
            with volume_plugin.describe(*described):
                assert create(cay, plugin, f"data{number}").returncode == 0
                assert name in json.loads(cay.ok("info", "-f", "{{json .Plugins.Volume}}"))
                cay.ok("volume", "rm", f"data{number}")
        with volume_plugin.describe(directory, f"{name}.spec", "tcp://127.0.0.1:1"):
            fails(create(cay, plugin), "'tcp://127.0.0.1:1'")
        assert name not in json.loads(cay.ok("info", "-f", "{{json .Plugins.Volume}}"))


@pytest.mark.parametrize("name", ["../x", "a/b", ".x", "vieux/sshfs:latest", "no one"])
def test_a_name_that_is_no_plugin_s_is_not_looked_for(cay, state, name):
    fails(cay("volume", "create", "-d", name, "data"), f"no such volume driver: '{name}'")
    assert volumes.directories(state) == []
