# SPDX-License-Identifier: Apache-2.0
"""Images, volumes and containers that are out for the host. What each attack would do without the
defence is written at it; all have been seen to succeed with the defence taken out."""

import contextlib
import ctypes
import errno
import hashlib
import os
import shutil
import stat
import subprocess
import threading

import pytest

from harness import kernel

AT_FDCWD, RENAME_EXCHANGE = -100, 2


def device(path, major, minor):
    os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(major, minor))


@pytest.fixture(params=["absolute", "climbing"])
def escape(request):
    """
    escape(path) -> a link target that leads out of the root. While a container is set up, the root
    of its first process is still the host's, where absolute ones start.
    """
    return lambda path: ("../" * 20 + str(path)[1:] if request.param == "climbing" else str(path))


@pytest.mark.parametrize("name", ["dev", "proc", "sys"])
def test_a_kernel_directory_that_is_a_link_in_the_image_is_refused(bundle, outside, name, escape):
    """Nodes, masks and procfs would end up where the link leads, and be looked for elsewhere."""
    (bundle.rootfs / name).rmdir()
    (bundle.rootfs / name).symlink_to(escape(outside))
    (bundle.rootfs / str(outside).lstrip("/")).mkdir(parents=True)
    result = bundle.run("true")
    assert result.status == 125
    assert result.stderr == f"invalid: mount point '/{name}': a symbolic link is in the way\n"
    assert os.listdir(outside) == []


@pytest.fixture
def image_dev(bundle):
    """/dev is the image's own directory: nothing is mounted over it."""
    for destination in ("/dev/shm", "/dev/mqueue", "/dev"):
        bundle.config["mounts"].remove(bundle.find_mount(destination))
    return bundle


def test_dev_null_that_is_a_link_is_not_followed(image_dev, outside):
    """The file it leads to would be opened as standard input and bound over masked paths."""
    (outside / "secret").write_text("secret\n")
    (image_dev.rootfs / "dev/null").symlink_to("/etc/fake")
    image_dev.write("/etc/fake", "fake\n")
    result = image_dev.run("cat", "/proc/keys")
    assert result.status == 125
    assert result.stderr == ("invalid: make device '/dev/null': the image has something else "
                             "there\n")


def test_dev_null_that_is_a_file_masks_nothing(image_dev):
    image_dev.write("/dev/null", "fake\n")
    assert "the image has something else there" in image_dev.run("cat", "/proc/keys").stderr


def test_a_bound_dev_without_the_null_device_is_refused(bundle, outside):
    """CVE-2025-31133: whatever is called null would be bound over the masked paths."""
    (outside / "null").write_text("readable\n")
    for destination in ("/dev/pts", "/dev/shm", "/dev/mqueue"):
        bundle.config["mounts"].remove(bundle.find_mount(destination))
    bundle.find_mount("/dev").update(type="bind", source=str(outside), options=["rbind"])
    result = bundle.run("true")
    assert result.stderr == "invalid: '/dev/null' in the container is not the null device\n"
    (outside / "null").unlink()
    device(outside / "null", 1, 5)
    assert bundle.run("true").stderr == result.stderr


@pytest.mark.parametrize("kind", ["link", "link to nothing", "directory"])
def test_dev_console_of_the_image_is_not_followed(image_dev, outside, kind, escape):
    """CVE-2026-88264: a file would be made, or the terminal bound, where the link leads."""
    console = image_dev.rootfs / "dev/console"
    target = image_dev.rootfs / str(outside).lstrip("/") / "made"
    target.parent.mkdir(parents=True)
    if kind == "directory":
        console.mkdir()
    else:
        console.symlink_to(escape(outside / "made"))
        if kind == "link":
            target.write_text("")
    image_dev.process["terminal"] = True
    assert image_dev.run("true").status == 125
    assert os.listdir(outside) == []
    assert target.exists() == (kind == "link")


