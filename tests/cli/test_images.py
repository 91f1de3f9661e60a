# SPDX-License-Identifier: Apache-2.0
"""Images on the command line: they come in, are listed and named, and go, in Docker's words."""

import json
import platform
import re

import pytest

from harness.image_archives import Layout, config, docker_archive, sha256, tar

ARCHITECTURE = {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()]
LAYER = tar({"hello": b"world\n"})
UPPER = tar({"second": b"layer\n"})


def archive(*names, layers=(LAYER,), **changes):
    return docker_archive((config(layers, ARCHITECTURE, **changes), list(layers), list(names)))


def identity(cay, name):
    return cay.ok("image", "inspect", "--format", "{{.Id}}", name)


def refused(cay, *arguments, **options):
    """The one line that says why; exit status 1."""
    result = cay(*arguments, **options)
    assert result.returncode == 1, str(result)
    assert result.stderr.startswith("cay: ") and result.stderr.count("\n") == 1, str(result)
    return result.stderr.rstrip("\n")


def test_load_says_what_it_loaded(cay, state):
    path = state.base / "archive.tar"
    path.write_bytes(archive("a:1", "host:5000/b/c:2"))
    assert cay.ok("load", "-i", path) == "Loaded image: a:1\nLoaded image: host:5000/b/c:2"
    unnamed = archive(author="x")
    assert re.fullmatch(r"Loaded image ID: sha256:[0-9a-f]{64}", cay.ok("load", input=unnamed))


def test_the_list_is_dockers(cay):
    assert cay.ok("images").split() == ["REPOSITORY", "TAG", "IMAGE", "ID", "CREATED", "SIZE"]
    cay.ok("load", input=archive("a:1", layers=(LAYER, UPPER)))
    short = identity(cay, "a:1").removeprefix("sha256:")[:12]
    row = re.split(r"\s{2,}", cay.ok("images").splitlines()[1].strip())
    assert row[:3] == ["a", "1", short] and row[4] == "12B"
    assert cay.ok("images", "-q") == short
    assert cay.ok("images", "--no-trunc", "-q") == identity(cay, "a:1")
    digest = cay.ok("images", "--digests", "--format", "{{.Digest}}")
    assert re.fullmatch(r"sha256:[0-9a-f]{64}", digest)
    assert identity(cay, "a@" + digest) == identity(cay, "a:1")


def test_an_image_without_a_name_is_listed_as_none(cay):
    cay.ok("load", input=archive("a:1"))
    cay.ok("load", input=archive("a:1", author="new"))
    rows = cay.ok("images", "--format", "{{.Repository}}:{{.Tag}}").splitlines()
    assert sorted(rows) == ["<none>:<none>", "a:1"]


def test_history_shows_each_layer_with_its_size(cay):
    cay.ok("load", input=archive("a:1", layers=(LAYER, UPPER)))
    rows = cay.ok("history", "--format", "{{.CreatedBy}} {{.Size}}", "a:1").splitlines()
    assert rows == ["layer 1 6B", "layer 0 6B"]


def test_inspect_is_the_engines_document(cay):
    cay.ok("load", input=archive("a:1"))
    document, = json.loads(cay.ok("image", "inspect", "a:1"))
    assert document["RepoTags"] == ["a:1"]
    assert document["RootFS"] == {"Type": "layers", "Layers": [sha256(LAYER)]}
    assert document["Config"]["Cmd"] == ["/hello"]
    assert document["Size"] == 6 and document["Os"] == "linux"


@pytest.mark.parametrize("command", [("image", "inspect"), ("history",), ("rmi",), ("tag", "b:1")])
def test_an_image_that_is_not_there_is_named(cay, command):
    name, *rest = command
    arguments = (name, "nosuch", *rest) if name == "tag" else (*command, "nosuch")
    assert "no such image: 'nosuch'" in cay(*arguments).stderr


