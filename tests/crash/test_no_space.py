# SPDX-License-Identifier: Apache-2.0
"""
A full disk, or one that fails, at every step: one line says so, nothing is left behind, and the
next command works.
"""

import pytest

import faults
from harness import debris, images, leaks

# What can meet a full disk. Removing cannot; that it may fail is for nobody to repair.
CALLS = ("openat mkdirat renameat renameat2 write pwrite64 ftruncate fallocate copy_file_range "
         "fsync fdatasync setxattr fsetxattr").split()
WORDS = {"ENOSPC": "no space left", "EIO": "input/output error"}


def problems(fault, result, errno):
    """
    What is wrong with how a command met @errno: it may have got along without the call. Where a
    file that exists cannot be opened for writing, SQLite goes on reading and says so instead.
    """
    lines = result.stderr.splitlines()
    if result.returncode == 0:
        return []
    if len(lines) != 1 or result.returncode not in (1, 125):
        return [f"exit status {result.returncode}, {lines}"]
    told = WORDS[errno] in lines[0].lower() or "disk" in lines[0] or fault.call == "openat"
    if fault.program == "cay-image" and "no reply" in lines[0]:
        return []  # the call was the reply itself, into a pipe
    return [] if told else [f"a message without its cause: {lines[0]}"]


@pytest.mark.parametrize("errno", sorted(WORDS))
@pytest.mark.parametrize("program", ["cay", "cay-shim"])
def test_a_run_without_space_leaves_nothing(cay, image, program, errno):
    found = []
    for fault in faults.failures(cay, "run", "--rm", image, "true", program=program, errno=errno,
                                 calls=CALLS):
        result = fault.run()
        cay.state.settle()
        wrong = problems(fault, result, errno)
        wrong += [f"kept container {name}" for name in cay.ok("ps", "--all", "--quiet").split()]
        wrong += cay.state.watch.problems() + debris.of_state(cay.state)
        cay.state.watch = leaks.Watch(cay.state)
        found += [f"{fault}: {problem}" for problem in wrong]
    assert not found, f"{len(found)} problems:\n" + "\n".join(found[:40])
    cay.ok("run", "--rm", image, "true")


@pytest.mark.parametrize("errno", sorted(WORDS))
@pytest.mark.parametrize("program", ["cay", "cay-image"])
def test_an_import_without_space_can_be_done_again(cay, program, errno):
    found = []
    archive, name = images.busybox_tar(["sh", "true"]), images.BUSYBOX_REFERENCE
    for fault in faults.failures(cay, "import", "-", name, input=archive, program=program,
                                 errno=errno, calls=CALLS):
        cay("rmi", name)
        result = fault.run()
        found += [f"{fault}: {problem}" for problem in problems(fault, result, errno)]
        assert cay("import", "-", name, input=archive).returncode == 0, str(fault)
        cay.ok("run", "--rm", name, "true")
    assert not found, f"{len(found)} problems:\n" + "\n".join(found[:40])
