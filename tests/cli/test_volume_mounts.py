# SPDX-License-Identifier: Apache-2.0
"""Volumes and images in containers: what they start with, who comes first, who removes them."""

import json
import os
import re
import shutil
import stat

import pytest
from harness import debris, images, volumes

CONTENT = [
    images.entry("data", mode=0o750, uid=70, gid=71),
    images.entry("data/file", "from the image\n", mode=0o640, uid=72, gid=73),
    images.entry("data/sub"),
    images.entry("data/sub/deep", "deep\n"),
    images.entry("data/link", link="file"),
    images.entry("other"),
    images.entry("other/theirs", "of another image\n"),
    images.entry("plain", "a file\n"),
]

pytestmark = pytest.mark.as_shipped


@pytest.fixture
def full(cay):
    """An image with files at /data, which is no volume of its own."""
    return images.make_with(cay, "full:test", CONTENT)


@pytest.fixture
def declared(cay):
    """The same with /data as a volume."""
    return images.make_with(cay, "declared:test", CONTENT, "VOLUME /data")


def fails(result, message, code=125):
    assert result.returncode == code and message in result.stderr, str(result)


def names(cay):
    return cay.ok("volume", "ls", "-q").split()


def mounts(cay, container):
    listed = json.loads(cay.ok("inspect", "-f", "{{json .Mounts}}", container))
    return {mount["Destination"]: mount for mount in listed}


def owner(path):
    status = path.lstat()
    return stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid


def test_an_empty_volume_starts_with_what_the_image_has_there(cay, state, full):
    output = cay.ok("run", "--rm", "-v", "web:/data", full, "sh", "-c",
                    "cat /data/link /data/sub/deep; stat -c '%a %u:%g' /data /data/file")
    assert output == "from the image\ndeep\n750 70:71\n640 72:73"
    data = volumes.data(state, "web")
    assert owner(data) == (0o750, 70, 71)
    assert owner(data / "file") == (0o640, 72, 73)
    assert os.readlink(data / "link") == "file"
    assert os.listdir(data.parent) == ["_data"]


def test_what_the_image_says_of_its_files_comes_along(cay, state):
    capability = b"\x01\x00\x00\x02\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
    image = images.make_with(cay, "capable:test", [
        images.entry("data"), images.entry("data/ping", "program", mode=0o755, uid=5)])
    layer = next((state.directory / "layers").glob("*/diff/data/ping"))
    os.setxattr(layer, "security.capability", capability)
    os.utime(layer, ns=(1, 2_000_000_003))
    cay.ok("create", "-v", "web:/data", image, "true")
    copy = volumes.data(state, "web") / "ping"
    assert os.getxattr(copy, "security.capability") == capability
    assert copy.stat().st_mtime_ns == 2_000_000_003
    assert owner(copy) == (0o755, 5, 0)


def test_it_starts_with_it_once(cay, state, full):
    run = ["run", "--rm", "-v", "web:/data", full, "sh", "-c"]
    assert cay.ok(*run, "cat /data/file; rm -r /data/sub; echo mine > /data/file") == \
        "from the image"
    assert cay.ok(*run, "cat /data/file; ls /data") == "mine\nfile\nlink"
    assert cay.ok("run", "--rm", "-v", "web:/other", full, "ls", "/other") == "file\nlink"
    assert sorted(os.listdir(volumes.data(state, "web"))) == ["file", "link"]


@pytest.mark.parametrize("options", [
    ["-v", "web:/data:nocopy"],
    ["--mount", "src=web,dst=/data,volume-nocopy"],
])
def test_a_volume_stays_empty_where_that_is_asked_for(cay, full, options):
    assert cay.ok("run", "--rm", *options, full, "ls", "/data") == ""


@pytest.mark.parametrize("options", [["-v", "web:/data:ro"], ["--mount", "src=web,dst=/data,ro"]])
def test_a_read_only_volume_starts_full_too(cay, full, options):
    result = cay("run", "--rm", *options, full, "sh", "-c", "cat /data/file; echo x > /data/file")
    assert result.stdout == "from the image\n" and "Read-only file system" in result.stderr


def test_a_directory_of_the_host_is_never_filled(cay, full, tmp_path):
    assert cay.ok("run", "--rm", "-v", f"{tmp_path}:/data", full, "ls", "/data") == ""