@pytest.mark.parametrize("link", ["/dev/pts", "/dev/shm", "/dev/mqueue"])
def test_a_mount_point_in_dev_that_is_a_link_is_refused(bundle, outside, link):
    device(outside / "null", 1, 3)
    for name in ("pts", "shm", "mqueue"):
        (outside / name).mkdir()
    (outside / link.rpartition("/")[2]).rmdir()
    (outside / link.rpartition("/")[2]).symlink_to("/etc")
    bundle.find_mount("/dev").update(type="bind", source=str(outside), options=["rbind"])
    assert bundle.run("true").stderr == \
        f"invalid: mount point '{link}': a symbolic link is in the way\n"


def test_a_link_as_the_last_component_of_a_mount_point_stays_inside(bundle, outside, escape):
    """CVE-2019-18837."""
    (outside / "source").mkdir()
    (outside / "victim").mkdir()
    (bundle.rootfs / "link").symlink_to(escape(outside / "victim"))
    (bundle.rootfs / str(outside / "victim").lstrip("/")).mkdir(parents=True)
    bundle.mount("/link/", outside / "source", ["rbind"])
    bundle.shell("touch /link/inside")
    assert os.listdir(outside / "victim") == []
    assert os.listdir(outside / "source") == ["inside"]


def test_masked_and_read_only_paths_are_resolved_inside_the_root(bundle, outside, escape):
    """A link of the image's would have a directory of the host's covered or made read-only."""
    (outside / "file").write_text("outside\n")
    for name in ("masked", "readonly"):
        (bundle.rootfs / name).symlink_to(escape(outside))
    bundle.write(f"{outside}/file", "inside\n")
    bundle.linux["maskedPaths"].append("/masked/file")
    assert bundle.shell(f"cat {outside}/file") == ""
    bundle.linux["maskedPaths"].pop()
    bundle.linux["readonlyPaths"].append("/readonly")
    assert bundle.run("touch", f"{outside}/file").status != 0
    assert os.access(outside / "file", os.W_OK)


def test_sysctls_are_not_written_through_what_is_mounted_at_proc(bundle, outside):
    """CVE-2025-52881: a file of the volume's would be written, and the sysctl not set."""
    fake = outside / "sys/net/ipv4"
    fake.mkdir(parents=True)
    (fake / "ip_forward").write_text("fake")
    bundle.linux["sysctl"] = {"net.ipv4.ip_forward": "1"}
    bundle.linux["readonlyPaths"] = []
    bundle.mount("/proc", outside, ["rbind"])
    bundle.mount("/real", "proc", [], "proc")
    assert bundle.shell("cat /real/sys/net/ipv4/ip_forward") == "1\n"
    assert (fake / "ip_forward").read_text() == "fake"


@contextlib.contextmanager
def exchanging(first, second):
    """Meanwhile, the two names are exchanged again and again."""
    libc = ctypes.CDLL(None, use_errno=True)
    stop = threading.Event()

    def swap():
        while not stop.is_set():
            libc.renameat2(AT_FDCWD, bytes(first), AT_FDCWD, bytes(second), RENAME_EXCHANGE)

    thread = threading.Thread(target=swap)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


@pytest.fixture
def swapping(outside, escape):
    """
    A volume in which `target` is a directory and, every other moment, a link out of every root.
    What follows it lands in `victim`.
    """
    volume, victim = outside / "volume", outside / "victim"
    (volume / "target").mkdir(parents=True)
    victim.mkdir()
    (volume / "link").symlink_to(escape(victim))
    with exchanging(volume / "target", volume / "link"):
        yield volume, victim


