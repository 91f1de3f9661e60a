# SPDX-License-Identifier: Apache-2.0
"""How much memory the processes of one command have at most, all together."""

import os
import threading

PAGE = os.sysconf("SC_PAGE_SIZE")
SECONDS_BETWEEN = 0.005


def _children(pid):
    """{pid} and all that descend from it."""
    found, new = set(), {pid}
    while new:
        found |= new
        below = set()
        for parent in new:
            try:
                for task in os.listdir(f"/proc/{parent}/task"):
                    with open(f"/proc/{parent}/task/{task}/children", encoding="ascii") as file:
                        below |= {int(word) for word in file.read().split()}
            except OSError: # it has ended
                pass
        new = below - found
    return found


def resident(pids):
    """Bytes, of the processes and all that descend from them."""
    total = 0
    for pid in set().union(*map(_children, pids)):
        try:
            with open(f"/proc/{pid}/statm", encoding="ascii") as file:
                total += int(file.read().split()[1]) * PAGE
        except (OSError, IndexError):
            pass
    return total


def find(*names):
    """The processes of these names: daemons."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/comm", encoding="utf-8") as file:
                if file.read().strip() in names:
                    found.append(int(pid))
        except OSError:
            pass
    return found


class Watch:
    """Looks at a process again and again until it has ended; @daemons work for it. The peak is what
    its processes have, and by how much those of the daemons have grown."""

    def __init__(self, daemons=()):
        self.daemons = list(daemons)
        self.before = resident(self.daemons)
        self.peak = 0

    def __call__(self, process):
        ended = threading.Event()
        thread = threading.Thread(target=self._look, args=(process.pid, ended))
        thread.start()
        process.wait()
        ended.set()
        thread.join()

    def _look(self, pid, ended):
        while not ended.wait(SECONDS_BETWEEN):
            self.peak = max(self.peak, resident([pid, *self.daemons]) - self.before)
