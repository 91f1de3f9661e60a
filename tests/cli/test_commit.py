# SPDX-License-Identifier: Apache-2.0
"""`cay commit`: the image runs the same tree, here and wherever else it goes."""

import json
import os
import shutil
import subprocess
import time

import pytest

from harness.manifest import difference, manifest
from harness.trees import fill


def upper(cay, name):
    return cay.state.directory / "containers" / cay.ok("inspect", "-f", "{{.Id}}", name) / "upper"


def inspect(cay, name):
    return json.loads(cay.ok("image", "inspect", name))[0]


def exported(cay, name, path):
    """The whole tree as bytes: equal trees are equal archives."""
    cay.ok("export", "-o", path, name)
    return path.read_bytes()


def assert_same_tree(cay, container, image, tmp_path):
    cay.ok("create", "--name", "copy", image, "true")
    same = exported(cay, container, tmp_path / "1") == exported(cay, "copy", tmp_path / "2")
    if not same:
        subprocess.run(["diff", "-r", "--no-dereference", upper(cay, container),
                        cay.state.directory / "layers"], check=False)
    assert same
    cay.ok("rm", "copy")


@pytest.fixture(name="full")
def _full(cay, image, no_leaks):
    """A container with one of everything."""
    cay.ok("create", "--name", "full", image, "true")
    (upper(cay, "full") / "tree").mkdir()
    fill(upper(cay, "full") / "tree")
    yield "full"
    cay.ok("rm", "-f", "full")


def test_what_is_committed_runs_as_the_same_tree(cay, full, tmp_path):
    committed = cay.ok("commit", full)
    assert committed.startswith("sha256:")
    assert_same_tree(cay, full, committed, tmp_path)
    layer = [path for path in (cay.state.directory / "layers").glob("*/diff/tree")]
    assert len(layer) == 1
    assert difference(manifest(upper(cay, full) / "tree"), manifest(layer[0])) == {}


def test_deletions_and_directories_in_their_places_are_kept(cay, image, no_leaks, tmp_path):
    cay.ok("run", "--name", "one", image, "sh", "-c",
           "rm /etc/os-release; rm -r /home; mkdir /home; touch /home/new; rm /etc/group; "
           "mkdir /etc/group; rm -r /var; ln -s /tmp /var; chmod 711 /; chown 5:6 /root; "
           "ln /etc/passwd /etc/again; mknod /tmp/fifo p")
    committed = cay.ok("commit", "one", "changed:1")
    assert_same_tree(cay, "one", committed, tmp_path)
    assert cay.ok("run", "--rm", "changed:1", "stat", "-c", "%a", "/") == "711"
    assert cay.ok("run", "--rm", "changed:1", "ls", "/home") == "new"
    cay.ok("rm", "one")


def test_another_store_gets_the_same_tree_from_the_blobs(cay, full, tmp_path):
    """As the image would be pulled: by skopeo, which verifies it, and then loaded."""
    if not shutil.which("skopeo"):
        pytest.skip("there is no skopeo")
    before = exported(cay, full, tmp_path / "1")
    cay.ok("commit", full, "full:1")
    subprocess.run(["skopeo", "copy", f"oci:{cay.state.directory / 'content'}:1",
                    f"oci-archive:{tmp_path / 'image.tar'}:full:2"], check=True,
                   capture_output=True)
    cay.ok("rm", full)
    cay.ok("rmi", "full:1", "busybox:test")
    assert not list((cay.state.directory / "layers").iterdir())
    cay.ok("load", "-i", tmp_path / "image.tar")
    [loaded] = cay.ok("images", "-q").split()
    cay.ok("create", "--name", full, loaded, "true")
    assert exported(cay, full, tmp_path / "2") == before


def test_equal_changes_are_one_layer(cay, image, no_leaks):
    for name in "one", "two":
        cay.ok("create", "--name", name, image, "true")
        file = upper(cay, name) / "file"
        file.write_text("content")
        os.utime(file, ns=(0, 1))
        cay.ok("commit", name, f"{name}:1")
        cay.ok("rm", name)
    layers = [inspect(cay, name)["RootFS"]["Layers"] for name in ("one:1", "two:1")]
    assert layers[0] == layers[1] and len(layers[0]) == 2
    assert len(list((cay.state.directory / "layers").iterdir())) == 2


