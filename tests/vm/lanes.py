# SPDX-License-Identifier: Apache-2.0
"""Runs tests in guests (see tests/vm/run); the last line is "N passed, N failed".

"core" is what each `make check` has time for. "all" is every test of what the kernel does for
containers, what only this kernel or systemd can show, and the tests of tests/vm/run itself.
"""

import argparse
import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
COUNT_LINE = re.compile(r"(\d+) passed, (\d+) failed\n")

GUEST = [HERE / "run"]
# meson gives a unit test half a minute, which is little for an emulated processor.
UNIT = "--unit=--timeout-multiplier 10 --suite sandbox "
# A guest computes slowly, and its programs are not the ones that are shipped.
NOT_FOR_GUESTS = "not killed_at_any and not megabyte"
# (in front of tests/run, its arguments), one after the other.
LANES = {
    "core": [
        ([*GUEST, "--timeout=300", "--"], [UNIT + "cgroup cgroup-devices cgroup-limits seccomp",
                                           "--", "-m", "vm_core", "tests/runtime",
                                           "tests/vm/kernel"]),
    ],
    "all": [
        ([], ["--no-unit", "tests/vm/test_run.py"]),
        ([*GUEST, "--timeout=1200", "--"], [UNIT, "--", "-k", NOT_FOR_GUESTS, "tests/runtime",
                                            "tests/oci", "tests/supervisor", "tests/vm/kernel"]),
        # Units have names that are the machine's, so one test at a time.
        ([*GUEST, "--timeout=300", "--systemd", "--"], ["--no-unit", "--workers=1",
                                                        "tests/vm/systemd"]),
    ],
}


def run_counted(command):
    """(passed, failed) as the last line says; what has no such line, or contradicts it, failed."""
    line = ""
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True,
                          errors="replace") as process:
        for line in process.stdout:
            print(line, end="", flush=True)
    counted = COUNT_LINE.fullmatch(line)
    passed, failed = map(int, counted.groups()) if counted else (0, 0)
    return passed, failed or int(process.returncode != 0 or not passed)


def run(lane, build):
    """(passed, failed) of a lane on the programs in @build, an absolute path."""
    counts = [run_counted([*before, ROOT / "tests/run", "--build", build, "--release", build,
                           *arguments])
              for before, arguments in LANES[lane]]
    return tuple(map(sum, zip(*counts)))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=pathlib.Path, required=True,
                        help="build directory with the tests and without sanitizers")
    parser.add_argument("lane", choices=LANES)
    options = parser.parse_args()

    passed, failed = run(options.lane, options.build.resolve())
    print(f"{passed} passed, {failed} failed", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
