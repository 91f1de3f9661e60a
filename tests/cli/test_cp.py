# SPDX-License-Identifier: Apache-2.0
"""`cay cp`: Docker's rules as data, what is kept of files, and what is refused."""

import io
import os
import stat
import tarfile

import pytest
from harness import copied_trees as trees


@pytest.fixture
def upper(state):
    """Where the files are that the one container of the test has written."""
    def find():
        (identifier,) = state.containers()
        return state.directory / "containers" / identifier / "upper"
    return find


@pytest.fixture(params=["running", "created"])
def box(request, cay, image, no_leaks):
    """A container named "box", in both states that make a difference."""
    make_box(cay, image, request.param)
    yield "box"
    cay.ok("rm", "-f", "box")


def make_box(cay, image, state="created", *options):
    cay.ok("create", "--name", "box", *options, image, "sleep", "1000")
    if state != "created":
        cay.ok("start", "box")


@pytest.fixture
def created(cay, image, no_leaks):
    make_box(cay, image)
    yield "box"
    cay.ok("rm", "-f", "box")


def fails(result, message, code=1):
    assert result.returncode == code and message in result.stderr, str(result)


# What is copied from, and to.
SOURCE = {"f": "F", "d/x": "X", "lf": "-> f", "ld": "-> d", "ln": "-> none", "m": "M",
          "n/deep": "N"}
TARGET = {"e": None, "g": "old", "d2/y": "Y", "tg": "-> g", "te": "-> e", "tn": "-> new",
          "up": "-> ../t/e", "m/in": "a directory", "h/n": "a file"}

# (options, source, target, {what is there then besides} or the reason why it is refused)
RULES = [
    ((), "f", "new", {"new": "F"}),
    ((), "f", "new/", "destination directory"),
    ((), "f", "new/.", "destination directory"),
    ((), "f", "none/new", "none/new"),
    ((), "f", "g", {"g": "F"}),
    ((), "f", "g/", "Not a directory"),
    ((), "f", "e", {"e/f": "F"}),
    ((), "f", "e/", {"e/f": "F"}),
    ((), "f", "e/.", {"e/f": "F"}),
    ((), "f", "e/../d2", {"d2/f": "F"}),
    ((), "f", "e/named", {"e/named": "F"}),
    ((), "f/", "e", "Not a directory"),
    ((), "f/.", "e", "Not a directory"),
    ((), "none", "e", "none"),
    ((), "m", ".", "cannot overwrite directory 'm' with a non-directory"),
    ((), "d", "new", {"new": None, "new/x": "X"}),
    ((), "d", "new/", {"new": None, "new/x": "X"}),
    ((), "d/", "new", {"new": None, "new/x": "X"}),
    ((), "d/.", "new", {"new": None, "new/x": "X"}),
    ((), "d", "none/new", "none/new"),
    ((), "d", "g", "cannot copy a directory to the file"),
    ((), "d/.", "g", "cannot copy a directory to the file"),
    ((), "d", "e", {"e/d": None, "e/d/x": "X"}),
    ((), "d/", "e", {"e/d": None, "e/d/x": "X"}),
    ((), "d/.", "e", {"e/x": "X"}),
    ((), "d/.", "d2", {"d2/x": "X"}),
    ((), "d/../d/.", "d2", {"d2/x": "X"}),
    ((), "n", "h", "cannot overwrite non-directory 'n' with a directory"),
    ((), "lf", "new", {"new": "-> f"}),
    ((), "lf", "e", {"e/lf": "-> f"}),
    ((), "ld", "e", {"e/ld": "-> d"}),
    ((), "ld/", "e", {"e/ld": None, "e/ld/x": "X"}),
    ((), "ld/.", "e", {"e/x": "X"}),
    ((), "ln", "e", {"e/ln": "-> none"}),
    (("-L",), "lf", "new", {"new": "F"}),
    (("-L",), "lf", "e", {"e/lf": "F"}),
    (("--follow-link",), "ld", "e", {"e/ld": None, "e/ld/x": "X"}),
    (("-L",), "ld", "new", {"new": None, "new/x": "X"}),
    (("-L",), "ln", "e", "ln"),
    ((), "f", "tg", {"g": "F"}),
    ((), "f", "te", {"e/f": "F"}),
    ((), "f", "tn", {"new": "F"}),
    ((), "d", "te", {"e/d": None, "e/d/x": "X"}),
    ((), "d", "tn", {"new": None, "new/x": "X"}),
    ((), "d", "tg", "cannot copy a directory to the file"),
    ((), "lf", "tg", {"g": "-> f"}),
    ((), "f", "up", {"e/f": "F"}),
]