def test_an_empty_directory_of_the_image_gives_its_owner(cay, state):
    image = images.make_with(cay, "owned:test", [images.entry("data", mode=0o1777, uid=9)])
    cay.ok("create", "-v", "web:/data", image, "true")
    assert owner(volumes.data(state, "web")) == (0o1777, 9, 0)


def test_a_directory_that_a_driver_binds_is_filled_in_place(cay, full, tmp_path):
    before = os.stat(tmp_path).st_ino
    cay.ok("volume", "create", "-o", "type=none", "-o", "o=bind", "-o", f"device={tmp_path}", "web")
    assert cay.ok("run", "--rm", "-v", "web:/data", full, "cat", "/data/sub/deep") == "deep"
    assert (tmp_path / "file").read_text() == "from the image\n"
    assert owner(tmp_path) == (0o750, 70, 71) and os.stat(tmp_path).st_ino == before


def test_who_holds_the_empty_volume_sees_it_fill(cay, state, full):
    """The directory that a running container has mounted is not put aside under it."""
    cay.ok("run", "-d", "--name", "first", "-v", "web:/empty", full, "sh", "-c",
           "mkfifo /tmp/go; cat /tmp/go")
    cay.ok("create", "-v", "web:/data", full, "true")
    assert cay.ok("exec", "first", "cat", "/empty/file", "/empty/sub/deep") == \
        "from the image\ndeep"
    assert owner(volumes.data(state, "web")) == (0o750, 70, 71)
    assert os.listdir(volumes.data(state, "web").parent) == ["_data"]
    cay.ok("rm", "-f", "first")


def test_two_containers_that_begin_with_one_volume_see_it_whole(cay, spawn, full):
    """Each of them fills it, or waits for who does."""
    for number in range(6):
        option = f"web{number}:/data"
        both = [spawn("run", "--rm", "-v", option, full, "find", "/data") for _ in range(2)]
        found = [process.communicate()[0].decode().split() for process in both]
        assert [process.returncode for process in both] == [0, 0]
        assert sorted(found[0]) == sorted(found[1]) == [
            "/data", "/data/file", "/data/link", "/data/sub", "/data/sub/deep"]


def test_ten_thousand_files_are_whole(cay, state):
    image = images.make_with(cay, "many:test", [images.entry("data"), *(
        images.entry(f"data/{number}", "x" * (number % 7)) for number in range(10_000))])
    cay.ok("create", "-v", "web:/data", image, "true")
    data = volumes.data(state, "web")
    assert len(os.listdir(data)) == 10_000 and (data / "9999").read_text() == "x" * (9999 % 7)


def test_the_images_volume_is_anonymous_and_goes_with_its_container(cay, state, declared):
    cay.ok("run", "--rm", declared, "true")
    assert names(cay) == []
    cay.ok("create", "--name", "keeps", declared, "true")
    mount = mounts(cay, "keeps")["/data"]
    assert re.fullmatch("[0-9a-f]{64}", mount["Name"])
    assert mount == {"Type": "volume", "Name": mount["Name"], "Driver": "local",
                     "Source": str(volumes.data(state, mount["Name"])), "Destination": "/data",
                     "Mode": "", "RW": True, "Propagation": ""}
    assert cay.ok("inspect", "-f", "{{json .Config.Volumes}}", "keeps") == '{"/data":{}}'
    cay.ok("rm", "keeps")
    assert names(cay) == [mount["Name"]]
    cay.ok("create", "--name", "gives", declared, "true")
    cay.ok("rm", "-v", "gives")
    assert names(cay) == [mount["Name"]]


def test_only_volumes_that_nobody_named_are_removed_with_a_container(cay, full):
    options = ["-v", "named:/a", "-v", "/b", "--mount", "type=volume,dst=/c"]
    cay.ok("run", "--rm", *options, full, "true")
    assert names(cay) == ["named"]
    cay.ok("create", "--name", "other", *options, full, "true")
    assert len(names(cay)) == 3
    cay.ok("rm", "-v", "other")
    assert names(cay) == ["named"]


