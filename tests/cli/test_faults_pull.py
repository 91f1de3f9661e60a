# SPDX-License-Identifier: Apache-2.0
"""
Pulls that are killed, or meet a full disk, at their system calls: nothing can be seen of them, and
the next one works and leaves nothing behind.

There are too many calls to try each: of every kind of call in every program some are, spread over
the whole.
"""

import os
import signal

import pytest

import faults
from harness import debris, fault_proxy, image_archives, pulling, registry_images

KILLED = -signal.SIGKILL
POINTS = 14
FILES = {"f": b"f" * 5000, "d/g": b"g"}

pytestmark = pytest.mark.as_shipped


@pytest.fixture(name="name")
def _name(registry, repository):
    """Two layers, packed in two ways."""
    registry.push(repository, "latest", registry_images.image(
        [image_archives.tar({"f": FILES["f"]}),
         image_archives.tar({"d": None, "d/g": FILES["d/g"]})],
        packing=["gzip", "zstd"]))
    return registry.name(repository)


def sample(found, count=POINTS):
    """Of @found as many as @count, the first, the last and those evenly between."""
    found = list(found)
    step = max(1, (len(found) - 1) / (count - 1))
    return [found[round(step * number)] for number in range(min(count, len(found)))]


def remove_all(cay):
    """Remove all that is there; then the store is empty."""
    for image in set(cay.ok("images", "--quiet", "--no-trunc").split()):
        cay.ok("rmi", "--force", image)
    cay.ok("image", "prune", "--force")
    assert debris.of_store(cay.state) + debris.of_state(cay.state) == []


def stored(cay):
    """Blobs and layers, without what a killed writer's next collection removes."""
    return [path for path in debris.of_store(cay.state)
            if not os.path.basename(path).startswith(".")]


def check(cay, name, points, tmp_path):
    cay.ok("pull", "--quiet", name)
    size = len(stored(cay))
    met = 0
    for fault in points:
        remove_all(cay)
        result = fault.run()
        assert not cay.state.settle(), str(fault)
        met += result.returncode != 0
        if result.returncode not in (0, KILLED):
            said = [line for line in result.stderr.splitlines() if not line.startswith("strace:")]
            assert (result.returncode, len(said)) == (1, 1), f"{fault}: {result}"
            # The name is printed last, when all is done.
            done = "write standard output" in result.stderr
            assert done or pulling.visible(cay) == [], f"{fault}: {result}"
        again = cay("pull", "--quiet", name)
        assert again.returncode == 0, f"{fault}: {again}"
        assert len(stored(cay)) == size, str(fault)
    assert pulling.files_of(cay, name, tmp_path) == FILES
    remove_all(cay)
    assert met


@pytest.mark.parametrize("program", ["cay", "cay-image", "cay-registry"])
def test_a_pull_that_is_killed_anywhere_is_pulled_the_next_time(cay, name, program, tmp_path):
    points = faults.kills(cay, "pull", "--quiet", name, program=program)
    check(cay, name, sample(points), tmp_path)


@pytest.mark.parametrize("errno", ["ENOSPC", "EIO"])
@pytest.mark.parametrize("program", ["cay", "cay-image", "cay-registry"])
def test_a_pull_whose_disk_fails_anywhere_is_pulled_the_next_time(cay, name, program, errno,
                                                                  tmp_path):
    calls = ("openat mkdirat renameat renameat2 write pwrite64 pwritev ftruncate fallocate "
             "copy_file_range splice fsync fdatasync syncfs").split()
    points = faults.failures(cay, "pull", "--quiet", name, program=program, errno=errno,
                             calls=calls)
    check(cay, name, sample(points, POINTS // 2), tmp_path)


# A tmpfs of its own for the state, in a mount namespace of its own: nobody else sees it.
ON_A_SMALL_DISK = ["unshare", "--mount", "sh", "-c",
                   'mount -t tmpfs -o size="$1" none "$CAY_STATE" && shift && "$@"', "sh"]


def test_a_full_disk_is_told_and_with_more_of_it_the_pull_goes_on(cay, registry, repository,
                                                                  tmp_path):
    size = 6 << 20
    small = registry_images.small()
    big = registry_images.small(pulling.random_file(size), packing="none")
    registry.push(repository, "small", small)
    with fault_proxy.serve(registry) as proxy:
        proxy.push(repository, "big", big)
        script = tmp_path / "script"
        script.write_text(f"""
            cd "$CAY_STATE"
            cay="{cay.path()}"
            "$cay" pull -q {registry.name(repository, 'small')} > /dev/null || exit 10
            "$cay" pull -q {proxy.name(repository, 'big')} && exit 11
            [ "$("$cay" images --quiet | wc -l)" = 1 ] || exit 12
            "$cay" pull -q {registry.name(repository, 'small')} > /dev/null || exit 13
            mount -o remount,size=64M "$CAY_STATE" || exit 14
            echo more >&2
            "$cay" pull -q {proxy.name(repository, 'big')} > /dev/null || exit 15
            [ "$("$cay" images --quiet | wc -l)" = 2 ] || exit 16
            "$cay" rmi {proxy.name(repository, 'big')} > /dev/null || exit 17
        """)
        result = type(cay)("/bin", cay.state)(script, prefix=[*ON_A_SMALL_DISK, "4M"],
                                              program="sh")
        assert result.returncode == 0, str(result)
        said, after = result.stderr.splitlines()
        assert "no space left" in said.lower() and after == "more"
        requests = proxy.asked(f"/blobs/{big.layers[0].digest}")
        assert len(requests) >= 2 and os.path.basename(requests[-1].path) == big.layers[0].digest
        assert requests[-1].range and not requests[-1].range.startswith("bytes=0-")
