# SPDX-License-Identifier: Apache-2.0
"""What a user meets before any container: help, mistakes, exit codes, completions, manual pages."""

import os
import shutil
import subprocess

import pytest


@pytest.mark.parametrize("arguments, line, code", [
    (["frob"], "cay: unknown command 'frob', see 'cay --help'", 1),
    (["imges"], "cay: unknown command 'imges', did you mean 'images'?", 1),
    (["build", "."], "cay: command 'build' is not supported by this version", 1),
    (["--stat", "/x", "ps"], "cay: unknown option '--stat', did you mean '--state'?", 125),
    (["--host", "x", "ps"], "cay: option '--host' is not supported by this version", 125),
    (["run", "--memroy", "1g", "x"],
     "cay run: unknown option '--memroy', did you mean '--memory'?", 125),
    (["run", "--gpus", "all", "x"],
     "cay run: option '--gpus' is not supported by this version: name a CDI device, such as "
     "'--device nvidia.com/gpu=all'", 125),
    (["run", "-m", "1k", "x"],
     "cay run: memory limit of 1024 bytes is too low: the minimum is 6MB", 125),
    (["container", "run"],
     "cay container run: needs at least 1 argument: cay container run IMAGE [COMMAND] [ARG...]",
     125),
    (["images", "--fromat", "x"],
     "cay images: unknown option '--fromat', did you mean '--format'?", 125),
    (["tag", "a"],
     "cay tag: needs exactly 2 arguments: cay tag SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]", 1),
    (["version", "x"], "cay version: takes no arguments, but got 'x'", 1),
    (["load", "--max-entries=-1"], "cay load: limits of an archive must be greater than 0", 1),
    (["images", "--format", "{{.ID"],
     "cay: template: position 1: '{{' has no closing '}}'", 1),
    (["completion", "tcsh"],
     "cay completion: no completion for shell 'tcsh', there are bash, zsh and fish", 1),
    (["frob\x1b[2J"], "cay: unknown command 'frob\\x1b[2J', see 'cay --help'", 1),
])
def test_a_mistake_is_one_line_and_an_exit_code(cay, arguments, line, code):
    result = cay(*arguments)
    assert result.stderr == line + "\n"
    assert result.stdout == ""
    assert result.returncode == code


def test_help_goes_to_standard_output(cay):
    for arguments in ([], ["--help"], ["-h"]):
        assert cay.ok(*arguments).startswith("Usage:  cay [OPTIONS] COMMAND\n")
    assert cay.ok("help") == cay.ok("--help")
    assert cay.ok("help", "image", "ls") == cay.ok("image", "ls", "--help")
    assert cay.ok("help", "image") == cay.ok("image")
    assert cay.ok("image", "--help").startswith("Usage:  cay image COMMAND\n")
    text = cay.ok("image", "ls", "--help")
    assert text.startswith("Usage:  cay image ls [OPTIONS] [REPOSITORY[:TAG]]\n\nList images\n")
    assert "\nAliases:\n  cay image ls, cay image list, cay images\n" in text
    assert "\n  -q, --quiet           Show ids only" in text
    assert "  -h, --hostname string " in cay.ok("run", "--help")


def test_help_does_not_name_what_is_hidden(cay):
    assert "generate-manual" not in cay.ok()
    assert "recover" not in cay.ok("container")
    assert "--net " not in cay.ok("run", "--help")


def test_options_and_help_after_the_image_are_the_programs(cay):
    result = cay("run", "no-such-image", "--help")
    assert result.returncode == 125
    assert "Usage" not in result.stdout


def test_versions(cay):
    version = cay.ok("version", "--format", "{{.Client.Version}}")
    assert cay.ok("version", "--format", "{{.Server.Version}}") == version
    assert cay.ok("--version") == cay.ok("-v") == f"cay version {version}"


def test_output_that_cannot_be_written_is_a_failure(cay):
    with open("/dev/full", "wb") as full:
        process = cay.spawn("version", stdout=full)
        _, errors = process.communicate()
    assert process.returncode == 1
    assert errors == b"cay: write standard output: No space left on device\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completions_are_scripts_of_their_shell(cay, shell):
    script = cay.ok("completion", shell)
    for word in ("images", "--quiet", "--cpus", "remove"):
        assert word.replace("--", "" if shell == "fish" else "--") in script
    assert "generate-manual" not in script
    if shutil.which(shell):
        subprocess.run([shell, "-n"], input=script + "\n", text=True, check=True)


@pytest.mark.parametrize("line, expected", [
    ("cay im", {"image", "images", "import"}),
    ("cay image r", {"referrers", "rm"}),
    ("cay --state /x image ls --no", {"--no-trunc"}),
    ("cay run --cpus", {"--cpus", "--cpuset-cpus", "--cpuset-mems"}),
    ("cay images -", None),
])
def test_bash_completes(cay, line, expected):
    words = line.split(" ")
    program = (cay.ok("completion", "bash") + "\n"
               f"COMP_WORDS=({' '.join(words)}); COMP_CWORD={len(words) - 1}\n"
               "_cay; printf '%s\\n' \"${COMPREPLY[@]}\"\n")
    result = subprocess.run(["bash", "--norc", "-c", program], capture_output=True, text=True,
                            check=True)
    found = set(result.stdout.split())
    assert found == expected if expected is not None else {"--all", "--help"} <= found


def test_each_command_has_a_manual_page(cay, tmp_path):
    directory = tmp_path / "man1"
    cay.ok("generate-manual", directory)
    assert {"cay.1", "cay-image-ls.1", "cay-images.1", "cay-run.1"} <= set(os.listdir(directory))
    assert not (directory / "cay-generate-manual.1").exists()
    aliases = [page.read_text() for page in directory.iterdir()
               if page.read_text().startswith(".so ")]
    for alias in aliases:
        assert (tmp_path / alias.split()[1]).exists()
    page = (directory / "cay-image-ls.1").read_text()
    assert page.startswith('.TH "cay\\-image\\-ls" 1 ')
    assert "\\fB\\-q\\fR, \\fB\\-\\-quiet\\fR\nShow ids only.\n" in page
    if shutil.which("groff"):
        for entry in directory.iterdir():
            result = subprocess.run(["groff", "-ww", "-man", "-Tutf8", "-z", entry],
                                    cwd=tmp_path, capture_output=True, text=True, check=True)
            assert result.stderr == ""
