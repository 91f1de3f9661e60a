# SPDX-License-Identifier: Apache-2.0
"""
`cay cp` that is killed at each step that changes something, or finds no room.

Whatever happens, a file under its name is the old one or the new one, whole, and the next copy into
the directory takes away what the last one has left.
"""

import io
import shutil
import tarfile

import faults
import pytest
from harness import copied_trees as trees
from harness import debris

CHANGES = [*faults.FILES, *faults.LOCKS, *faults.MOUNTS, "clone", "fork", "setresuid"]
OLD = {"file": "old", "dir/kept": "old", "dir/file": "old", "large": "old"}
NEW = {"file": "new", "dir/file": "new", "fresh/deep/file": "new", "link": "-> file",
       "large": "new" * 100000}
LEFT = ".cay-copy-"

pytestmark = pytest.mark.as_shipped


@pytest.fixture(params=["running", "created"])
def box(request, cay, image, tmp_path, no_leaks):
    trees.make(tmp_path / "source", NEW)
    trees.make(tmp_path / "old", OLD)
    cay.ok("create", "--name", "box", image, "sleep", "1000")
    if request.param == "running":
        cay.ok("start", "box")
    yield "box"
    cay.ok("rm", "-f", "box")


@pytest.fixture
def upper(state):
    (identifier,) = state.containers()
    return state.directory / "containers" / identifier / "upper"


def assert_whole(found, fault):
    """Every file is the old one or the new one, all of it."""
    for name, content in found.items():
        if LEFT not in name and content is not None:
            assert content in (OLD.get(name), NEW.get(name)), f"{fault}: {name}"
    for name in OLD:
        assert name in found, f"{fault}: {name}"


def settled(cay, fault):
    assert cay.ok("ps", "-aq", "--format", "{{.Names}}") == "box", str(fault)
    assert debris.of_state(cay.state) == [], str(fault)


def complete():
    return {**{"dir": None, "fresh": None, "fresh/deep": None}, **OLD, **NEW}


def test_a_copy_into_a_container_that_is_killed_leaves_whole_files(tmp_path, cay, box, upper):
    command = ["cp", f"{tmp_path}/source/.", f"{box}:/t"]
    cay.ok("cp", f"{tmp_path}/old", f"{box}:/t")
    for fault in list(faults.kills(cay, *command, calls=CHANGES)):
        cay.ok("cp", f"{tmp_path}/old/.", f"{box}:/t")
        fault.run()
        assert_whole(trees.shape(upper / "t"), fault)
    cay.ok(*command)
    assert trees.shape(upper / "t") == complete()
    settled(cay, "at the end")


def test_a_copy_out_of_a_container_that_is_killed_leaves_whole_files(tmp_path, cay, box):
    cay.ok("cp", f"{tmp_path}/source", f"{box}:/s")
    target = tmp_path / "target"
    trees.make(target, OLD)
    for fault in list(faults.kills(cay, "cp", f"{box}:/s/.", target, calls=CHANGES)):
        cay.ok("cp", f"{box}:/s/.", target)
        for name in OLD:
            (target / name).write_text("old")
        fault.run()
        assert_whole(trees.shape(target), fault)
    cay.ok("cp", f"{box}:/s/.", target)
    assert trees.shape(target) == complete()
    settled(cay, "at the end")


def test_a_new_directory_is_there_as_a_whole_or_not_at_all(tmp_path, cay, box):
    cay.ok("cp", f"{tmp_path}/source", f"{box}:/s")
    target = tmp_path / "target"
    target.mkdir()
    found = list(faults.kills(cay, "cp", f"{box}:/s", target / "new", calls=faults.FILES))
    whole = trees.shape(target / "new")
    seen = set()
    for fault in found:
        shutil.rmtree(target / "new", ignore_errors=True)
        fault.run()
        seen.update(name.partition("/")[0] for name in trees.shape(target))
        assert not (target / "new").exists() or trees.shape(target / "new") == whole, str(fault)
    assert "new" in seen and any(name.startswith(LEFT) for name in seen)
    cay.ok("cp", f"{box}:/s/file", target)
    assert not [name for name in trees.shape(target) if LEFT in name]
    settled(cay, "at the end")


def test_a_copy_that_finds_no_room_leaves_whole_files(tmp_path, cay, box, upper):
    command = ["cp", f"{tmp_path}/source/.", f"{box}:/t"]
    cay.ok("cp", f"{tmp_path}/old", f"{box}:/t")
    seen = set()
    for fault in list(faults.failures(cay, *command, errno="ENOSPC")):
        cay.ok("cp", f"{tmp_path}/old/.", f"{box}:/t")
        result = fault.run()
        seen.add(result.returncode)
        assert_whole(trees.shape(upper / "t"), fault)
    assert 1 in seen
    cay.ok(*command)
    assert trees.shape(upper / "t") == complete()
    settled(cay, "at the end")


def archive(content):
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w") as file:
        for name, text in content.items():
            member = tarfile.TarInfo(name)
            member.size = len(text)
            file.addfile(member, io.BytesIO(text.encode()))
    return output.getvalue()


def test_a_full_disk_leaves_the_old_file_and_nothing_else(tmp_path, cay, image, no_leaks):
    trees.make(tmp_path / "source", {"file": "x" * (1 << 20)})
    cay.ok("run", "-d", "--name", "box", "--tmpfs", "/small:size=64k", image, "sleep", "1000")
    cay.ok("exec", "box", "sh", "-c", "printf old > /small/file")
    for source, input_ in ((tmp_path / "source", None), (f"{tmp_path}/source/.", None),
                           (tmp_path / "source/file", None),
                           ("-", archive({"file": "x" * (1 << 20)}))):
        result = cay("cp", source, "box:/small", input=input_)
        assert result.returncode == 1 and "No space left on device" in result.stderr, str(result)
        assert cay.ok("exec", "box", "sh", "-c", "cat /small/* && ls -A /small") == "oldfile"
    cay.ok("rm", "-f", "box")


@pytest.mark.parametrize("program", ["cay", "cay-image"])
def test_an_archive_whose_reader_is_killed_is_put_there_or_not(cay, box, upper, program):
    data = archive({"file": "new", "dir/file": "new"})
    calls = [*faults.FILES, "exit_group"]
    cay.ok("cp", "-", f"{box}:/home", input=data)
    for fault in list(faults.kills(cay, "cp", "-", f"{box}:/home", input=data, program=program,
                                   calls=calls)):
        fault.run()
        found = trees.shape(upper / "home")
        assert {found.get("file"), found.get("dir/file")} == {"new"}, str(fault)
    cay.ok("cp", "-", f"{box}:/home", input=data)
    assert not [name for name in trees.shape(upper / "home") if LEFT in name]
    cay.ok("image", "prune", "-f")  # collects what was being unpacked
    settled(cay, "at the end")