def test_no_change_is_no_layer(cay, image, no_leaks):
    cay.ok("create", "--name", "one", image, "true")
    cay.ok("commit", "-m", "nothing", "one", "same:1")
    assert inspect(cay, "same:1")["RootFS"] == inspect(cay, image)["RootFS"]
    assert len(list((cay.state.directory / "layers").iterdir())) == 1
    history = cay.ok("history", "--format", "{{.Comment}} {{.Size}}", "same:1").splitlines()
    assert history[0] == "nothing 0B" and len(history) == 2
    cay.ok("rm", "one")


def test_the_image_runs_what_the_container_runs(cay, image, no_leaks):
    cay.ok("create", "--name", "one", "-e", "A=1", "-w", "/tmp", "-u", "1000:1000", "-l", "l=1",
           "--entrypoint", "echo", "--stop-signal", "USR1", "--expose", "80", "-v", "/volume",
           "--health-cmd", "true", "--health-retries", "5", image, "a", "b c")
    cay.ok("commit", "-a", "Ada", "-m", "a message", "one", "one:1")
    found = inspect(cay, "one:1")
    config = found["Config"]
    assert (found["Author"], found["Comment"]) == ("Ada", "a message")
    assert (config["Entrypoint"], config["Cmd"]) == (["echo"], ["a", "b c"])
    assert "A=1" in config["Env"]
    assert (config["WorkingDir"], config["User"]) == ("/tmp", "1000:1000")
    assert (config["Labels"], config["StopSignal"]) == ({"l": "1"}, "USR1")
    assert (config["ExposedPorts"], config["Volumes"]) == ({"80/tcp": {}}, {"/volume": {}})
    assert config["Healthcheck"]["Test"] == ["CMD-SHELL", "true"]
    assert config["Healthcheck"]["Retries"] == 5
    assert cay.ok("history", "--no-trunc", "--format", "{{.CreatedBy}}|{{.Comment}}",
                  "one:1").splitlines()[0] == "a b c|a message"
    assert cay.ok("run", "--rm", "one:1") == "a b c"
    cay.ok("rm", "-v", "one")
    cay.ok("volume", "prune", "-af")


def test_changes_are_applied_to_that(cay, image, no_leaks):
    cay.ok("create", "--name", "one", "-e", "A=1", "-e", "B=2", image, "false")
    cay.ok("commit", "-c", "ENV A=other C=3", "--change", 'CMD ["echo", "changed"]', "-c",
           "LABEL x=y", "-c", "USER 1000", "one", "one:1")
    config = inspect(cay, "one:1")["Config"]
    assert {"A=other", "B=2", "C=3"} <= {*config["Env"]} and "A=1" not in config["Env"]
    assert (config["Labels"], config["User"]) == ({"x": "y"}, "1000")
    assert cay.ok("run", "--rm", "one:1") == "changed"
    wrong = cay("commit", "-c", "RUN false", "one", "two:1")
    assert wrong.returncode == 1 and "RUN" in wrong.stderr
    assert cay("commit", "one", "UPPER").returncode == 1
    assert cay("commit", "one", "a@sha256:" + "0" * 64).returncode == 1
    assert cay.ok("images", "-q", "two") == ""
    cay.ok("rm", "one")


def test_volumes_are_no_part_of_it(cay, image, no_leaks, tmp_path):
    (tmp_path / "file").touch()
    cay.ok("run", "--name", "one", "-v", f"{tmp_path}:/bind", "-v", "volume:/volume", image, "sh",
           "-c", "touch /volume/x /bind/y /new")
    cay.ok("commit", "one", "one:1")
    assert cay.ok("run", "--rm", "one:1", "sh", "-c", "ls /bind /volume; ls -d /new") == (
        "/bind:\n\n/volume:\n/new")
    cay.ok("rm", "one")
    cay.ok("volume", "rm", "volume")


def state_of(cay, name):
    return cay.ok("inspect", "-f", "{{.State.Status}}", name)


def actions(cay, *filters):
    """What has happened, in order."""
    arguments = [word for text in filters for word in ("--filter", text)]
    return cay.ok("events", "--since", "1h", "--until", "0s", *arguments, "--format",
                  "{{.Type}} {{.Action}}").splitlines()


def test_a_container_that_runs_is_paused_and_goes_on(cay, image, no_leaks):
    cay.ok("run", "-d", "--name", "up", image, "sleep", "1000")
    committed = cay.ok("commit", "-m", "text", "up", "up:1")
    assert state_of(cay, "up") == "running"
    told = actions(cay)
    assert told[told.index("container pause"):] == [
        "container pause", "container unpause", "image create", "image tag", "container commit"]
    for option in "--no-pause", "--pause=false", "-p=false":
        cay.ok("commit", option, "up")
    assert actions(cay).count("container pause") == 1
    assert committed in cay.ok("events", "--since", "1h", "--until", "0s", "--filter",
                               "event=commit")
    cay.ok("rm", "-f", "up")


