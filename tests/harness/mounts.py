# SPDX-License-Identifier: Apache-2.0
"""What /proc/self/mountinfo says, inside a container and outside."""


def mountinfo(text):
    """destination -> (options, type, source, super options, optional fields), the topmost ones."""
    found = {}
    for line in text.splitlines():
        before, _, after = line.partition(" - ")
        fields = before.split()
        found[fields[4]] = (fields[5].split(","), *after.split()[:2],
                            after.split()[2].split(","), fields[6:])
    return found


def mounts_of(bundle, **options):
    return mountinfo(bundle.shell("cat /proc/self/mountinfo", **options))


def host_mounts():
    with open("/proc/self/mountinfo", encoding="ascii") as file:
        return mountinfo(file.read())