def test_a_mount_target_that_is_swapped_for_a_link_leads_nowhere(bundle, outside, swapping):
    """
    CVE-2021-30465, CVE-2019-19921, CVE-2023-27561, CVE-2024-45310: another container exchanges the
    target of a mount in a volume that both have. The mount would appear on the host's directory,
    or directories and files be made there.
    """
    volume, victim = swapping
    # Where mount points may be made: the mount, and what the link means in the root.
    places = [outside / "source", bundle.rootfs / str(victim)[1:]]
    for place in places:
        place.mkdir(parents=True)
    (outside / "source/marker").write_text("")
    bundle.mount("/volume", volume, ["rbind"])
    bundle.mount("/volume/target", outside / "source", ["rbind"])
    bundle.mount("/volume/target/deep/er", "tmpfs", [], "tmpfs")
    bundle.mount("/volume/target/file", outside / "source/marker", ["bind"])
    outcomes = set()
    for _ in range(25):
        result = bundle.run("true")
        outcomes.add(result.status)
        assert result.status in (0, 125), result
        assert os.listdir(victim) == []
        assert not os.path.ismount(victim)
        for place in places:  # to be made again
            shutil.rmtree(place / "deep", ignore_errors=True)
            (place / "file").unlink(missing_ok=True)
    assert 0 in outcomes


@pytest.fixture
def volume_dev(bundle, outside):
    """/dev is a volume that another container has as well."""
    volume = outside / "dev"
    volume.mkdir()
    device(volume / "null", 1, 3)
    for destination in ("/dev/pts", "/dev/shm", "/dev/mqueue"):
        bundle.config["mounts"].remove(bundle.find_mount(destination))
    bundle.find_mount("/dev").update(type="bind", source=str(volume), options=["rbind"])
    return bundle, volume


@pytest.mark.parametrize("kind", ["link", "file"])
def test_dev_null_that_is_swapped_while_paths_are_masked_masks_them_or_fails(volume_dev, kind):
    """CVE-2025-31133: what the name means later would be bound, or nothing at all."""
    bundle, volume = volume_dev
    bundle.write("/etc/fake", "fake\n")
    if kind == "link":
        (volume / "other").symlink_to("/etc/fake")
    else:
        (volume / "other").write_text("fake\n")
    bundle.write("/secret", "secret\n")
    bundle.linux["maskedPaths"] = ["/proc/keys", "/secret"] * 10
    outcomes = set()
    with exchanging(volume / "null", volume / "other"):
        for _ in range(25):
            result = bundle.run("cat", "/proc/keys", "/secret")
            outcomes.add(result.status)
            assert result.status in (0, 125) and result.stdout == "", result
    assert 0 in outcomes


@pytest.fixture
def terminal_dev(volume_dev):
    """The same with a terminal, whose devpts lies elsewhere."""
    bundle, volume = volume_dev
    bundle.mount("/pts", "devpts", ["newinstance", "ptmxmode=0666", "mode=0620"], "devpts")
    bundle.process["terminal"] = True
    return bundle, volume


def test_dev_console_that_is_swapped_for_a_link_leads_nowhere(terminal_dev, outside, escape):
    """CVE-2025-52565, CVE-2026-88264: the terminal would be bound over a file of the host's, or of
    the container's, or a file be made there."""
    bundle, volume = terminal_dev
    victim = outside / "victim"
    victim.mkdir()
    (volume / "console").write_text("")
    (volume / "link").symlink_to(escape(victim / "made"))
    outcomes = set()
    with exchanging(volume / "console", volume / "link"):
        for _ in range(25):
            result = bundle.run("sh", "-c", "grep -c victim /proc/self/mountinfo")
            outcomes.add(result.stdout.strip())
            assert os.listdir(victim) == []
    assert outcomes <= {"", "0"} and "0" in outcomes


def test_the_console_is_the_terminal_whatever_its_name_means(bundle, outside):
    """CVE-2025-52565: what lies at /dev/pts/0 would be bound to /dev/console."""
    (outside / "0").write_text("fake\n")
    (outside / "ptmx").write_text("")
    bundle.mount("/dev/pts", outside, ["rbind"])
    bundle.process["terminal"] = True
    assert bundle.run("sh", "-c", "test -c /dev/console; test -t 0 && "
                                  "echo hello > /dev/console").stdout == "hello\r\n"
    assert (outside / "0").read_text() == "fake\n"