def check(result, rule, found):
    options, source, target, outcome = rule
    before = {**TARGET, "d2": None, "m": None, "h": None}
    if isinstance(outcome, str):
        assert result.returncode == 1 and outcome in result.stderr, f"{rule}\n{result}"
        assert found == before, rule
    else:
        assert result.returncode == 0 and result.stderr == "", f"{rule}\n{result}"
        assert found == {**before, **outcome}, rule


def make_cases(directory):
    directory.mkdir()
    for number in range(len(RULES)):
        (directory / str(number)).mkdir()
        trees.make(directory / str(number) / "t", TARGET)


def test_the_rules_hold_into_a_container(tmp_path, cay, box, upper):
    trees.make(tmp_path / "source", SOURCE)
    make_cases(tmp_path / "cases")
    cay.ok("cp", tmp_path / "cases", f"{box}:/")
    for number, (options, source, target, outcome) in enumerate(RULES):
        result = cay("cp", *options, f"{tmp_path}/source/{source}",
                     f"{box}:/cases/{number}/t/{target}")
        check(result, RULES[number], trees.shape(upper() / "cases" / str(number) / "t"))


def test_the_rules_hold_out_of_a_container(tmp_path, cay, box):
    trees.make(tmp_path / "source", SOURCE)
    make_cases(tmp_path / "cases")
    cay.ok("cp", tmp_path / "source", f"{box}:/")
    for number, (options, source, target, outcome) in enumerate(RULES):
        result = cay("cp", *options, f"{box}:source/{source}",
                     f"{tmp_path}/cases/{number}/t/{target}")
        check(result, RULES[number], trees.shape(tmp_path / "cases" / str(number) / "t"))


def test_everything_is_kept_there_and_back(tmp_path, cay, box):
    trees.make_with_everything(tmp_path / "tree")
    cay.ok("cp", "-a", tmp_path / "tree", f"{box}:/var")
    cay.ok("cp", "--archive", f"{box}:/var/tree", tmp_path / "back")
    assert trees.describe(tmp_path / "back") == trees.describe(tmp_path / "tree")
    cay.ok("cp", "-a", f"{tmp_path}/tree/.", f"{box}:/var/tree")  # all of it is replaced
    cay.ok("cp", "-a", f"{box}:/var/tree/.", tmp_path / "back")
    assert trees.describe(tmp_path / "back") == trees.describe(tmp_path / "tree")


def test_without_archive_files_belong_to_who_has_them_then(tmp_path, cay, box, upper):
    trees.make_with_everything(tmp_path / "tree")
    cay.ok("cp", tmp_path / "tree", f"{box}:/var")
    assert owners(upper() / "var/tree") == {(0, 0)}
    cay.ok("cp", "-a", tmp_path / "tree", f"{box}:/home")
    assert owners(upper() / "home/tree") == owners(tmp_path / "tree")
    cay.ok("cp", f"{box}:/home/tree", tmp_path / "back")
    assert owners(tmp_path / "back") == {(os.getuid(), os.getgid())}
    assert trees.describe(tmp_path / "back", owners=False) == trees.describe(
        tmp_path / "tree", owners=False)


def owners(directory):
    found = [os.lstat(path) for path in [directory, *directory.rglob("*")]]
    return {(status.st_uid, status.st_gid) for status in found}