@pytest.mark.parametrize("name, words", [
    ("Upper:1", "must be lowercase"), ("a b", "invalid reference format"),
    ("a:" + "t" * 129, "invalid reference format"), ("0" * 64, "64 hex digits"),
    ("a@sha256:12", "invalid reference format"),
])
def test_a_malformed_name_is_refused_with_dockers_reason(cay, name, words):
    cay.ok("load", input=archive("a:1"))
    assert words in refused(cay, "tag", "a:1", name)
    assert words in refused(cay, "import", "-", name, input=LAYER)


def test_a_digest_cannot_be_given_as_a_name(cay):
    cay.ok("load", input=archive("a:1"))
    assert "digest reference" in refused(cay, "tag", "a:1", "b@sha256:" + "0" * 64)


def test_names_come_and_go_and_the_last_takes_the_image_along(cay, state):
    cay.ok("load", input=archive("a:1"))
    whole = identity(cay, "a:1")
    cay.ok("tag", "a:1", "b")
    assert cay.ok("rmi", "a:1") == "Untagged: a:1"
    assert cay.ok("rmi", "b").splitlines() == [
        "Untagged: b:latest", f"Deleted: {whole}", f"Deleted: {sha256(LAYER)}"]
    assert not list((state.directory / "layers").iterdir())
    assert not list((state.directory / "content/blobs/sha256").iterdir())


def test_an_id_with_names_in_two_repositories_must_be_forced(cay):
    cay.ok("load", input=archive("a:1", "b:1"))
    short = identity(cay, "a:1").removeprefix("sha256:")[:12]
    assert f"unable to delete {short} (must be forced)" in refused(cay, "rmi", short)
    assert cay.ok("rmi", "-f", short).startswith("Untagged: a:1\nUntagged: b:1\nDeleted: ")


def test_import_takes_dockers_changes(cay):
    printed = cay.ok("import", "-c", "CMD [\"/hello\"]", "-c", "EXPOSE 80", "-m", "made by hand",
                     "-", "root:1", input=LAYER)
    assert printed == identity(cay, "root:1")
    document, = json.loads(cay.ok("image", "inspect", "root:1"))
    assert document["Config"]["ExposedPorts"] == {"80/tcp": {}}
    assert document["Comment"] == "made by hand"
    assert "cannot be changed" in refused(cay, "import", "-c", "RUN x", "-", "x", input=LAYER)


@pytest.mark.parametrize("data, words", [
    (b"", ""), (b"no archive at all", ""), (archive("a:1")[:2000], "cut short"),
    (LAYER, "not an archive of images"),
])
def test_what_is_no_archive_of_images_is_refused(cay, data, words):
    assert words in refused(cay, "load", input=data)
    assert cay.ok("images", "-q") == ""


def test_a_digest_that_does_not_match_is_refused(cay):
    layout = Layout()
    layout.add(layout.manifest(config([LAYER], ARCHITECTURE), [LAYER]), "a:1")
    layout.blobs = {path: data.replace(b"world", b"w0rld") for path, data in layout.blobs.items()}
    assert "digest mismatch" in refused(cay, "load", input=layout.tar())


def test_a_file_that_is_not_there_is_named(cay):
    assert "'/nonexistent.tar'" in refused(cay, "load", "-i", "/nonexistent.tar")
    assert "'/nonexistent.tar'" in refused(cay, "import", "/nonexistent.tar", "a")


def test_an_image_that_a_container_uses_stays(cay, image):
    cay("run", "--name", "user", image, "true", check=True)
    words = refused(cay, "rmi", image)
    assert "must force" in words and "is using its referenced image" in words
    assert identity(cay, image)
    cay.ok("rm", "user")
    assert cay.ok("rmi", image).startswith(f"Untagged: {image}\nDeleted: sha256:")


def test_an_image_that_a_container_runs_on_cannot_be_forced_away(cay, image, spawn):
    whole = identity(cay, image)
    process = spawn("run", "--rm", "-i", image, "cat")
    process.stdin.write(b"up\n")
    process.stdin.flush()
    assert process.stdout.readline() == b"up\n"
    assert "(cannot be forced)" in refused(cay, "rmi", "-f", whole)
    output, _ = process.communicate(b"still up\n", timeout=60)
    assert output == b"still up\n"
    assert process.returncode == 0
