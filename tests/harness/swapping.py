# SPDX-License-Identifier: Apache-2.0
"""Attackers: names that mean something else every other moment, as a container can make them."""

import contextlib
import ctypes
import os
import threading

AT_FDCWD, RENAME_EXCHANGE = -100, 2


@contextlib.contextmanager
def repeating(action):
    """Do @action() again and again, as fast as it goes, until the block ends."""
    stop = threading.Event()

    def run():
        while not stop.is_set():
            action()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


@contextlib.contextmanager
def exchanging(first, second):
    """The names @first and @second change places all the time."""
    libc = ctypes.CDLL(None)
    names = os.fsencode(first), os.fsencode(second)
    with repeating(lambda: libc.renameat2(AT_FDCWD, names[0], AT_FDCWD, names[1],
                                          RENAME_EXCHANGE)):
        yield
