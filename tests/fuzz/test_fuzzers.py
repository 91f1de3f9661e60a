# SPDX-License-Identifier: Apache-2.0
"""
Each parser meets its kept corpus and a fixed number of inputs made from it, the same ones each
time. `make fuzz` goes on from there for as long as one likes.
"""

import os
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = pathlib.Path(os.environ.get("CAY_FUZZERS", ROOT / "build-fuzz"))
NAMES = sorted(path.stem.removeprefix("fuzz-") for path in (ROOT / "fuzz").glob("fuzz-*.c"))


@pytest.mark.parametrize("name", NAMES)
def test_the_parser_survives_whatever_it_is_fed(name, tmp_path):
    kept, found = ROOT / "fuzz" / "corpus" / name, tmp_path / "found"
    found.mkdir()
    assert any(kept.iterdir())
    result = subprocess.run(
        [BUILD / "fuzz" / f"fuzz-{name}", "-runs=20000", "-seed=1", "-reload=0",
         "-max_len=8192", "-timeout=20",
         f"-artifact_prefix={tmp_path}/", found, kept],
        capture_output=True, text=True, errors="replace", timeout=600, check=False)
    assert result.returncode == 0, result.stderr[-8000:]
    assert "Done 20000 runs" in result.stderr
