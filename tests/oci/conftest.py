# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the suite of `cay-oci`: a root and bundles for each test, nothing left of them."""

import os
import shutil

import pytest

from harness.bundle import Bundle
from harness.oci import DescriptorServer, Oci


@pytest.fixture
def oci(build, worker_directory, numbers):
    """oci(*arguments) -> Result, on a root of its own; see harness/oci.py."""
    oci = Oci(build, worker_directory / f"oci-{os.getpid()}-{next(numbers)}")
    yield oci
    problems = oci.end()
    shutil.rmtree(oci.directory)
    assert not problems, "left behind:\n" + "\n".join(problems)


@pytest.fixture
def new_bundle(oci, numbers):
    """new_bundle() -> Bundle. Whatever its containers leave behind fails the test."""
    bundles = []

    def make():
        name = f"{os.getpid()}-{next(numbers)}"
        bundle = Bundle(oci.directory / f"bundle-{name}", None, name)
        bundles.append(bundle)
        return bundle

    yield make
    problems = oci.end()
    for bundle in bundles:
        problems += bundle.problems()
    assert not problems, "left behind:\n" + "\n".join(problems)


@pytest.fixture
def bundle(new_bundle):
    return new_bundle()


@pytest.fixture
def server(oci):
    """A socket for one descriptor: `server.path`, `server.receive()`, `server.message`."""
    server = DescriptorServer(oci.directory / "socket")
    yield server
    server.close()
