# SPDX-License-Identifier: Apache-2.0
"""Images on the command line: what is printed, in which form, and what is refused."""

import io
import json
import re
import tarfile

import pytest


@pytest.fixture
def archive():
    """A root file system of one file, as a tar."""
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w") as tar:
        entry = tarfile.TarInfo("etc/motd")
        entry.size = 6
        tar.addfile(entry, io.BytesIO(b"hello\n"))
    return output.getvalue()


@pytest.fixture
def imported(cay, archive):
    """The id of an image that is called demo:one and has a label, a comment and a program."""
    return cay.ok("import", "-m", "a note", "-c", "LABEL stage=test", "-c", 'CMD ["sh"]', "-",
                  "demo:one", input=archive)


def cells(line):
    return re.split(r"\s{3,}", line.rstrip())


def test_the_table_is_docker_s(cay, imported):
    assert cay.ok("images").splitlines()[0] == cay.ok("image", "ls").splitlines()[0]
    header, row = cay.ok("images").splitlines()
    assert cells(header) == ["REPOSITORY", "TAG", "IMAGE ID", "CREATED", "SIZE"]
    assert cells(row)[:3] == ["demo", "one", imported.removeprefix("sha256:")[:12]]
    assert cells(row)[3].endswith("ago")
    assert header.index("TAG") == row.index("one") == len("REPOSITORY") + 3


def test_ids_and_digests(cay, imported):
    short = imported.removeprefix("sha256:")[:12]
    assert cay.ok("images", "-q") == short
    assert cay.ok("images", "-q", "--no-trunc") == imported
    header, row = cay.ok("images", "--digests").splitlines()
    assert cells(header)[2] == "DIGEST"
    assert re.fullmatch("sha256:[0-9a-f]{64}", cells(row)[2])


def test_formats(cay, imported):
    cay.ok("tag", "demo:one", "registry.example:5000/team/demo:2")
    assert cay.ok("images", "--format", "{{.Repository}}:{{.Tag}}").splitlines() == [
        "demo:one", "registry.example:5000/team/demo:2"]
    rows = [json.loads(line) for line in cay.ok("images", "--format", "json").splitlines()]
    assert [row["Tag"] for row in rows] == ["one", "2"]
    assert set(rows[0]) == {"Containers", "CreatedAt", "CreatedSince", "Digest", "ID",
                            "Repository", "SharedSize", "Size", "Tag", "UniqueSize",
                            "VirtualSize"}
    assert cay.ok("images", "demo", "--format", "table {{.Tag}}\\t{{.ID}}").splitlines()[0] == (
        "TAG       IMAGE ID")
    result = cay("images", "--format", "{{.Nope}}")
    assert result.returncode == 1
    assert result.stderr.startswith("cay: template: position 3: no field 'Nope', there are: ")


@pytest.mark.parametrize("arguments, names", [
    (["demo"], ["demo:one"]),
    (["demo:two"], []),
    (["-f", "reference=t*/d*"], ["team/demo:2"]),
    (["-f", "reference=demo", "-f", "reference=team/*"], ["demo:one", "team/demo:2"]),
    (["-f", "label=stage"], ["demo:one", "team/demo:2"]),
    (["-f", "label=stage=test", "-f", "label=other"], []),
    (["-f", "label=stage=live"], []),
    (["-f", "dangling=true"], []),
    (["-f", "dangling=false"], ["demo:one", "team/demo:2"]),
    (["-f", "before=demo:one"], []),
    (["-f", "since=demo:one"], []),
])
def test_filters(cay, imported, arguments, names):
    cay.ok("tag", "demo:one", "team/demo:2")
    output = cay.ok("images", "--format", "{{.Repository}}:{{.Tag}}", *arguments)
    assert output.splitlines() == names