def test_a_directory_that_is_there_keeps_its_owner_without_archive(tmp_path, cay, created, upper):
    trees.make(tmp_path / "d", {"file": "new"})
    os.chown(tmp_path / "d", 5, 6)
    cay.ok("cp", "-a", tmp_path / "d", f"{created}:/d")
    cay.ok("cp", f"{tmp_path}/d/.", f"{created}:/d")
    assert (upper() / "d").stat().st_uid == 5
    assert (upper() / "d/file").stat().st_uid == 0


def test_volumes_and_tmpfs_are_copied_to_and_from_while_it_runs(tmp_path, cay, image, no_leaks):
    trees.make(tmp_path / "d", {"file": "text"})
    (tmp_path / "bound").mkdir()
    make_box(cay, image, "running", "-v", "data:/data", "-v", f"{tmp_path}/bound:/bound",
             "--tmpfs", "/scratch")
    for place in ("data", "bound", "scratch", "dev/shm"):
        cay.ok("cp", tmp_path / "d", f"box:/{place}")
        assert cay.ok("exec", "box", "cat", f"/{place}/d/file") == "text"
        back = tmp_path / f"back-{place.replace('/', '-')}"
        cay.ok("cp", f"box:/{place}/d", back)
        assert trees.shape(back) == {"file": "text"}
    assert trees.shape(tmp_path / "bound") == {"d": None, "d/file": "text"}
    cay.ok("rm", "-f", "box")
    cay.ok("volume", "rm", "data")


def test_volumes_of_one_that_does_not_run_are_mounted_for_the_copy(tmp_path, cay, image, state,
                                                                   no_leaks):
    trees.make(tmp_path / "d", {"file": "text"})
    (tmp_path / "bound").mkdir()
    (tmp_path / "plain").write_text("plain")
    make_box(cay, image, "created", "-v", "data:/a/data", "-v", f"{tmp_path}/bound:/a",
             "-v", f"{tmp_path}/plain:/file", "--tmpfs", "/scratch",
             "--mount", f"type=image,source={image},target=/image")
    cay.ok("cp", tmp_path / "d", "box:/a/data")
    cay.ok("cp", f"{tmp_path}/d/.", "box:/a")
    assert trees.shape(state.directory / "volumes/data/_data") == {"d": None, "d/file": "text"}
    assert trees.shape(tmp_path / "bound") == {"data": None, "file": "text"}
    cay.ok("cp", "box:/a", tmp_path / "back")
    assert trees.shape(tmp_path / "back") == {"data": None, "data/d": None, "data/d/file": "text",
                                              "file": "text"}
    cay.ok("cp", "box:/file", tmp_path / "copied")
    assert (tmp_path / "copied").read_text() == "plain"
    cay.ok("cp", "box:/image/etc/passwd", tmp_path / "passwd")
    assert (tmp_path / "passwd").read_text().startswith("root:")
    fails(cay("cp", tmp_path / "d", "box:/scratch"), "exists only while it runs")
    fails(cay("cp", tmp_path / "d", "box:/image"), "mounted volume is marked read-only")
    cay.ok("rm", "box")
    cay.ok("volume", "rm", "data")


@pytest.mark.parametrize("state_of_it", ["created", "running"])
def test_nothing_is_written_to_what_is_read_only(tmp_path, cay, image, no_leaks, state_of_it):
    (tmp_path / "file").write_text("text")
    (tmp_path / "bound").mkdir()
    make_box(cay, image, state_of_it, "--read-only", "-v", f"{tmp_path}/bound:/ro:ro",
             "-v", "data:/rw")
    fails(cay("cp", tmp_path / "file", "box:/"), "container rootfs is marked read-only")
    fails(cay("cp", tmp_path / "file", "box:/etc/passwd"), "container rootfs is marked read-only")
    fails(cay("cp", tmp_path / "file", "box:/ro"), "mounted volume is marked read-only")
    fails(cay("cp", "-", "box:/ro", input=archive()), "mounted volume is marked read-only")
    cay.ok("cp", tmp_path / "file", "box:/rw")
    cay.ok("cp", "box:/rw/file", tmp_path / "back")
    assert (tmp_path / "back").read_text() == "text"
    assert os.listdir(tmp_path / "bound") == []
    cay.ok("rm", "-f", "box")
    cay.ok("volume", "rm", "data")


