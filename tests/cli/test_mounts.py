# SPDX-License-Identifier: Apache-2.0
"""Directories and files of the host in containers, and tmpfs: how far they go, and where to."""

import json

import pytest
from harness import debris
from harness.mounts import mountinfo

pytestmark = pytest.mark.as_shipped


def fails(result, message, code=125):
    assert result.returncode == code and message in result.stderr, str(result)


@pytest.fixture
def nested(tmp_path):
    """Run cay where a file system is mounted below the directory, which nobody else sees."""
    (tmp_path / "sub").mkdir()
    script = f'mount -t tmpfs below {tmp_path}/sub; touch {tmp_path}/sub/below; exec "$@"'
    return tmp_path, ["unshare", "-m", "sh", "-c", script, "sh"]


WRITE = "touch /x/made; touch /x/sub/made; ls /x/sub"


@pytest.mark.parametrize("options, readable, writable", [
    (["-v", "{}:/x"], True, True),
    (["-v", "{}:/x:ro"], True, False),
    (["--mount", "type=bind,src={},dst=/x,ro"], True, False),
    (["--mount", "type=bind,src={},dst=/x,ro,bind-recursive=writable"], True, True),
    (["--mount", "type=bind,src={},dst=/x,ro,bind-propagation=rprivate,bind-recursive=readonly"],
     True, False),
    (["--mount", "type=bind,src={},dst=/x,bind-recursive=disabled"], False, True),
    (["--mount", "type=bind,src={},dst=/x,bind-nonrecursive"], False, True),
])
def test_read_only_means_what_is_mounted_below_as_well(cay, image, nested, options, readable,
                                                       writable):
    directory, prefix = nested
    options = [option.format(directory) for option in options]
    result = cay("run", "--rm", *options, image, "sh", "-c", WRITE, prefix=prefix)
    assert ("below" in result.stdout) == readable, str(result)
    assert ("made" in result.stdout) == writable, str(result)
    assert (directory / "made").exists() == ("ro" not in "".join(options).split(",")
                                             and ":ro" not in options[-1]), str(result)


@pytest.mark.parametrize("mode, field", [
    ("", []), (":rslave", ["master"]), (":rshared", ["shared"])])
def test_mounts_spread_as_they_were_asked_to(cay, image, tmp_path, mode, field):
    script = f'mount -t tmpfs source {tmp_path}; mount --make-shared {tmp_path}; exec "$@"'
    text = cay.ok("run", "--rm", "-v", f"{tmp_path}:/x{mode}", image, "cat", "/proc/self/mountinfo",
                  prefix=["unshare", "-m", "sh", "-c", script, "sh"])
    fields = mountinfo(text)["/x"][-1]
    assert [entry.split(":")[0] for entry in fields] == field


def test_a_missing_source_is_made_where_that_is_asked_for(cay, image, tmp_path):
    made = f"type=bind,src={tmp_path}/a/b,dst=/x"
    fails(cay("run", "--rm", "--mount", made, image, "true"), "does not exist")
    cay.ok("run", "--rm", "--mount", made + ",bind-create-src", image, "touch", "/x/file")
    assert (tmp_path / "a/b/file").exists()


def test_a_missing_target_is_made_even_in_a_root_that_nobody_writes(cay, image, tmp_path):
    (tmp_path / "file").write_text("content\n")
    assert cay.ok("run", "--rm", "--read-only", "-v", f"{tmp_path}:/new/deep", "-v",
                  f"{tmp_path}/file:/new/file", image, "cat", "/new/deep/file", "/new/file") == \
        "content\ncontent"


def test_a_target_that_cannot_be_made_is_refused(cay, state, image, tmp_path, no_leaks):
    (tmp_path / "file").write_text("content\n")
    read_only = ["run", "--rm", "-v", f"{tmp_path}:/x:ro"]
    fails(cay(*read_only, "-v", f"{tmp_path}:/x/missing", image, "true"),
          "mount point '/x/missing'")
    fails(cay("run", "--rm", "-v", f"{tmp_path}:/etc/passwd", image, "true"),
          "mount point '/etc/passwd' is not a directory, but the source is")
    fails(cay("run", "--rm", "-v", f"{tmp_path}/file:/etc", image, "true"),
          "mount point '/etc' is a directory, but the source is not")
    assert list(tmp_path.iterdir()) == [tmp_path / "file"]
    assert cay.ok("ps", "-aq") == "" and debris.of_state(state) == []


def test_the_containers_own_procfs_cannot_be_replaced(cay, image, tmp_path):
    fails(cay("run", "--rm", "-v", f"{tmp_path}:/proc", image, "true"), "is not a procfs")
    fails(cay("run", "--rm", "--tmpfs", "/proc/scsi", image, "true"), "it is inside of '/proc'")
    fails(cay("run", "--rm", "--mount", "type=tmpfs,dst=/proc", image, "true"),
          "'/proc' cannot be mounted over")
    (tmp_path / "uptime").write_text("1.00 1.00\n")
    assert cay.ok("run", "--rm", "-v", f"{tmp_path}/uptime:/proc/uptime", image, "cat",
                  "/proc/uptime") == "1.00 1.00"


def test_a_tmpfs_is_as_its_options_say(cay, image):
    text = cay.ok("run", "--rm", "--tmpfs", "/a:exec,size=1m,mode=1700,uid=5", "--mount",
                  "type=tmpfs,dst=/b,ro", image, "sh", "-c",
                  "grep -E ' /[ab] ' /proc/mounts | sort; stat -c '%a %u' /a")
    first, second, status = text.splitlines()
    assert "noexec" not in first and "size=1024k" in first
    assert second.split()[3].startswith("ro,") and "noexec" in second
    assert status == "1700 5"


def test_inspect_tells_of_binds(cay, image, tmp_path):
    cay.ok("create", "--name", "told", "-v", f"{tmp_path}:/x:ro,z", "--mount",
           f"type=bind,src={tmp_path},dst=/y,bind-propagation=rslave", "--tmpfs", "/t:size=1m",
           "--mount", "type=tmpfs,dst=/u", image, "true")
    found = json.loads(cay.ok("inspect", "-f", "{{json .Mounts}}", "told"))
    assert found == [
        {"Type": "bind", "Source": str(tmp_path), "Destination": "/x", "Mode": "ro,z", "RW": False,
         "Propagation": "rprivate"},
        {"Type": "bind", "Source": str(tmp_path), "Destination": "/y", "Mode": "", "RW": True,
         "Propagation": "rslave"},
        {"Type": "tmpfs", "Source": "", "Destination": "/u", "Mode": "", "RW": True,
         "Propagation": ""},
    ]
    assert cay.ok("inspect", "-f", "{{json .HostConfig.Tmpfs}}", "told") == '{"/t":"size=1m"}'


def test_whose_files_are_to_match_is_who_called_sudo(cay, image, tmp_path):
    mount = f"type=bind,src={tmp_path},dst=/x,match-user"
    for name, env in ("root", {}), ("caller", {"SUDO_UID": "1000", "SUDO_GID": "1001"}):
        cay.ok("create", "--name", name, "--mount", mount, image, "true", env=env)
    template = "{{json (index .HostConfig.Mounts 0).BindOptions}}"
    assert json.loads(cay.ok("inspect", "-f", template, "root")) == {"MatchUser": True}
    assert json.loads(cay.ok("inspect", "-f", template, "caller")) == {
        "MatchUser": True, "MatchUid": 1000, "MatchGid": 1001}
