# SPDX-License-Identifier: Apache-2.0
"""Faults are injected into the programs as shipped, by the hundred, on a disk that is quick."""

import pytest


@pytest.fixture
def state_directory(state_directory_in_memory):
    return state_directory_in_memory


@pytest.fixture
def cay(cay, release):
    return cay.on(release)