def test_what_is_mounted_on_is_not_replaced(tmp_path, cay, box):
    (tmp_path / "hosts").write_text("127.0.0.1 mine")
    fails(cay("cp", tmp_path / "hosts", f"{box}:/etc/hosts"), "which is a mount point")
    cay.ok("cp", f"{box}:/etc/hosts", tmp_path / "back")
    assert "localhost" in (tmp_path / "back").read_text()


def test_the_kernels_files_are_neither_read_nor_written(tmp_path, cay, image, no_leaks):
    make_box(cay, image, "running", "--privileged")
    (tmp_path / "file").write_text("1")
    for path in ("/proc", "/proc/sys/kernel", "/sys/kernel", "/dev/pts"):
        fails(cay("cp", tmp_path / "file", f"box:{path}"), "the kernel's own file systems")
    fails(cay("cp", "box:/proc/1/environ", tmp_path), "the kernel's own file systems")
    fails(cay("cp", "box:/proc/1/root/etc/passwd", tmp_path), "")
    cay.ok("cp", "box:/", tmp_path / "all")
    assert os.listdir(tmp_path / "all/proc") == os.listdir(tmp_path / "all/sys") == []
    assert (tmp_path / "all/etc/passwd").exists()
    cay.ok("rm", "-f", "box")


def test_a_device_is_no_destination(tmp_path, cay, created):
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "file").write_text("text")
    message = "must be a directory or a regular file"
    fails(cay("cp", f"{created}:/etc/passwd", tmp_path / "fifo"), message)
    cay.ok("cp", tmp_path / "fifo", f"{created}:/")
    fails(cay("cp", tmp_path / "file", f"{created}:/fifo"), message)


@pytest.mark.parametrize("arguments, message", [
    (("none:/a", "/tmp"), "no such container: 'none'"),
    (("/etc/passwd", "none:/a"), "no such container: 'none'"),
    (("box:/none", "/tmp"), "could not find the file '/none' in container 'box'"),
    (("/etc/passwd", "box:/none/at/all"), "could not find the file '/none/at/all' in container"),
    (("box:/etc", "/none/at/all"), "the directory of '/none/at/all' does not exist"),
    (("box:/a", "box:/b"), "copying between containers is not supported"),
    (("box:/a", "other:/b"), "copying between containers is not supported"),
    (("/a", "/b"), "must specify at least one container source"),
    (("./box:a", "/b"), "must specify at least one container source"),
    (("/box:a", "/b"), "must specify at least one container source"),
    (("box:", "/tmp"), "the path in the container is empty"),
    (("", "box:/a"), "source can not be empty"),
    (("box:/a", ""), "destination can not be empty"),
    (("/none", "box:/a"), "'/none': No such file or directory"),
])
def test_what_cannot_be_copied_is_said(cay, created, arguments, message):
    fails(cay("cp", *arguments), message)


@pytest.mark.parametrize("arguments", [("box:/a",), ("box:/a", "b", "c"), ("--none", "a", "b")])
def test_a_wrong_command_line_is_refused(cay, arguments):
    assert cay("cp", *arguments).returncode != 0


def test_paths_of_the_host_are_of_the_working_directory(tmp_path, cay, created):
    trees.make(tmp_path, {"here/file": "text", "box:odd": "odd"})
    cay.ok("cp", "here", f"{created}:etc/", cwd=tmp_path)
    cay.ok("cp", "./box:odd", f"{created}:etc/", cwd=tmp_path)
    cay.ok("cp", f"{created}:/etc/here/file", ".", cwd=tmp_path)
    cay.ok("container", "cp", f"{created}:/etc/box:odd", "back", cwd=tmp_path)
    assert (tmp_path / "file").read_text() == "text"
    assert (tmp_path / "back").read_text() == "odd"


