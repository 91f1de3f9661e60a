# SPDX-License-Identifier: Apache-2.0
"""The directories of vendors' device specifications, which all tests on a machine share."""

import contextlib
import fcntl
import os


@contextlib.contextmanager
def alone():
    """
    For one test at a time, whatever process it is in: the directories are made by the first that
    needs one and removed by whoever made it, so that nobody may be writing there then.
    """
    handle = os.open("/run", os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