@pytest.mark.parametrize("filter, message", [
    ("lable=x", "unknown filter 'lable', did you mean 'label'?"),
    ("colour=x", "unknown filter 'colour', there are before, dangling, label, reference and since"),
    ("label", "invalid filter 'label': write it as NAME=VALUE"),
    ("dangling=maybe", "invalid filter 'dangling=maybe': use true or false"),
    ("before=nope", "no such image: 'nope'"),
])
def test_bad_filters_are_named(cay, filter, message):
    result = cay("images", "--filter", filter)
    assert (result.returncode, result.stderr) == (1, f"cay: {message}\n")


def test_an_image_without_a_name_is_dangling(cay, archive):
    image = cay.ok("import", "-", input=archive)
    assert cay.ok("images", "-f", "dangling=true", "--format", "{{.Repository}} {{.Tag}}") == (
        "<none> <none>")
    cay.ok("rmi", image)
    assert cay.ok("images", "-q") == ""


def test_history(cay, imported):
    header, row = cay.ok("history", "demo:one").splitlines()
    assert cells(header) == ["IMAGE", "CREATED", "CREATED BY", "SIZE", "COMMENT"]
    assert row.endswith("a note")
    assert cay.ok("history", "-q", "--no-trunc", "demo:one") == imported
    assert cay.ok("history", "--human=false", "--format", "{{.Size}} {{.CreatedSince}}",
                  "demo:one").split()[0] == "6"
    assert json.loads(cay.ok("history", "--format", "json", "demo:one"))["Comment"] == "a note"
    assert cay("history", "nope").stderr == "cay: no such image: 'nope'\n"


def test_inspect_shows_what_is_found_and_names_what_is_not(cay, imported):
    assert cay.ok("image", "inspect", "-f", '{{.Id}} {{index .Config.Labels "stage"}}',
                  "demo:one") == f"{imported} test"
    assert json.loads(cay.ok("image", "inspect", "demo:one"))[0]["RepoTags"] == ["demo:one"]
    result = cay("image", "inspect", "--format", "{{json .Config.Cmd}}", "x1", "demo:one", "x2")
    assert result.stdout == '["sh"]\n'
    assert result.stderr == "cay: no such image: 'x1'\ncay: no such image: 'x2'\n"
    assert result.returncode == 1
    assert cay("image", "inspect", "nope").stdout == "[]\n"


def test_removing_tells_what_went_and_tries_each(cay, imported):
    cay.ok("tag", imported, "other:2")
    result = cay("rmi", "nope", "demo:one")
    assert result.stdout == "Untagged: demo:one\n"
    assert (result.returncode, result.stderr) == (1, "cay: no such image: 'nope'\n")
    lines = cay.ok("rmi", "other:2").splitlines()
    assert lines[:2] == ["Untagged: other:2", f"Deleted: {imported}"]
    result = cay("rmi", "-f", "nope")
    assert (result.returncode, result.stderr) == (0, "cay: no such image: 'nope'\n")


@pytest.mark.parametrize("arguments, message", [
    (["tag", "nope", "x"], "no such image: 'nope'"),
    (["tag", "nope", "UPPER"], "invalid reference format: repository name"),
    (["load", "-i", "/nope"], "open '/nope': No such file or directory"),
    (["import", "/nope"], "open '/nope': No such file or directory"),
    (["import", "https://example.org/x.tar"],
     "import from a URL is not supported by this version: use 'curl https://example.org/x.tar | "
     "cay import -'"),
])
def test_bad_input_is_named(cay, arguments, message):
    result = cay(*arguments)
    assert result.returncode == 1
    assert result.stderr.startswith(f"cay: {message}")
    assert result.stderr.count("\n") == 1


def test_an_archive_is_not_read_from_a_terminal(pty_run):
    terminal = pty_run("load")
    terminal.expect("no archive was given and standard input is a terminal")
    assert terminal.wait() == 1


def test_limits_of_archives_are_options(cay, archive):
    result = cay("import", "--max-bytes", "1", "-", "demo:small", input=archive)
    assert result.returncode == 1
    assert cay.ok("images", "-q") == ""