def test_a_volume_that_another_container_uses_is_not_removed_with_this_one(cay, full):
    cay.ok("create", "--name", "first", "-v", "/data", full, "true")
    (name,) = names(cay)
    cay.ok("run", "--rm", "--volumes-from", "first", full, "true")
    assert names(cay) == [name]
    cay.ok("create", "--name", "second", "--volumes-from", "first", full, "true")
    cay.ok("rm", "-v", "first")
    assert names(cay) == [name]
    fails(cay("volume", "rm", name), "volume is in use", code=1)
    cay.ok("rm", "-v", "second")
    assert names(cay) == []


def test_a_volume_in_use_cannot_be_removed(cay, full):
    cay.ok("create", "--name", "user", "-v", "web:/data", full, "true")
    container = cay.ok("inspect", "-f", "{{.Id}}", "user")
    fails(cay("volume", "rm", "web"), f"volume is in use - [{container}]", code=1)
    cay.ok("container", "prune", "-f")
    assert names(cay) == ["web"]
    cay.ok("volume", "rm", "web")


def test_what_a_user_mounts_comes_before_other_containers_and_these_before_the_image(
        cay, declared, tmp_path):
    (tmp_path / "host").write_text("")
    cay.ok("create", "--name", "source", "-v", "web:/data", "-v", "two:/two", declared, "true")
    inherit = ["run", "--rm", "--volumes-from", "source"]
    assert cay.ok(*inherit, declared, "ls", "/data") == "file\nlink\nsub"
    assert cay.ok(*inherit, "-v", f"{tmp_path}:/data", declared, "ls", "/data") == "host"
    assert cay.ok("run", "--rm", "--tmpfs", "/data", declared, "ls", "/data") == ""
    assert names(cay) == ["two", "web"]


def test_of_two_containers_the_last_one_counts(cay, full):
    for name in "first", "second":
        cay.ok("run", "--name", name, "-v", f"{name}:/data:nocopy", full, "touch", f"/data/{name}")
    assert cay.ok("run", "--rm", "--volumes-from", "first", "--volumes-from", "second", full,
                  "ls", "/data") == "second"


def test_mounts_are_passed_on_from_container_to_container(cay, full, tmp_path):
    cay.ok("create", "--name", "aa", "-v", "web:/data", "-v", f"{tmp_path}:/host:ro",
           "--tmpfs", "/scratch", full, "true")
    cay.ok("create", "--name", "bb", "--volumes-from", "aa:ro", full, "true")
    cay.ok("create", "--name", "cc", "--volumes-from", "bb:rw", full, "true")
    cay.ok("rm", "aa", "bb")
    found = mounts(cay, "cc")
    assert set(found) == {"/data", "/host"}
    assert not found["/data"]["RW"] and not found["/host"]["RW"]
    assert cay.ok("inspect", "-f", "{{json .HostConfig.VolumesFrom}}", "cc") == '["bb:rw"]'
    assert cay.ok("start", "-a", "cc") == ""


@pytest.mark.parametrize("options, message", [
    (["--volumes-from", "nobody"], "take the volumes of 'nobody': no such container: 'nobody'"),
    (["--volumes-from", "nobody:nocopy"], "unknown option 'nocopy', use ro or rw"),
    (["-v", "web:data"], "the target 'data' is not an absolute path"),
    (["-v", "data"], "the target 'data' is not an absolute path"),
    (["-v", "web:/data:colour"], "unknown option 'colour'"),
    (["-v", "a/b:/data"], "invalid volume name 'a/b'"),
    (["-v", "web:/"], "it is the container's root"),
    (["-v", "web:/proc/sys"], "it is inside of '/proc'"),
    (["-v", "web:/proc"], "'/proc' cannot be mounted over"),
    (["-v", "web:/data", "-v", "two:/data/"], "duplicate mount point '/data'"),
    (["-v", "web:/data", "--tmpfs", "/data"], "duplicate mount point '/data'"),
    (["--mount", "src=web,dst=/data,volume-driver=cloud"], "no such volume driver: 'cloud'"),
    (["--volume-driver", "cloud", "-v", "/data"], "no such volume driver: 'cloud'"),
    (["--mount", "src=web,dst=/data,volume-opt=colour=red"], "invalid option: 'colour'"),
    (["--mount", "type=image,src=nothing,dst=/data"], "no such image: 'nothing"),
    (["-v", "web:/plain"], "cannot mount a volume over the image's '/plain'"),
    (["--mount", "src=web,dst=/x,volume-subpath=none"], "open the subpath 'none' of 'web'"),
])
def test_what_cannot_be_mounted_is_refused_and_leaves_nothing(cay, state, full, no_leaks, options,
                                                             message):
    fails(cay("run", "--rm", "-v", "/anonymous", *options, full, "true"), message)
    assert cay.ok("ps", "-aq") == ""
    assert [name for name in names(cay) if len(name) == 64] == []
    assert debris.of_state(state) == []