def test_one_that_its_user_has_paused_stays_paused(cay, image, no_leaks):
    cay.ok("run", "-d", "--name", "up", image, "sleep", "1000")
    cay.ok("pause", "up")
    cay.ok("commit", "up")
    assert state_of(cay, "up") == "paused"
    cay.ok("unpause", "up")
    cay.ok("rm", "-f", "up")


def test_a_commit_that_is_killed_leaves_nothing_paused(cay, image, no_leaks, spawn):
    """It waits for the store, which somebody else holds, with the container frozen."""
    cay.ok("run", "-d", "--name", "up", image, "sleep", "1000")
    cay.ok("commit", "up")
    lock = cay.state.directory / "content" / "lock"
    seconds, nanoseconds = divmod(time.time_ns(), 10**9)  # whoever looks may begin after a commit
    with subprocess.Popen(["flock", "--exclusive", lock, "sh", "-c", "echo; cat"],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        holder.stdout.readline()
        with subprocess.Popen([cay.path(), "events", "--since", f"{seconds}.{nanoseconds:09}",
                               "--filter", "event=pause", "--filter", "event=unpause",
                               "--format", "{{.Action}}"],
                              env=cay.state.environment(), stdout=subprocess.PIPE,
                              text=True) as events:
            for _ in range(2):
                commit = spawn("commit", "up")
                assert events.stdout.readline() == "pause\n"
                commit.kill()
                commit.wait()
                assert events.stdout.readline() == "unpause\n"
            events.kill()
        holder.stdin.close()
    assert state_of(cay, "up") == "running"
    assert cay.ok("exec", "up", "echo", "alive") == "alive"
    cay.ok("rm", "-f", "up")


def test_two_commits_at_once_keep_it_paused_until_both_are_done(cay, image, no_leaks, spawn):
    cay.ok("run", "-d", "--name", "up", image, "sh", "-c",
           "while :; do echo 1 >>/file; done")
    commits = [spawn("commit", "up", f"up:{number}") for number in range(4)]
    for commit in commits:
        assert commit.wait(60) == 0
    assert state_of(cay, "up") == "running"
    told = actions(cay)
    assert told.count("container pause") == told.count("container unpause")
    cay.ok("rm", "-f", "up")


def test_a_container_that_changes_meanwhile_gives_an_image_that_is_sound(cay, image, no_leaks,
                                                                         tmp_path):
    """The layer here is what its blob says, whatever was in it at the moment."""
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "file").write_text("the host's secret")
    cay.ok("run", "-d", "--name", "busy", image, "sh", "-c",
           f"mkdir -p /a/d; touch /a/d/file; ln -s {secret} /a/l; touch /ready; "
           "while :; do mv /a/d /a/x; mv /a/l /a/d; mv /a/d /a/l; mv /a/x /a/d; "
           "echo 1 >/a/d/1; rm /a/d/1; done")
    cay.ok("exec", "busy", "sh", "-c", "until [ -e /ready ]; do :; done")
    for number in range(5):
        cay.ok("commit", "--no-pause", "busy", f"busy:{number}")
        assert "secret" not in cay.ok("run", "--rm", f"busy:{number}", "sh", "-c",
                                      "cat /a/d/file /a/x/file 2>/dev/null; true")
    cay.ok("rm", "-f", "busy")


def test_what_no_layer_can_hold_is_refused_by_name(cay, image, no_leaks):
    cay.ok("run", "--name", "one", image, "touch", "/.wh.file")
    result = cay("commit", "one", "one:1")
    assert result.returncode == 1
    assert result.stderr == ("cay: commit container 'one': '.wh.file' has a name that means a "
                             "deletion in a layer\n")
    assert cay.ok("images", "-q", "one") == ""
    assert len(list((cay.state.directory / "layers").iterdir())) == 1
    cay.ok("rm", "one")


def test_who_is_not_there_or_lost_its_image_is_an_error(cay, image, no_leaks):
    assert cay("commit", "nobody").stderr == "cay: no such container: 'nobody'\n"
    cay.ok("create", "--name", "one", image, "true")
    cay.ok("rmi", "-f", image)
    result = cay("commit", "one")
    assert result.returncode == 1 and "was removed" in result.stderr
    cay.ok("rm", "one")
