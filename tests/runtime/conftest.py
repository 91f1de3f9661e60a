# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the sandbox's own suite: no engine, no images, a bundle and the library."""

import os
import shutil

import pytest

from harness.bundle import Bundle


@pytest.fixture(scope="session")
def sandbox_run(build):
    return build / "tests/runtime/sandbox-run"


@pytest.fixture
def new_bundle(sandbox_run, worker_directory, numbers):
    """new_bundle() -> Bundle. Whatever its containers leave behind fails the test."""
    bundles = []

    def make():
        name = f"{os.getpid()}-{next(numbers)}"
        bundle = Bundle(worker_directory / f"bundle-{name}", sandbox_run, name)
        bundles.append(bundle)
        return bundle

    yield make
    problems = []
    for bundle in bundles:
        bundle.end()
        problems += bundle.problems()
        shutil.rmtree(bundle.directory, ignore_errors=True)
    assert not problems, "left behind:\n" + "\n".join(problems)


@pytest.fixture
def bundle(new_bundle):
    return new_bundle()


@pytest.fixture
def host_tools(bundle):
    """A bundle in which the host's Python runs: for what no shell can ask the kernel."""
    for name in ("lib", "lib64"):
        if os.path.islink(f"/{name}"):
            (bundle.rootfs / name).symlink_to(os.readlink(f"/{name}"))
    bundle.mount("/usr", "/usr", ["rbind", "ro"])
    bundle.process["env"].append("PYTHONDONTWRITEBYTECODE=1")
    return bundle


@pytest.fixture
def outside(worker_directory, numbers):
    """A directory of the host that no container was given."""
    directory = worker_directory / f"outside-{next(numbers)}"
    directory.mkdir()
    yield directory
    shutil.rmtree(directory)