def test_a_volume_is_made_as_the_mount_says(cay, full):
    cay.ok("create", "--mount", "src=web,dst=/x,volume-label=kind=fast,volume-driver=local,"
           "volume-opt=type=tmpfs,volume-opt=device=tmpfs,volume-opt=o=size=1m", full, "true")
    (volume,) = json.loads(cay.ok("volume", "inspect", "web"))
    assert volume["Labels"] == {"kind": "fast"}
    assert volume["Options"] == {"type": "tmpfs", "device": "tmpfs", "o": "size=1m"}


def test_part_of_a_volume_can_be_mounted(cay, state, full):
    cay.ok("create", "-v", "web:/data", full, "true")
    part = ["run", "--rm", "--mount"]
    assert cay.ok(*part, "src=web,dst=/x,volume-subpath=sub", full, "ls", "/x") == "deep"
    assert cay.ok(*part, "src=web,dst=/x,volume-subpath=sub/deep", full, "cat", "/x") == "deep"
    # A link may lead somewhere in the volume.
    (volumes.data(state, "web") / "inside").symlink_to("sub")
    assert cay.ok(*part, "src=web,dst=/x,volume-subpath=inside", full, "ls", "/x") == "deep"
    # A part has nothing of the image's.
    (volumes.data(state, "web") / "none").mkdir()
    assert cay.ok(*part, "src=web,dst=/data,volume-subpath=none", full, "ls", "/data") == ""


@pytest.mark.parametrize("target", ["/etc", "../../..", "sub/../../x"])
def test_a_part_that_leads_out_of_its_volume_is_refused(cay, state, full, target):
    cay.ok("create", "-v", "web:/data", full, "true")
    (volumes.data(state, "web") / "out").symlink_to(target)
    fails(cay("run", "--rm", "--mount", "src=web,dst=/x,volume-subpath=out", full, "ls", "/x"),
          "the subpath 'out' leads out of 'web'")


def test_an_image_can_be_mounted_to_be_read(cay, image, full):
    cay.ok("create", "--name", "reader", "--mount", f"type=image,src={full},dst=/img", image,
           "sh", "-c", "cat /img/data/file; touch /img/made")
    result = cay("start", "-a", "reader")
    assert result.stdout == "from the image\n" and "Read-only file system" in result.stderr
    mount = mounts(cay, "reader")["/img"]
    assert (mount["Type"], mount["Name"], mount["RW"]) == ("image", full, False)
    fails(cay("rmi", full), "is using its referenced image", code=1)
    cay.ok("rmi", "-f", full)
    assert cay("start", "-a", "reader").stdout == "from the image\n"
    cay.ok("rm", "reader")


def test_part_of_an_image_can_be_mounted(cay, image, full):
    part = ["run", "--rm", "--mount", f"type=image,src={full},dst=/img,image-subpath"]
    assert cay.ok(*part[:-1], part[-1] + "=data/sub", image, "cat", "/img/deep") == "deep"
    fails(cay(*part[:-1], part[-1] + "=none", image, "true"), "open the subpath 'none'")


def wait_for_last_end(cay, container):
    while cay.ok("wait", container) and \
            cay.ok("inspect", "-f", "{{.State.Status}}", container) != "exited":
        pass