def test_flags_of_mounts_are_not_changed_through_the_containers_procfs(bundle, outside):
    """CVE-2026-115521: a volume at /proc would say which mount becomes read-only."""
    fake, volume, victim = (outside / name for name in ("fake", "volume", "victim"))
    for directory in (fake / "self/fd", fake / "thread-self", volume, victim):
        directory.mkdir(parents=True)
    for number in range(256):
        (fake / f"self/fd/{number}").symlink_to("/victim")
    (fake / "thread-self/fd").symlink_to("../self/fd")
    bundle.mount("/proc", fake, ["rbind"])
    bundle.mount("/victim", victim, ["rbind"])
    for name in ("first", "second", "third"):
        bundle.mount(f"/{name}", volume, ["rbind"])
    bundle.linux["readonlyPaths"], bundle.linux["maskedPaths"] = ["/first"], []
    bundle.mount("/second", "none", ["bind", "remount", "ro"])
    bundle.mount("/third", "none", ["remount", "rro"])
    bundle.config["root"]["readonly"] = True
    script = "for i in /first /second /third /victim /; do " \
             "touch $i/x 2>/dev/null && echo $i; done; true"
    assert bundle.shell(script) == "/victim\n"


def test_no_handle_of_the_setup_reaches_the_program(bundle, outside):
    """CVE-2024-21626: each of them leads to a mount, most of them to the host's."""
    (outside / "file").write_text("")
    identity = [{"containerID": 0, "hostID": 0, "size": 1000}]
    bundle.mount("/mnt", outside, ["rbind", "ridmap"])
    bundle.config["mounts"][-1].update(uidMappings=identity, gidMappings=identity)
    bundle.mount("/etc", "tmpfs", ["tmpcopyup", "ro"], "tmpfs")
    if kernel.TMPFS_MAPS_IDS:
        bundle.config["mounts"][-1].update(uidMappings=identity, gidMappings=identity)
    bundle.mount("/dev/shm", "none", ["remount", "ro"])
    bundle.linux["sysctl"] = {"net.ipv4.ip_forward": "1"}
    bundle.linux["rootfsPropagation"] = "rslave"
    for options in ([], ["--no-pivot"], ["--rootfs"]):
        assert bundle.shell("ls /proc/$$/fd; true", options=options).split() == ["0", "1", "2"]


def drop_ptrace():
    """What a container's processes never have; with all else equal, only the dump flag protects."""
    assert ctypes.CDLL(None).prctl(24, 19, 0, 0, 0) == 0  # PR_CAPBSET_DROP, CAP_SYS_PTRACE


ATTACH = """
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
print(ctypes.get_errno() if libc.ptrace(16, int(sys.argv[1]), 0, 0) else 0)
try:
    print(os.readlink(f"/proc/{sys.argv[1]}/root"))
except OSError as error:
    print(error.errno)
"""


def test_the_first_process_cannot_be_traced_or_looked_into_while_it_waits(bundle):
    """In a pid namespace that it joined, others would get hold of the host's descriptors."""
    created = bundle.create("cat", preexec_fn=drop_ptrace)
    result = subprocess.run(["/usr/bin/python3", "-c", ATTACH, str(created.pid)],
                            preexec_fn=drop_ptrace, capture_output=True, text=True, check=True)
    assert result.stdout.split() == [str(errno.EPERM), str(errno.EACCES)]
    assert created.finish().status == 0


