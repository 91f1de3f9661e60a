# SPDX-License-Identifier: Apache-2.0
"""
Who may include whom. The folders of src/ are layers: a folder sees those named beside it in the
table and nothing else, so that what a container is does not depend on who asks for one. Headers
named *-private.h, and those of a folder's own subfolders, do not leave the folder.
"""

import pathlib
import re

import pytest

from lint import source

LAYERS = {
    "base": set(),
    "sandbox": {"base"},
    "storage": {"base"},
    "registry": {"base"},
    "image": {"base", "registry", "storage"},
    "network": {"base"},
    "supervisor": {"base", "sandbox"},
    "engine": {"base", "sandbox", "storage", "registry", "image", "network", "supervisor"},
    "build": {"base", "engine"},
    # The engine hands out its image store: mirroring each of its functions would gain nothing.
    "api": {"base", "registry", "image", "engine", "build"},
    "cli": {"base", "registry", "image", "engine", "build"},
    "oci": {"base", "sandbox"},
}

GENERATED = {"cay-config.h"}

_QUOTED = r'^[ \t]*#[ \t]*include[ \t]*"([^"]+)"'


def problems(path, text, exists=lambda header: (source.ROOT / "src" / header).exists()):
    """What is wrong with the includes of the file @path (below the root): "LINE: WHAT"."""
    parts = pathlib.PurePath(path).parts
    folder = {"src": parts[1], "tests": parts[2] if len(parts) > 3 else None}.get(parts[0])
    for match in re.finditer(_QUOTED, text, re.MULTILINE):
        header = match.group(1)
        wrong = _problem(parts[0], folder, header, exists)
        if wrong:
            yield f"{text.count(chr(10), 0, match.start()) + 1}: \"{header}\" {wrong}"


def _problem(place, folder, header, exists):
    if header in GENERATED or (place in ("tests", "fuzz") and "/" not in header):
        return None
    target = pathlib.PurePath(header).parts[0]
    if "/" not in header or ".." in header or target not in LAYERS or not exists(header):
        return "is no header's path from src/"
    is_private = header.endswith("-private.h") or len(pathlib.PurePath(header).parts) > 2
    if is_private and target != folder and place != "fuzz":
        return f"is private to {target}"
    if place == "src" and target != folder and target not in LAYERS.get(folder, set()):
        return f"is none of {folder}'s business"
    return None


def test_every_include_keeps_to_the_layers():
    found = []
    for path in source.c_files():
        name = source.name(path)
        found += [f"{name}:{wrong}" for wrong in problems(name, path.read_text(encoding="utf-8"))]
    assert not found, "\n" + "\n".join(found)


def test_every_folder_has_its_place_in_the_table():
    folders = {path.name for path in (source.ROOT / "src").iterdir() if path.is_dir()}
    assert folders <= set(LAYERS)


def test_the_table_has_no_cycle():
    def below(folder, seen):
        assert folder not in seen, f"{folder} is below itself"
        for lower in LAYERS[folder]:
            below(lower, seen | {folder})

    for folder in LAYERS:
        below(folder, frozenset())


@pytest.mark.parametrize("path, header", [
    ("src/base/fd.c", "sandbox/sandbox.h"),
    ("src/sandbox/sandbox.c", "image/reference.h"),
    ("src/storage/layer.c", "image/reference.h"),
    ("src/cli/run.c", "sandbox/sandbox.h"),
    ("src/engine/start.c", "cli/run-options.h"),
    ("src/engine/start.c", "sandbox/mounts-private.h"),
    ("src/image/worker/tree.c", "engine/engine.h"),
    ("src/sandbox/sandbox.c", "cgroup.h"),
    ("src/sandbox/sandbox.c", "../base/fd.h"),
    ("tests/unit/base/test-fd.c", "sandbox/mounts-private.h"),
    ("src/cli/image-load.c", "image/worker/unpack.h"),
])
def test_a_forbidden_include_is_found(path, header):
    text = f'/* a file */\n#include <stdio.h>\n\n#include "{header}"\n'
    assert [line.split(":")[0] for line in problems(path, text, lambda _: True)] == ["4"]


@pytest.mark.parametrize("path, header", [
    ("src/base/fd.c", "base/fd.h"),
    ("src/image/image-store.c", "storage/layer-store.h"),
    ("src/image/worker/tree.c", "image/worker/tree-private.h"),
    ("src/supervisor/shim-main.c", "sandbox/sandbox.h"),
    ("src/cli/main.c", "cay-config.h"),
    ("tests/unit/sandbox/test-mounts.c", "sandbox/mounts-private.h"),
    ("tests/unit/storage/test-overlay.c", "scratch.h"),
    ("src/cli/image-load.c", "image/image-load.h"),
    ("fuzz/fuzz-layer.c", "image/worker/tar-reader.h"),
])
def test_an_allowed_include_is_accepted(path, header):
    assert not list(problems(path, f'#include "{header}"\n', lambda _: True))


def test_a_header_that_does_not_exist_is_found():
    assert list(problems("src/cli/run.c", '#include "base/no-such-header.h"\n'))
