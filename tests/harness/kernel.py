# SPDX-License-Identifier: Apache-2.0
"""What the kernel under test can do, where nothing but its version tells."""

import os
import re

_RELEASE = tuple(map(int, re.match(r"(\d+)\.(\d+)", os.uname().release).groups()))

TMPFS_MAPS_IDS = _RELEASE >= (6, 3)
CPUSETS_KEEP_AFFINITY = _RELEASE >= (6, 2)  # what a process chose before it was moved into one
TMPFS_NEED_NOT_SWAP = _RELEASE >= (6, 4)
