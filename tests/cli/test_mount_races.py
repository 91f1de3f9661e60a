# SPDX-License-Identifier: Apache-2.0
"""
Volumes whose other user swaps what lies in them while containers are made and started. What each
attack would do without the defence is written at it.
"""

import os

import pytest
from harness import images, leaks, swapping, volumes

ATTEMPTS = 25

pytestmark = pytest.mark.as_shipped


@pytest.fixture
def outside(tmp_path):
    """A directory of the host that no container has been given."""
    (tmp_path / "secret").write_text("secret\n")
    before = leaks.mounts()
    yield tmp_path
    assert os.listdir(tmp_path) == ["secret"], "something was made outside"
    assert (tmp_path / "secret").read_text() == "secret\n"
    assert leaks.mounts() == before


@pytest.fixture(params=["absolute", "climbing"])
def volume(cay, state, outside, request):
    """The files of volume `web`, where `part` is a directory and, once swapped, a link outside."""
    cay.ok("volume", "create", "web")
    data = volumes.data(state, "web")
    (data / "part").mkdir()
    (data / "part" / "inside").write_text("inside\n")
    (data / "link").symlink_to(
        outside if request.param == "absolute" else "../" * 20 + str(outside)[1:])
    return data


def test_a_subpath_that_is_swapped_for_a_link_shows_nothing_of_the_host(cay, image, volume):
    """CVE-2023-0778 and its like: what the link leads to on the host would be mounted."""
    seen = set()
    with swapping.exchanging(volume / "part", volume / "link"):
        for _ in range(ATTEMPTS):
            result = cay("run", "--rm", "--mount", "src=web,dst=/x,volume-subpath=part", image,
                         "sh", "-c", "ls /x; touch /x/made")
            seen.add(result.returncode)
            if result.returncode == 0:
                assert set(result.stdout.split()) <= {"inside", "made"}, str(result)
            else:
                assert "the subpath 'part' leads out of 'web'" in result.stderr, str(result)
    assert 0 in seen


def test_a_container_that_swaps_part_of_a_volume_that_it_shares_shows_nothing(cay, image, volume):
    """The same by the means that a container has."""
    link = os.readlink(volume / "link")
    cay.ok("run", "-d", "--name", "attacker", "-v", "web:/web", image, "sh", "-c",
           f"cd /web; while :; do mv -T part aside; ln -s {link} part; rm part; mv -T aside part; "
           "done")
    for _ in range(ATTEMPTS):
        result = cay("run", "--rm", "--mount", "src=web,dst=/x,volume-subpath=part", image, "ls",
                     "/x")
        assert result.stdout in ("inside\n", ""), str(result)
    cay.ok("rm", "-f", "attacker")


def test_a_directory_above_a_subpath_can_be_swapped_as_well(cay, image, volume):
    """The same one step higher: a file of the host by its name in the directory."""
    (volume / "part" / "secret").mkdir()
    with swapping.exchanging(volume / "part", volume / "link"):
        for _ in range(ATTEMPTS):
            result = cay("run", "--rm", "--mount", "src=web,dst=/x,volume-subpath=part/secret",
                         image, "sh", "-c", "cat /x; ls -d /x")
            assert "secret\n" not in result.stdout, str(result)


@pytest.mark.parametrize("target", ["part", "part/made", "part/made/deep"])
def test_a_target_in_a_shared_volume_that_is_swapped_leads_nowhere(cay, image, volume, target):
    """
    CVE-2021-30465, CVE-2019-19921, CVE-2024-45310: the second mount would appear on the host's
    directory, or directories be made there.
    """
    seen = set()
    with swapping.exchanging(volume / "part", volume / "link"):
        for _ in range(ATTEMPTS):
            result = cay("run", "--rm", "-v", "web:/vol", "-v", f"two:/vol/{target}", image, "true")
            seen.add(result.returncode)
    assert 0 in seen


def test_a_file_as_target_in_a_shared_volume_that_is_swapped_leads_nowhere(cay, image, volume,
                                                                          worker_directory):
    """CVE-2024-45310: an empty file would be left on the host."""
    source = worker_directory / "source"
    source.write_text("bound\n")
    with swapping.exchanging(volume / "part", volume / "link"):
        for _ in range(ATTEMPTS):
            cay("run", "--rm", "-v", "web:/vol", "-v", f"{source}:/vol/part/file", image, "true")


def test_a_link_as_the_last_component_of_a_target_stays_inside(cay, image, volume, outside):
    """CVE-2019-18837: the mount would appear where the link leads on the host."""
    script = f"mkdir -p {outside}; ls {outside}; grep -c /vol /proc/mounts"
    result = cay("run", "--rm", "-v", "web:/vol", "--tmpfs", "/vol/link/new", image, "sh", "-c",
                 script)
    assert "secret" not in result.stdout, str(result)


def test_who_holds_a_volume_that_is_being_filled_directs_nothing_outside(cay, state, outside):
    """The image's files would be written through a link into the host's directory."""
    full = images.make_with(cay, "full:test", [
        images.entry("data"), images.entry("data/sub"), images.entry("data/sub/made", "made\n"),
        images.entry("data/secret", "overwritten\n"), *(
            images.entry(f"data/{number}", "x") for number in range(200))])
    cay.ok("create", "--name", "holder", "-v", "web:/none", full, "true")
    data = volumes.data(state, "web")
    links = {data / "sub": outside, data / "secret": outside / "secret"}

    def plant():
        for link, target in links.items():
            try:
                link.symlink_to(target)
            except FileExistsError:
                continue

    def clear():
        for path in data.iterdir():
            if path.is_dir() and not path.is_symlink():
                (path / "made").unlink(missing_ok=True)
                path.rmdir()
            else:
                path.unlink()

    for _ in range(ATTEMPTS):
        clear()
        container = cay.spawn("create", "-v", "web:/data", full, "true")
        with swapping.repeating(plant):
            assert container.wait() == 0
        if (data / "7").exists():  # it was empty when it was looked at
            assert len(os.listdir(data)) == 202


def test_a_volume_is_filled_while_it_is_being_removed_or_not_at_all(cay, spawn, state):
    """Neither of the two leaves half of it, or a container of a volume that is gone."""
    full = images.make_with(cay, "full:test", [
        images.entry("data"), *(images.entry(f"data/{number}", "x") for number in range(50))])
    seen = set()
    for _ in range(ATTEMPTS):
        cay.ok("volume", "create", "web")
        both = [spawn("create", "--name", "user", "-v", "web:/data", full, "true"),
                spawn("volume", "rm", "web")]
        codes = [process.wait() for process in both]
        assert codes[0] == 0, both[0].communicate()
        seen.add(codes[1])
        assert len(os.listdir(volumes.data(state, "web"))) == 50
        assert volumes.directories(state) == ["web"]
        cay.ok("rm", "user")
        cay.ok("volume", "rm", "web")
    assert seen <= {0, 1}
