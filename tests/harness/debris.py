# SPDX-License-Identifier: Apache-2.0
"""What a killed process may have left inside the data roots of a state, and must not stay there."""

import os

from harness import leaks

# What is the user's and may have any name.
_FOREIGN = ("upper", "diff")


def of_state(state):
    """Temporary names and unfinished things below both data roots, as paths."""
    found = []
    for root in (state.directory, state.runtime):
        for directory, directories, files in os.walk(root):
            found += [os.path.join(directory, name) for name in (*directories, *files)
                      if name.startswith(".")]
            directories[:] = [name for name in directories if name not in _FOREIGN]
    staging = state.directory / "content" / "staging"
    if staging.exists():
        found += [str(entry) for entry in staging.iterdir()]
    return sorted(found)


def runtime_containers(state):
    """The ids of the containers that have a runtime directory."""
    directory = state.runtime / "containers"
    return {entry.name for entry in directory.iterdir()} if directory.exists() else set()


def cgroups_of(containers):
    """The cgroups of @containers (ids), in all hierarchies."""
    return [str(hierarchy / f"cay-{container}") for hierarchy in leaks.hierarchies()
            for container in containers if (hierarchy / f"cay-{container}").exists()]


def of_store(state):
    """Blobs and layers, whether or not an image needs them."""
    found = []
    for directory in ("content/blobs/sha256", "layers"):
        if (state.directory / directory).exists():
            found += [str(entry) for entry in (state.directory / directory).iterdir()]
    return sorted(found)
