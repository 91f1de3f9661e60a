# SPDX-License-Identifier: Apache-2.0
"""
`cay cp` against a container that changes what is copied, all the time: whatever a name means when
it is looked at, nothing outside of the container is read, written, or given another owner or mode.
"""

import os
import stat

import pytest
from harness import copied_trees as trees

ROUNDS = 30
# Exchanges two names again and again, as fast as a shell cannot: renameat2(2) with RENAME_EXCHANGE.
SWAP = r"""
#include <fcntl.h>
#include <stdio.h>
int main(int argc, char **argv)
{
    if (argc != 3)
        return 1;
    puts("swapping");
    fflush(stdout);
    for (;;)
        (void)renameat2(AT_FDCWD, argv[1], AT_FDCWD, argv[2], RENAME_EXCHANGE);
}
"""


@pytest.fixture
def cay(cay, release):
    """As shipped: a race is against the quick one."""
    return cay.on(release)


@pytest.fixture(scope="session")
def swap(tmp_path_factory):
    directory = tmp_path_factory.mktemp("swap")
    (directory / "swap.c").write_text(SWAP)
    program = directory / "swap"
    assert os.spawnlp(os.P_WAIT, "gcc", "gcc", "-D_GNU_SOURCE", "-static", "-O2", "-o",
                      str(program), str(directory / "swap.c")) == 0
    return program


@pytest.fixture
def outside(tmp_path):
    """A directory of the host's with a secret, which has to stay as it is."""
    trees.make(tmp_path / "outside", {"file": "secret", "dir/file": "secret"})
    os.chmod(tmp_path / "outside", 0o700)
    os.chmod(tmp_path / "outside/file", 0o600)
    before = trees.describe(tmp_path / "outside")
    yield tmp_path / "outside"
    assert trees.describe(tmp_path / "outside") == before


@pytest.fixture
def box(request, cay, image, swap, outside, no_leaks):
    """
    box(arrange, first, second) -> a running container in which @arrange was done and the two names
    change places for ever. It has the host's ids: what it could make us do would count.
    """
    def make(arrange, first, second):
        cay.ok("run", "-d", "--name", "box", "--userns", "host", "-v", f"{swap}:/swap:ro", image,
               "sh", "-c", f"{arrange.format(outside=outside)} && exec /swap {first} {second}")
        process = cay.spawn("logs", "-f", "box")
        assert process.stdout.readline() == b"swapping\n"
        process.kill()
        process.wait()
        return "box"

    yield make
    cay("rm", "-f", "box")


# What the container does with a name that is copied. All of it leads to the host's directory, if
# it leads anywhere outside: by its absolute path, which the host resolves otherwise.
SOURCES = {
    "a file and a link": (
        "mkdir /s && echo plain > /s/name && ln -s {outside}/file /s/other", "/s/name", "/s/other"),
    "a directory and a link": (
        "mkdir -p /s/name && echo plain > /s/name/file && ln -s {outside} /s/other",
        "/s/name", "/s/other"),
    "a parent and a link": (
        "mkdir -p /s/dir/name /other && echo plain > /s/dir/name/file && "
        "ln -s {outside} /s/link", "/s/dir", "/s/link"),
    "a file and a fifo": (
        "mkdir /s && echo plain > /s/name && mkfifo /s/other", "/s/name", "/s/other"),
    "a file and a directory": (
        "mkdir -p /s/other && echo plain > /s/name && echo plain > /s/other/file",
        "/s/name", "/s/other"),
    "a link up and a directory": (
        "mkdir -p /s/name && echo plain > /s/name/file && "
        "ln -s ../../../../../../../..{outside} /s/other", "/s/name", "/s/other"),
}


def contents(directory):
    """Of all regular files below, or of the one; links are not followed."""
    if directory.is_symlink():
        return
    if directory.is_dir():
        for entry in directory.iterdir():
            yield from contents(entry)
    elif directory.exists() and stat.S_ISREG(directory.lstat().st_mode):
        yield directory.read_text()


def ways(case):
    """What of a case is copied, and how."""
    name = "/s/dir/name" if case == "a parent and a link" else "/s/name"
    return [(case, (), "/s"), (case, (), name), (case, ("-L",), name),
            (case, ("-aL",), f"{name}/.")]