def test_success_is_told_to_a_terminal_alone(tmp_path, cay, pty_run, created):
    (tmp_path / "file").write_text("text")
    for options, message in (([], b"Successfully copied 2.05kB to box:/etc\r\n"), (["-q"], b"")):
        terminal = pty_run("cp", *options, str(tmp_path / "file"), f"{created}:/etc")
        assert terminal.wait() == 0
        assert terminal.output == message
    assert cay("cp", tmp_path / "file", f"{created}:/etc").stderr == ""
    told = cay("cp", "--quiet=false", f"{created}:/etc/file", tmp_path / "back").stderr
    assert told == f"Successfully copied 2.05kB to {tmp_path}/back\n"


def test_a_container_that_removes_itself_can_be_prepared(tmp_path, cay, image, no_leaks):
    (tmp_path / "file").write_text("prepared")
    make_box(cay, image, "created", "--rm")
    cay.ok("cp", tmp_path / "file", "box:/file")
    cay.ok("start", "box")
    assert cay.ok("exec", "box", "cat", "/file") == "prepared"
    cay.ok("rm", "-f", "box")


def test_one_that_has_just_ended_is_waited_for(tmp_path, cay, image, no_leaks):
    make_box(cay, image, "running")
    cay.ok("exec", "box", "sh", "-c", "echo text > /file")
    cay.ok("kill", "box")
    cay.ok("cp", "box:/file", tmp_path / "file")
    assert (tmp_path / "file").read_text() == "text\n"
    cay.ok("start", "box")
    cay.ok("rm", "-f", "box")


def test_copies_are_told_in_the_event_log(tmp_path, cay, created):
    cay.ok("cp", f"{created}:/etc/passwd", tmp_path / "file")
    cay.ok("cp", tmp_path / "file", f"{created}:/etc/passwd")
    events = cay.ok("events", "--since", "1", "--until", "0s", "--format", "{{.Action}}").split()
    assert events[-2:] == ["archive-path", "extract-to-dir"]


def test_one_that_is_paused_is_copied_to_and_from(tmp_path, cay, image, no_leaks):
    (tmp_path / "file").write_text("text")
    make_box(cay, image, "running")
    cay.ok("pause", "box")
    cay.ok("cp", tmp_path / "file", "box:/file")
    cay.ok("cp", "box:/file", tmp_path / "back")
    assert (tmp_path / "back").read_text() == "text"
    cay.ok("rm", "-f", "box")


def test_ten_thousand_files_arrive(tmp_path, cay, release, created):
    cay = cay.on(release)
    (tmp_path / "many").mkdir()
    for number in range(10000):
        (tmp_path / "many" / f"file-{number}").write_text(str(number))
    cay.ok("cp", tmp_path / "many", f"{created}:/")
    cay.ok("cp", f"{created}:/many", tmp_path / "back")
    assert trees.shape(tmp_path / "back") == trees.shape(tmp_path / "many")


# --- archives ---

def entry(name, type_=tarfile.REGTYPE, link="", content=b"", **members):
    made = tarfile.TarInfo(name)
    made.type, made.linkname, made.size = type_, link, len(content)
    for key, value in members.items():
        setattr(made, key, value)
    return made, io.BytesIO(content)


def archive(*entries):
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w") as file:
        for made, content in entries or [entry("file", content=b"text", uid=7, gid=8, mode=0o640)]:
            file.addfile(made, content)
    return output.getvalue()


def test_an_archive_is_unpacked_into_a_directory(cay, box, upper):
    cay.ok("cp", "-", f"{box}:/var", input=archive(
        entry("file", content=b"text", uid=7, gid=8, mode=0o640, mtime=1000),
        entry("root/deep/file", content=b"deep"), entry("link", tarfile.SYMTYPE, "file"),
        entry("same", tarfile.LNKTYPE, "file")))
    assert trees.shape(upper() / "var") == {
        "file": "text", "root": None, "root/deep": None, "root/deep/file": "deep",
        "link": "-> file", "same": "text"}
    status = (upper() / "var/file").stat()
    assert (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode), status.st_mtime,
            status.st_nlink) == (7, 8, 0o640, 1000, 2)


