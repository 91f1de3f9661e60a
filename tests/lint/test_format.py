# SPDX-License-Identifier: Apache-2.0
"""All C files look as .clang-format says, and the check can tell when one does not."""

import subprocess

from lint import source

CLANG_FORMAT = ["clang-format-14", f"--style=file:{source.ROOT / '.clang-format'}", "--dry-run",
                "-Werror", "--ferror-limit=1"]


def complaints(paths):
    result = subprocess.run([*CLANG_FORMAT, *map(str, paths)], capture_output=True, text=True,
                            check=False)
    assert (result.returncode == 0) == (result.stderr == ""), result.stderr
    return result.stderr


def test_every_c_file_is_formatted():
    files = source.c_files()
    assert files
    assert complaints(files) == ""


def test_a_badly_formatted_file_is_found(tmp_path):
    good, bad = tmp_path / "good.c", tmp_path / "bad.c"
    good.write_text("int f(void)\n{\n    return 0;\n}\n")
    bad.write_text("int f(void) {\n  return 0;\n}\n")
    assert complaints([good]) == ""
    assert "bad.c" in complaints([good, bad])
