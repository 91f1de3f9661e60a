# SPDX-License-Identifier: Apache-2.0
"""A log whose shim is killed, or whose disk fails, between any two steps of a write or rotation."""

import re

import faults

CALLS = "openat write ftruncate renameat unlinkat".split()
SCRIPT = "for number in 1 2 3 4 5 6; do echo $number; done"
NOTICE = re.compile(r"\[cay: (\d+) bytes of output are missing here: Input/output error\]\n")


def command(image):
    return ("run", "--name", "box", "--log-opt", "max-size=100b", "--log-opt", "max-file=3", image,
            "sh", "-c", SCRIPT)


def problems(cay, is_complete):
    """What is wrong with the log of the container, if there is one; it is removed."""
    found = []
    if cay.state.containers():
        result = cay("logs", "box")
        numbers = [int(line) for line in result.stdout.split()]
        lost = sum(map(int, NOTICE.findall(result.stderr)))
        if result.returncode != 0 or NOTICE.sub("", result.stderr):
            found.append(f"{result}")
        if is_complete and not lost and numbers[-1:] not in ([6], []):
            found.append(f"the end is missing: {numbers}")
        if not lost and numbers and numbers != list(range(numbers[0], numbers[-1] + 1)):
            found.append(f"there is a gap: {numbers}")
        cay.ok("rm", "--force", "box")
    return found


def collect(cay, kinds):
    found = []
    for fault, is_complete in kinds:
        fault.run()
        cay.state.settle()
        found += [f"{fault}: {problem}" for problem in problems(cay, is_complete)]
    assert not found, f"{len(found)} problems:\n" + "\n".join(found[:20])


def test_a_log_is_whole_wherever_its_shim_is_killed(cay, image):
    collect(cay, ((fault, False) for fault in
                  faults.kills(cay, *command(image), program="cay-shim", calls=CALLS)))


def test_a_disk_that_fails_costs_no_more_than_the_log_says(cay, image):
    collect(cay, ((fault, True) for fault in
                  faults.failures(cay, *command(image), program="cay-shim", errno="EIO",
                                  calls=CALLS)))