@pytest.mark.parametrize("case, options, path", [way for case in SOURCES for way in ways(case)])
def test_nothing_outside_is_read(tmp_path, cay, box, case, options, path):
    name = box(*SOURCES[case])
    for number in range(ROUNDS):
        target = tmp_path / f"copy-{number}"
        result = cay("cp", *options, f"{name}:{path}", target)
        assert result.returncode in (0, 1), str(result)
        assert set(contents(target)) <= {"plain\n"}, str(result)


@pytest.mark.parametrize("case", ["a file and a link", "a directory and a link",
                                  "a parent and a link"])
def test_no_archive_has_what_is_outside(cay, box, case):
    name = box(*SOURCES[case])
    for _ in range(ROUNDS):
        for path in ("/s", "/s/name"):
            result = cay("cp", "-L", f"{name}:{path}", "-", text=False)
            assert b"secret" not in result.stdout


TARGETS = {
    "a directory and a link": (
        "mkdir -p /t/name && ln -s {outside} /t/other", "/t/name", "/t/other"),
    "a file and a link": (
        "mkdir /t && echo old > /t/name && ln -s {outside}/file /t/other", "/t/name", "/t/other"),
    "a parent and a link": (
        "mkdir -p /t/name && mkdir /u && ln -s {outside} /u/other", "/t/name", "/u/other"),
    "a directory below and a link": (
        "mkdir -p /t/name/sub && ln -s {outside} /t/name/other", "/t/name/sub", "/t/name/other"),
}


@pytest.mark.parametrize("case", TARGETS)
@pytest.mark.parametrize("options", [(), ("-a",)])
def test_nothing_outside_is_written_or_changed(tmp_path, cay, box, outside, case, options):
    trees.make(tmp_path / "source", {"file": "mine", "sub/file": "mine", "sub/dir/file": "mine"})
    for path in (tmp_path / "source", *(tmp_path / "source").rglob("*")):
        os.chmod(path, 0o777)
        os.chown(path, 1234, 1234)
    name = box(*TARGETS[case])
    for _ in range(ROUNDS):
        for source, target in (("source/.", "/t/name"), ("source/file", "/t/name"),
                               ("source/file", "/t/name/file"), ("source/sub", "/t/name")):
            result = cay("cp", *options, f"{tmp_path}/{source}", f"{name}:{target}")
            assert result.returncode in (0, 1), str(result)


def test_a_link_in_the_root_or_proc_of_the_container_leads_nowhere(tmp_path, cay, image, outside,
                                                                   no_leaks):
    (tmp_path / "file").write_text("mine")
    cay.ok("run", "-d", "--name", "box", "--userns", "host", "--cap-add", "SYS_PTRACE", image,
           "sh", "-c", f"ln -s /proc/1/root{outside} /a && ln -s /proc/self/cwd /b && "
           f"ln -s ../../../../..{outside} /c && exec sleep 1000")
    for path in ("/a/file", "/a/new", "/b/file", "/c/file", "/proc/1/root/file", "/proc/self/fd/3"):
        cay("cp", tmp_path / "file", f"box:{path}")
        result = cay("cp", f"box:{path}", tmp_path / "back")
        assert result.returncode == 1, str(result)
    assert not (tmp_path / "back").exists()
    cay.ok("rm", "-f", "box")


def test_nothing_of_the_container_is_loaded_or_executed(tmp_path, cay, image, no_leaks):
    """Neither its libraries nor its accounts: both are there, and neither is opened."""
    (tmp_path / "file").write_text("mine")
    cay.ok("run", "-d", "--name", "box", image, "sh", "-c",
           "mkdir -p /lib/x86_64-linux-gnu && cp /bin/busybox "
           "/lib/x86_64-linux-gnu/libnss_files.so.2 && exec sleep 1000")
    log = tmp_path / "calls"
    cay.ok("cp", "-a", tmp_path / "file", "box:/etc", prefix=[
        "strace", "-f", "-qqq", "-e", "trace=open,openat,openat2,execve,chroot,setns,pivot_root",
        "-o", str(log)])
    calls = log.read_text()
    assert "libnss" not in calls and "passwd" not in calls and "nsswitch" not in calls
    assert "setns(" not in calls and "chroot(" not in calls
    assert calls.count("execve(") == 1
    cay.ok("rm", "-f", "box")
