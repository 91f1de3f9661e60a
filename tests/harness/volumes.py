# SPDX-License-Identifier: Apache-2.0
"""What there is of volumes on the disk, and rows that would take long to make one by one."""

import contextlib
import sqlite3


def directories(state):
    """The names of the volumes that have a directory."""
    return sorted(entry.name for entry in (state.directory / "volumes").iterdir())


def changes(state):
    """The names of the volumes that are being changed, or whose change nobody lived to finish."""
    return sorted(entry.name for entry in (state.runtime / "volumes").iterdir())


def data(state, name):
    return state.directory / "volumes" / name / "_data"


def database(state):
    return contextlib.closing(sqlite3.connect(state.directory / "cay.db", isolation_level=None))


def make_many(state, count):
    """Volumes "many-0" and so on, whole, without a command for each."""
    names = [f"many-{number}" for number in range(count)]
    for name in names:
        data(state, name).mkdir(parents=True)
    with database(state) as connection:
        connection.execute("BEGIN")
        connection.executemany(
            "INSERT INTO volume (name, driver, options, labels, created_at, is_anonymous) "
            "VALUES (?, 'local', '{}', '{}', 1, 0)", [(name,) for name in names])
        connection.execute("COMMIT")
    return names


def use(state, name, container):
    """Have the container with the id @container use the volume, as its creation would."""
    with database(state) as connection:
        connection.execute("INSERT INTO container_volume VALUES (?, ?)", (name, container))