@pytest.mark.parametrize("kinds", [("user", "pid"), ("user", "pid", "time")])
def test_who_is_in_a_namespace_cannot_look_into_those_who_join(new_bundle, kinds):
    """Root of a user namespace may trace all in it, and a process that joins holds handles of the
    host's until it executes its program. Once it has, the same look succeeds."""
    owner, guest = new_bundle(), new_bundle()
    owner.add_user_namespace()
    for names in owner.process["capabilities"].values():
        names.append("CAP_SYS_PTRACE")
    look = "ls /proc/$guest/fd >/dev/null && ls /proc/$guest/root/ >/dev/null && echo seen; "
    first = owner.create("sh", "-c", f"while read guest; do {look} echo; done 2>&1")
    first.start()
    for kind in kinds:
        path = first.path(f"ns/{kind}")
        guest.linux["namespaces"].append({"type": kind, "path": str(path)})
    guest.linux["namespaces"] = [namespace for namespace in guest.linux["namespaces"]
                                 if namespace["type"] != "pid" or "path" in namespace]
    second = guest.create("sh", "-c", "echo executed; cat")

    def answer():
        inner = second.path("status").read_text().split("NSpid:")[1].split("\n")[0].split()[-1]
        first.process.stdin.write(f"{inner}\n".encode())
        first.process.stdin.flush()
        return list(iter(lambda: first.process.stdout.readline().decode().strip(), ""))

    assert "seen" not in answer()
    second.start()
    assert second.process.stdout.readline() == b"executed\n"
    assert answer() == ["seen"]
    assert second.wait().status == 0
    assert first.wait().status == 0


@pytest.mark.vm_core
def test_no_device_but_the_default_ones_can_be_opened_unless_it_is_listed(bundle):
    """The list denies by default: a node that was made or found is of no use."""
    script = "mknod /tmp/vcs c 7 0; if (: < /tmp/vcs); then echo opened; else echo refused; fi"
    assert bundle.shell(script + " 2>/dev/null; rm /tmp/vcs") == "refused\n"
    bundle.linux["resources"]["devices"].append(
        {"allow": True, "type": "c", "major": 7, "minor": 0, "access": "rwm"})
    assert bundle.shell(script) == "opened\n"


@pytest.mark.vm_core
def test_the_container_is_in_its_cgroup_in_every_hierarchy(bundle):
    created = bundle.create("cat")
    paths = {line.rpartition(":")[2] for line in
             created.path("cgroup").read_text().splitlines()}
    assert paths == {bundle.linux["cgroupsPath"]}
    assert created.finish().status == 0


@pytest.mark.vm_core
def test_a_container_sees_its_own_cgroup_and_cannot_write_it(bundle):
    """Also in a user namespace, where no cgroup namespace protects: CVE-2023-25809."""
    for namespace in ("cgroup", None):
        script = "for i in $(find /sys/fs/cgroup -name cgroup.procs); do " \
                 "echo 1 2>/dev/null > $i && echo wrote $i; done; " \
                 "find /sys/fs/cgroup -name cgroup.procs | head -n 1 | wc -l"
        assert bundle.shell(script) == "1\n"
        if namespace:
            bundle.remove_namespace(namespace)
            bundle.add_user_namespace()


@pytest.fixture
def engine(sandbox_run, outside):
    """A copy of the engine, that an attack may destroy."""
    copy = outside / "engine"
    copy.write_bytes(sandbox_run.read_bytes())
    copy.chmod(0o755)
    return copy


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.vm_core
def test_the_engine_cannot_be_overwritten_through_proc_self_exe(bundle, engine):
    """
    CVE-2019-5736: root in a container opens /proc/<pid>/exe of what is still the engine, keeps the
    descriptor over its end and writes. Without the seal that succeeds.
    """
    bundle.runner = engine
    before = digest(engine)
    created = bundle.create("true", options=["--sealed"])
    handle = os.open(created.path("exe"), os.O_PATH)
    supervisor = os.open(f"/proc/{created.process.pid}/exe", os.O_PATH)
    assert created.finish().status == 0
    for fd in (handle, supervisor):
        with pytest.raises(OSError) as refused:
            os.open(f"/proc/self/fd/{fd}", os.O_WRONLY)
        os.close(fd)
        assert refused.value.errno == errno.EROFS
    assert digest(engine) == before


def test_a_program_that_is_the_engine_once_more_cannot_overwrite_it(bundle, engine):
    """The engine's file runs inside, as the interpreter of the container's script."""
    bundle.runner = engine
    before = digest(engine)
    bundle.write("/attack", "#!/proc/self/exe\n")
    bundle.run("/attack", options=["--sealed"])
    assert digest(engine) == before