def test_directories_on_the_way_of_an_archive_stay_as_they_are(cay, box, upper):
    cay.ok("cp", "-", f"{box}:/", input=archive(entry("root/file", content=b"text")))
    assert stat.S_IMODE((upper() / "root").stat().st_mode) == 0o700
    assert (upper() / "root/file").read_text() == "text"


def test_an_archive_needs_a_directory(cay, pty_run, created):
    for path in ("/none", "/etc/passwd"):
        fails(cay("cp", "-", f"{created}:{path}", input=archive()), "must be a directory")
    terminal = pty_run("cp", "-", f"{created}:/")
    assert terminal.wait() == 1
    assert b"standard input is a terminal" in terminal.output


@pytest.mark.parametrize("name, data", [
    ("up", archive(entry("good", content=b"x"), entry("../../up", content=b"x"))),
    ("link", archive(entry("good", content=b"x"), entry("out", tarfile.SYMTYPE, "/etc"),
                     entry("out/up", content=b"x"))),
    ("cut", archive(entry("good", content=b"x" * 100000))[:50000]),
    ("none", b"this is no archive" * 1000),
])
def test_an_archive_that_is_not_in_order_leaves_nothing(cay, box, upper, name, data):
    result = cay("cp", "-", f"{box}:/var", input=data)
    assert result.returncode == 1 and result.stderr.startswith("cay: "), str(result)
    assert not (upper() / "var").exists() or os.listdir(upper() / "var") == []
    assert not (upper() / "etc/up").exists() and not (upper() / "up").exists()


def members(data):
    with tarfile.open(fileobj=io.BytesIO(data)) as file:
        return {member.name: member for member in file}


@pytest.mark.parametrize("options, path, names", [
    ((), "d", {"d", "d/x"}), ((), "d/", {"d", "d/x"}), ((), "d/.", {".", "x"}), ((), "f", {"f"}),
    ((), "lf", {"lf"}), (("-L",), "lf", {"lf"}), ((), "ld/", {"ld", "ld/x"}),
])
def test_an_archive_is_written_of_a_source(tmp_path, cay, box, options, path, names):
    trees.make(tmp_path / "source", SOURCE)
    os.chown(tmp_path / "source/f", 7, 8)
    cay.ok("cp", "-a", tmp_path / "source", f"{box}:/")
    found = members(cay.ok("cp", *options, f"{box}:/source/{path}", "-", text=False))
    assert set(found) == names
    if path in ("f", "lf"):
        (member,) = found.values()
        assert member.issym() == (not options and path == "lf") == (not member.isreg())
        assert member.issym() or (member.uid, member.gid) == (7, 8)


def test_an_archive_of_everything_has_volumes_and_none_of_the_kernels_files(tmp_path, cay, image,
                                                                            no_leaks):
    trees.make(tmp_path / "d", {"file": "text"})
    make_box(cay, image, "running", "-v", f"{tmp_path}/d:/volume")
    found = members(cay.ok("cp", "box:/", "-", text=False))
    assert {"etc/passwd", "volume/file", "proc", "sys"} <= set(found)
    assert not [name for name in found if name.startswith(("proc/", "sys/k"))]
    cay.ok("rm", "-f", "box")


def test_an_archive_goes_there_and_back(tmp_path, cay, box):
    trees.make_with_everything(tmp_path / "tree")
    cay.ok("cp", "-a", tmp_path / "tree", f"{box}:/var")
    data = cay.ok("cp", f"{box}:/var/tree", "-", text=False)
    cay.ok("cp", "-", f"{box}:/home", input=data)
    cay.ok("cp", "-a", f"{box}:/home/tree", tmp_path / "back")
    assert trees.describe(tmp_path / "back") == trees.describe(tmp_path / "tree")


def test_no_archive_goes_to_a_terminal(pty_run, created):
    terminal = pty_run("cp", f"{created}:/etc", "-")
    assert terminal.wait() == 1
    assert b"standard output is a terminal" in terminal.output
