# SPDX-License-Identifier: Apache-2.0
"""`cay diff`: what a container has changed, listed as Docker lists it."""

import pytest


@pytest.fixture
def state_directory(state_directory_in_memory):
    return state_directory_in_memory


def changes(cay, image, script, *options):
    """What a container that runs @script has changed."""
    cay.ok("run", "--name", "one", *options, image, "sh", "-c", script)
    listed = cay.ok("diff", "one").splitlines()
    cay.ok("rm", "one")
    return listed


def test_what_is_added_changed_and_deleted_is_listed_by_path(cay, image, no_leaks):
    assert changes(cay, image, "mkdir -p /new/sub; echo 1 >/new/sub/file; echo 1 >>/etc/passwd; "
                               "rm /etc/os-release; rmdir /home/user; ln -s x /etc-link") == [
        "C /etc", "A /etc-link", "D /etc/os-release", "C /etc/passwd",
        "C /home", "D /home/user", "A /new", "A /new/sub", "A /new/sub/file"]


def test_what_nobody_has_changed_is_not_listed(cay, image, no_leaks):
    cay.ok("create", "--name", "never", image, "true")
    assert cay.ok("diff", "never") == ""
    cay.ok("rm", "never")
    assert changes(cay, image, "cat /etc/passwd >/dev/null; ls -R /etc /usr >/dev/null") == []


def test_a_file_that_is_as_it_was_is_not_listed(cay, image, no_leaks):
    """It was copied up, but its metadata is the image's: so is that of directories."""
    assert changes(cay, image, "chmod 600 /etc/group; chmod 644 /etc/group; "
                               "touch /var/x; rm /var/x") == []


def test_each_kind_of_metadata_counts(cay, image, no_leaks):
    assert changes(cay, image, "chmod 600 /etc/group; chown 1 /etc/passwd; touch /etc/os-release; "
                               "chmod 700 /var; chown 2 /usr/bin") == [
        "C /etc", "C /etc/group", "C /etc/os-release", "C /etc/passwd", "C /usr", "C /usr/bin",
        "C /var"]


def test_what_becomes_of_another_type_is_changed(cay, image, no_leaks):
    assert changes(cay, image, "rm /etc/group; mkdir /etc/group; touch /etc/group/new; "
                               "rm -r /home; echo 1 >/home") == [
        "C /etc", "C /etc/group", "A /etc/group/new", "C /home"]


def test_what_a_new_directory_in_the_place_of_one_lacks_is_deleted(cay, image, no_leaks):
    """Overlayfs marks it as opaque: nothing below it has a whiteout."""
    cay.ok("run", "--name", "base", image, "sh", "-c",
           "mkdir -p /d/sub/deep /d/other; echo 1 >/d/sub/file; echo 1 >/d/gone; echo 1 >/d/sub/g")
    base = cay.ok("commit", "base", "base:1")
    assert changes(cay, base, "rm -r /d; mkdir -p /d/sub; echo 22 >/d/sub/file; touch /d/new") == [
        "C /d", "D /d/gone", "A /d/new", "D /d/other",
        "C /d/sub", "D /d/sub/deep", "C /d/sub/file", "D /d/sub/g"]
    cay.ok("rm", "base")


def test_layers_hide_what_lower_ones_have(cay, image, no_leaks):
    """A file that a layer has deleted is new, and one in several layers is that of the topmost."""
    cay.ok("run", "--name", "first", image, "sh", "-c", "rm /etc/group; echo 1 >>/etc/passwd")
    second = cay.ok("commit", "first")
    assert changes(cay, second, "echo 1 >/etc/group; chmod 600 /etc/passwd; "
                                "chmod 644 /etc/passwd") == ["C /etc", "A /etc/group"]
    cay.ok("rm", "first")


def test_mounts_and_their_points_that_cay_makes_are_no_changes(cay, image, no_leaks):
    assert changes(cay, image, "echo 1 >>/etc/hosts; touch /dev/x /run/y /volume/z",
                   "-v", "/volume", "--tmpfs", "/run") == ["A /volume"]
    cay.ok("volume", "prune", "-af")


def test_a_container_that_runs_is_listed_too(cay, image, no_leaks):
    cay.ok("run", "-d", "--name", "up", image, "sleep", "1000")
    cay.ok("exec", "up", "touch", "/new")
    assert cay.ok("diff", "up") == "A /new"
    cay.ok("rm", "-f", "up")


def test_names_harm_no_terminal_and_are_exact_elsewhere(cay, image, no_leaks, pty_run):
    cay.ok("run", "--name", "odd", image, "sh", "-c", r"touch $(printf '/a\033[2Jb')")
    assert cay("diff", "odd").stdout == "A /a\033[2Jb\n"
    pty_run("diff", "odd").expect("A /a\\x1b[2Jb")
    cay.ok("rm", "odd")


def test_links_that_lead_outside_are_not_followed(cay, image, no_leaks, tmp_path):
    (tmp_path / "secret").touch()
    listed = changes(cay, image, f"rm -r /var; ln -s {tmp_path} /var; ln -s / /root-link")
    assert listed == ["A /root-link", "C /var"]


def test_who_is_not_there_has_no_changes(cay, image):
    result = cay("diff", "nobody")
    assert (result.returncode, result.stderr) == (1, "cay: no such container: 'nobody'\n")