def test_volumes_are_there_again_after_restarts(cay, image, full):
    """By the policy and by its user; of what is named by handles, too."""
    cay.ok("create", "-v", "web:/data", full, "true")
    cay.ok("run", "-d", "--name", "again", "--restart", "on-failure:2", "-v", "web:/data",
           "-v", "/anonymous", "--mount", "src=web,dst=/sub,volume-subpath=sub",
           "--mount", f"type=image,src={full},dst=/img",
           "--mount", f"type=image,src={full},dst=/part,image-subpath=data", image, "sh", "-c",
           "cat /sub/deep /img/plain /part/file; echo x >> /anonymous/count; "
           "wc -l < /anonymous/count; false")
    wait_for_last_end(cay, "again")
    run = "deep\na file\nfrom the image\n"
    assert cay.ok("logs", "again") == f"{run}1\n{run}2\n{run}3"
    assert cay("start", "-a", "again").stdout.startswith(f"{run}4\n")
    wait_for_last_end(cay, "again")
    cay.ok("rm", "-v", "again")
    assert names(cay) == ["web"]


def test_a_volume_that_is_gone_keeps_its_container_from_starting(cay, state, full):
    cay.ok("create", "--name", "sad", "-v", "web:/data", full, "true")
    with volumes.database(state) as connection:
        connection.execute("DELETE FROM volume")
    shutil.rmtree(volumes.data(state, "web").parent)
    fails(cay("start", "-a", "sad"), "no such volume: 'web'", code=1)
    assert cay.ok("ps", "-a", "--format", "{{.Status}}") == "Created"
    cay.ok("rm", "-v", "sad")


def test_ps_shows_and_finds_volumes(cay, full, tmp_path):
    cay.ok("create", "--name", "has", "-v", "web:/data", "-v", "a-volume-with-a-long-name:/long",
           "-v", f"{tmp_path}:/host", full, "true")
    cay.ok("create", "--name", "none", full, "true")
    for wanted in "web", "/data", str(tmp_path), "/host":
        assert cay.ok("ps", "-a", "-f", f"volume={wanted}", "--format", "{{.Names}}") == "has"
    assert cay.ok("ps", "-a", "-f", "name=has", "--no-trunc", "--format",
                  "{{.Mounts}} {{.LocalVolumes}}") == \
        f"web,a-volume-with-a-long-name,{tmp_path} 2"
    assert cay.ok("ps", "-a", "-f", "name=has", "--format", "{{.Mounts}}").startswith(
        "web,a-volume-with-…,")


def test_inspect_tells_how_volumes_were_asked_for(cay, full):
    cay.ok("create", "--name", "told", "-v", "web:/data:ro", "--mount", "src=two,dst=/two",
           "--volume-driver", "local", full, "true")
    config = json.loads(cay.ok("inspect", "-f", "{{json .HostConfig}}", "told"))
    assert config["Binds"] == ["web:/data:ro"] and config["VolumeDriver"] == "local"
    assert config["Mounts"] == [{"Type": "volume", "Source": "two", "Target": "/two"}]
    found = mounts(cay, "told")
    assert (found["/data"]["Mode"], found["/data"]["RW"]) == ("ro", False)
    assert (found["/two"]["Mode"], found["/two"]["RW"]) == ("z", True)


def test_a_container_of_an_older_version_has_its_mounts(cay, state, image, tmp_path):
    """Its specification does not say what they came to."""
    (tmp_path / "file").write_text("host\n")
    cay.ok("create", "--name", "old", "-v", f"{tmp_path}:/host", "--tmpfs", "/scratch", image,
           "sh", "-c", "cat /host/file; grep -c ' /scratch ' /proc/mounts")
    with volumes.database(state) as connection:
        connection.execute("UPDATE container SET spec = json_remove(spec, '$.MountPoints')")
    assert cay.ok("start", "-a", "old") == "host\n1"
    assert set(mounts(cay, "old")) == {"/host"}


def test_a_container_of_an_older_version_with_mounts_that_are_refused_now_is_shown(
        cay, state, image, tmp_path):
    cay.ok("create", "--name", "old", "-v", f"{tmp_path}:/host", image, "true")
    with volumes.database(state) as connection:
        connection.execute("UPDATE container SET spec = json_remove(json_set(spec, '$.Binds', "
                           "json_array(?)), '$.MountPoints')", (f"{tmp_path}:/proc/host",))
    assert cay.ok("ps", "-a", "--format", "{{.Names}}") == "old"
    fails(cay("start", "-a", "old"), "an older version has made it with mounts", code=1)
    cay.ok("rm", "old")
