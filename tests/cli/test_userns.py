# SPDX-License-Identifier: Apache-2.0
"""Whose ids a container has: its user namespace, and what files look like on both sides of it."""

import concurrent.futures
import json
import os
import pathlib
import subprocess

import pytest
from harness.images import busybox_tar

CALLER = 61234


@pytest.fixture
def run(cay, image, no_leaks):
    """run(*options, *command after the image) with --rm; the image stands where None is."""
    def call(*words, **options):
        words = [image if word is None else word for word in words]
        return cay("run", "--rm", *words, **options)
    return call


@pytest.fixture
def box(cay, image, no_leaks):
    """box(name, *options): a container that runs until the test ends; its inspect."""
    names = []

    def call(name, *options):
        names.append(name)
        cay.ok("run", "-d", "-i", "--name", name, *options, image, "cat")
        (container,) = json.loads(cay.ok("inspect", name))
        return container

    yield call
    for name in names:
        cay("rm", "-f", name)


@pytest.fixture
def configure(tmp_path):
    """configure(text) -> the environment of a command with that configuration."""
    def call(text):
        path = tmp_path / "cay.yaml"
        path.write_text(text, encoding="ascii")
        return {"CAY_CONFIG": str(path)}
    return call


@pytest.fixture
def shared(tmp_path):
    """A directory of the host's with files of root, of user 1000 and of the caller."""
    directory = tmp_path / "shared"
    directory.mkdir()
    directory.chmod(0o777)
    for name, owner in (("root", 0), ("user", 1000), ("caller", CALLER)):
        (directory / name).write_text(f"{name}\n", encoding="ascii")
        os.chown(directory / name, owner, owner)
        (directory / name).chmod(0o600)
    return directory


def output(result):
    assert result.returncode == 0, str(result)
    return result.stdout


def refused(result, *complaints, status=125):
    assert result.returncode == status and result.stdout == "", str(result)
    for complaint in complaints:
        assert complaint in result.stderr, str(result)


def parse_map(text):
    return [tuple(map(int, line.split())) for line in text.splitlines()]


def uid_map(container):
    """(inside, outside, count) of each range of ids that a running container has."""
    return parse_map(pathlib.Path(f"/proc/{container['State']['Pid']}/uid_map").read_text())


def owners(path):
    return {entry.name: (entry.lstat().st_uid, entry.lstat().st_gid) for entry in path.iterdir()}


def mode_of(container):
    return container["HostConfig"]["UsernsMode"]


AS_CALLER = {"SUDO_UID": str(CALLER), "SUDO_GID": str(CALLER)}
HOST_MAP = [(0, 0, 2 ** 32 - 1)]


# --- by default ---


def test_root_in_a_container_is_nobody_outside_and_each_has_ids_of_its_own(box):
    ranges = []
    for name in "one", "two":
        container = box(name)
        assert mode_of(container) == "auto"
        ((inside, outside, size),) = uid_map(container)
        status = pathlib.Path(f"/proc/{container['State']['Pid']}/status").read_text()
        assert (inside, size) == (0, 65536) and f"Uid:\t{outside}\t{outside}" in status
        assert outside >= 65536 and outside % 65536 == 0
        ranges.append(outside)
    assert abs(ranges[0] - ranges[1]) >= 65536


def test_the_image_s_files_have_the_owners_that_it_says(cay, no_leaks, tmp_path):
    programs = tmp_path / "bin"
    programs.mkdir()
    subprocess.run(["cp", "/bin/busybox", programs / "busybox"], check=True)
    os.symlink("busybox", programs / "stat")
    os.chown(programs / "busybox", 33, 44)
    archive = subprocess.run(["tar", "-c", "-C", tmp_path, "bin"], capture_output=True,
                             check=True).stdout
    cay("import", "-", "owned:test", input=archive, check=True)
    assert output(cay("run", "--rm", "owned:test", "stat", "-c", "%u:%g %n", "/bin/busybox",
                      "/bin")) == "33:44 /bin/busybox\n0:0 /bin\n"


def test_what_a_container_writes_is_stored_with_the_ids_inside(cay, box):
    container = box("one")
    cay.ok("exec", "one", "sh", "-c", "echo a >/a; echo b >/b; chown 1000:29 /b; mkdir /home/new")
    upper = pathlib.Path(container["GraphDriver"]["Data"]["UpperDir"])
    assert owners(upper) == {"a": (0, 0), "b": (1000, 29), "home": (0, 0)}
    assert owners(upper / "home") == {"new": (0, 0)}


def test_files_of_a_bind_belong_to_the_same_on_both_sides(run, shared):
    assert output(run("-v", f"{shared}:/shared", None, "sh", "-c",
                      "cd /shared && stat -c '%n %u:%g' * && cat root user && echo >new &&"
                      " echo >given && chown 1000:1000 given")) == \
        f"caller {CALLER}:{CALLER}\nroot 0:0\nuser 1000:1000\nroot\nuser\n"
    assert owners(shared) == {"root": (0, 0), "user": (1000, 1000), "caller": (CALLER, CALLER),
                              "new": (0, 0), "given": (1000, 1000)}


def test_another_user_has_its_own_files_of_a_bind_and_no_others(run, shared):
    result = run("-u", "1000:1000", "-v", f"{shared}:/shared", None, "sh", "-c",
                 "cd /shared && cat user && cat root")
    assert result.stdout == "user\n" and "'root': Permission denied" in result.stderr


def test_a_file_can_be_bound_read_only(run, shared):
    result = run("-v", f"{shared}/user:/one:ro", None, "sh", "-c",
                 "stat -c %u:%g /one; echo x >/one")
    assert result.stdout == "1000:1000\n" and "Read-only file system" in result.stderr


def test_mounts_below_a_bind_are_mapped_too(cay, image, no_leaks, shared):
    (shared / "below").mkdir()
    script = f"mount -t tmpfs -o uid=1000,gid=1000 tmpfs {shared}/below && exec \"$@\""
    assert output(cay("run", "--rm", "-v", f"{shared}:/shared", image, "stat", "-c", "%u:%g",
                      "/shared/below",
                      prefix=["unshare", "-m", "sh", "-c", script, "sh"])) == "1000:1000\n"


def test_what_cannot_be_mapped_is_refused_with_a_way_out(cay, image, no_leaks, shared, tmp_path):
    for name in "lower", "upper", "work":
        (tmp_path / name).mkdir()
    (shared / "below").mkdir()
    layers = ",".join(f"{name}dir={tmp_path}/{name}" for name in ("lower", "upper", "work"))
    script = f"mount -t overlay -o {layers} overlay {shared}/below && exec \"$@\""
    prefix = ["unshare", "-m", "sh", "-c", script, "sh"]
    for source, part in (
            (f"{shared}/below", f"mount '/x': '{shared}/below' is on a file system whose ids"),
            (str(shared), "or has such a one mounted below it")):
        refused(cay("run", "--rm", "-v", f"{source}:/x", image, "true", prefix=prefix),
                part, "cannot be mapped", "choose '--userns host'")
        output(cay("run", "--rm", "--userns", "host", "-v", f"{source}:/x", image, "true",
                   prefix=prefix))


def test_the_kernel_s_own_files_are_bound_as_they_are(run):
    assert output(run("-v", "/sys/kernel:/k:ro", "-v", "/proc/sys:/p:ro", None, "sh", "-c",
                      "ls /k >/dev/null && cat /p/kernel/ostype")) == "Linux\n"


def test_devices_have_their_owners_and_no_others_can_be_made(run):
    result = run("--device", "/dev/zero:/dev/under/zero:r", None, "sh", "-c",
                 "stat -c '%n %u:%g %a' /dev/null /dev/under/zero; head -c 2 /dev/under/zero |"
                 " wc -c; echo x >/dev/null; mknod /dev/made c 1 5")
    assert result.stdout == "/dev/null 0:0 666\n/dev/under/zero 0:0 666\n2\n"
    assert "made: Operation not permitted" in result.stderr


def test_ping_low_ports_and_tmpfs_work(run):
    assert output(run(None, "sh", "-c", "ping -c1 127.0.0.1 >/dev/null && echo ping")) == "ping\n"
    script = ("cat /proc/sys/net/ipv4/ping_group_range;"
              "(timeout 1 nc -l -p 80 </dev/null >/dev/null; test $? != 1) && echo port;"
              "echo x >/t/x && stat -c %u:%g /t/x; stat -c %u:%g /dev/shm; mount | grep -c devpts")
    assert output(run("-u", "1000", "--tmpfs", "/t:mode=1777", None, "sh", "-c", script)) == \
        "0\t65535\nport\n1000:1000\n0:0\n1\n"


def test_a_terminal_belongs_to_the_container_s_user(cay, image, pty_run, no_leaks):
    with_user = pty_run("run", "--rm", "-it", "-u", "1000", image, "sh", "-c",
                        "stat -c '%u %a' $(tty)")
    with_user.expect("1000 620")
    assert with_user.wait() == 0


def test_exec_has_the_container_s_ids(cay, box):
    container = box("one")
    assert parse_map(cay.ok("exec", "one", "cat", "/proc/self/uid_map") + "\n") == \
        uid_map(container)
    assert cay.ok("exec", "-u", "1000", "one", "id", "-u") == "1000"


def test_top_shows_the_ids_that_the_container_has(cay, box):
    box("one", "-u", "0")
    cay.ok("exec", "-d", "-u", "1234", "one", "sleep", "1000")
    lines = cay.ok("top", "one", "-eo", "uid,pid,comm").splitlines()[1:]
    assert sorted((line.split()[0], line.split()[2]) for line in lines) == \
        [("0", "cat"), ("1234", "sleep")]
    assert [line.split()[0] for line in cay.ok("top", "one").splitlines()[1:]].count("root") == 1


def test_a_restart_and_an_update_keep_the_ids(cay, box):
    before = uid_map(box("one"))
    cay.ok("exec", "one", "sh", "-c", "echo x >/x && chown 5:6 /x")
    cay.ok("update", "--pids-limit", "50", "one")
    cay.ok("restart", "-t", "0", "one")
    (container,) = json.loads(cay.ok("inspect", "one"))
    assert uid_map(container) == before
    assert cay.ok("exec", "one", "stat", "-c", "%u:%g", "/x") == "5:6"


# --- who has the host's ---


@pytest.mark.parametrize("options", [
    ["--privileged"], ["--pid", "host"], ["--ipc", "host"], ["--network", "host"],
    ["--cap-add", "SYS_TIME"], ["--cap-add", "CAP_BPF"],
    ["--device-cgroup-rule", "c 1:11 rw"], ["--userns", "host"],
])
def test_what_is_shared_with_the_host_implies_its_ids_and_says_so(box, options):
    container = box("one", *options)
    assert mode_of(container) == "host" and uid_map(container) == HOST_MAP


def test_a_privileged_container_may_have_ids_of_its_own_where_that_is_asked_for(box):
    container = box("one", "--privileged", "--userns", "auto")
    assert mode_of(container) == "auto" and uid_map(container)[0][2] == 65536


def test_the_host_s_network_goes_with_ids_of_one_s_own(run):
    assert output(run("--network", "host", "--userns", "auto", None, "sh", "-c",
                      "cut -c1-10 /proc/self/uid_map; ls /sys/class/net | grep -x lo")) \
        == "         0\nlo\n"


@pytest.mark.parametrize("options, complaint", [
    (["--pid", "host", "--userns", "auto"], "'--userns auto' does not go with '--pid host'"),
    (["--ipc", "host", "--userns", "auto"], "'--userns auto' does not go with '--ipc host'"),
    (["--userns", "none"], "unknown user namespace 'none', use one of auto"),
    (["--userns", "auto:size=0"], "from 1 to"),
    (["--userns", "auto:size=x"], "'size=x' is no number"),
    (["--userns", "auto:uid=1"], "unknown option 'uid=1', there is size=N"),
    (["--userns", "host:x"], "'host' takes no options"),
    (["--userns", "container:"], "names no container"),
    (["--userns", "container:nobody"], "no such container: 'nobody'"),
    (["--userns", "keep-id"], "that is root: choose auto or host"),
    (["--userns", "nomap"], "that is root: choose auto or host"),
    (["--userns", "auto:size=1000", "-u", "1000"], "user 1000 is none of the ids"),
    (["--userns", "auto:size=1000", "-u", "0:5000"], "group 5000 is none of the ids"),
])
def test_what_makes_no_sense_is_refused(run, options, complaint):
    result = run(*options, None, "true")
    assert result.returncode == 125 and complaint in result.stderr, str(result)


# --- other sizes, other ids ---


def test_a_range_has_the_size_that_was_asked_for(run):
    assert parse_map(output(run("--userns", "auto:size=200000", "-u", "150000", None, "cat",
                                "/proc/self/gid_map")))[0][2] == 200000


def test_a_large_id_is_there_where_it_is_needed(run, tmp_path):
    directory = tmp_path / "home"
    directory.mkdir(mode=0o755)
    os.chown(directory, 1234567890, 1234567891)
    assert output(run("-v", f"{directory}:/home/x", None, "sh", "-c",
                      "stat -c %u:%g /home/x; echo >/home/x/new")) == "1234567890:1234567891\n"
    assert owners(directory) == {"new": (0, 0)}
    assert output(run("-u", "1234567890:100000", "--group-add", "200000", "-v",
                      f"{directory}:/home/x", None, "sh", "-c",
                      "id -u; id -g; id -G; echo >/home/x/own")) == \
        "1234567890\n100000\n100000 200000\n"
    assert owners(directory)["own"] == (1234567890, 100000)


def test_a_range_of_one_id_is_enough_for_root(run):
    assert output(run("--userns", "auto:size=1", None, "id", "-u")) == "0\n"


def test_with_keep_id_the_caller_is_itself_inside_and_out(run, shared):
    result = run("--userns", "keep-id", "-v", f"{shared}:/shared", None, "sh", "-c",
                 "id -u; id -g; cat /shared/caller; echo >/shared/new; cat /proc/self/uid_map",
                 env=AS_CALLER)
    head = result.stdout.splitlines()[:3]
    assert head == [str(CALLER), str(CALLER), "caller"], str(result)
    assert (CALLER, CALLER, 1) in parse_map("\n".join(result.stdout.splitlines()[3:]))
    assert owners(shared)["new"] == (CALLER, CALLER)


def test_with_keep_id_the_caller_may_be_somebody_else_inside(run, shared):
    assert output(run("--userns", "keep-id:uid=0,gid=0", "-v", f"{shared}:/shared", None, "sh",
                      "-c", "id -u; cd /shared; stat -c %u caller root; echo >new; ls / >/dev/null",
                      env=AS_CALLER)) == f"0\n0\n{CALLER}\n"
    assert owners(shared)["new"] == (CALLER, CALLER)


def test_with_keep_id_a_volume_has_the_ids_inside(cay, run):
    assert output(run("--userns", "keep-id:uid=0,gid=0", "-v", "kept:/kept", None, "sh", "-c",
                      "echo >/kept/own; stat -c %u /kept/own", env=AS_CALLER)) == "0\n"
    assert owners(cay.state.directory / "volumes/kept/_data") == {"own": (0, 0)}
    cay.ok("volume", "rm", "kept")


def test_with_nomap_the_caller_is_nobody_inside(run, shared):
    result = run("--userns", "nomap", "-v", f"{shared}:/shared", None, "sh", "-c",
                 "stat -c %u /shared/caller /shared/user; cat /shared/caller", env=AS_CALLER)
    assert result.stdout == "65534\n1000\n" and "Permission denied" in result.stderr


def test_another_container_s_ids_can_be_shared(box, run, shared):
    other = uid_map(box("one"))
    assert parse_map(output(run("--userns", "container:one", "-v", f"{shared}:/shared", None, "sh",
                                "-c", "cat /proc/self/uid_map; echo >/shared/new"))) == other
    assert owners(shared)["new"] == (0, 0)


@pytest.mark.parametrize("option", ["--pid", "--ipc"])
def test_a_namespace_of_another_container_comes_with_its_ids(box, run, option):
    other = uid_map(box("one", "--ipc", "shareable"))
    assert parse_map(output(run(option, "container:one", None, "cat", "/proc/self/uid_map"))) == \
        other
    refused(run(option, "container:one", "--userns", "auto", None, "true"),
            "does not go with namespaces of container 'one'")


def test_a_namespace_of_a_container_with_the_host_s_ids_implies_them(box, run):
    box("one", "--userns", "host")
    assert parse_map(output(run("--pid", "container:one", None, "cat", "/proc/self/uid_map"))) == \
        HOST_MAP


# --- the pool and the configuration ---


FIRST = 15259 * 65536
POOL = f"default-network: none\nid-pool:\n  first: {FIRST}\n  last: {{last}}\n"


def uid_ranges(cay, name):
    (container,) = json.loads(cay.ok("inspect", name))
    return container["HostConfig"]["IDMappings"]["UidMap"]


def test_an_exhausted_pool_is_refused_and_a_removal_gives_its_ids_back(cay, image, no_leaks,
                                                                       configure):
    environment = configure(POOL.format(last=FIRST + 3 * 65536 - 1))

    def create(name, *options):
        return cay("create", "--name", name, *options, image, "true", env=environment)

    for name in "one", "two", "three":
        output(create(name, *(["--userns", "auto:size=60000"] if name == "two" else [])))
    refused(create("four"), "no 65536 ids are left", "cay.yaml'", "or choose '--userns host'",
            status=1)
    assert cay.ok("ps", "-aq", "--filter", "name=four") == ""
    output(create("small", "--userns", "auto:size=5000"))
    assert uid_ranges(cay, "small") == [f"0:{FIRST + 65536 + 60000}:5000"]
    output(create("host", "--userns", "host"))
    cay.ok("rm", "one")
    output(create("four"))
    assert uid_ranges(cay, "four") == [f"0:{FIRST}:65536"]


def test_two_that_are_made_at_once_have_different_ids(cay, image, no_leaks, configure):
    environment = configure(POOL.format(last=1900000000))
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda number: cay(
            "create", "--name", f"c{number}", image, "true", env=environment), range(12)))
    assert all(result.returncode == 0 for result in results)
    assert len({uid_ranges(cay, f"c{number}")[0] for number in range(12)}) == 12


def test_the_configuration_may_say_that_the_host_s_ids_are_the_default(cay, image, no_leaks,
                                                                       configure):
    environment = configure("# all of them\nuserns: host\ndefault-network: none\n")
    assert parse_map(output(cay("run", "--rm", image, "cat", "/proc/self/uid_map",
                                env=environment))) == HOST_MAP


@pytest.mark.parametrize("text, complaint", [
    ("userns: keep-id\n", "userns: 'keep-id' is no default, use auto or host"),
    ("userns: x\n", "userns: unknown user namespace 'x'"),
    ("users: host\n", "users"),
    ("id-pool:\n  first: 5\n", "id-pool.last"),
    ("id-pool:\n  first: 5\n  last: 4\n", "id-pool: from 5 to 4 is no range"),
    ("id-pool:\n  first: 0\n  last: 100000\n", "without the host's root"),
    ("- a\n", "object"),
    ("userns: [\n", "line"),
])
def test_a_wrong_configuration_is_named_with_its_file(cay, image, no_leaks, configure, text,
                                                      complaint):
    environment = configure(text)
    refused(cay("run", "--rm", image, "true", env=environment), "cay.yaml'", complaint)


def test_a_configuration_that_was_named_has_to_be_there(cay, image, no_leaks):
    refused(cay("run", "--rm", image, "true", env={"CAY_CONFIG": "/nowhere.yaml"}),
            "'/nowhere.yaml': read the file: No such file")
    refused(cay("--config-file", "/nowhere.yaml", "run", "--rm", image, "true"),
            "'/nowhere.yaml': read the file: No such file")


# --- the caller's files, and containers in containers ---


@pytest.mark.parametrize("userns", ["auto", "host", "auto:size=2000"])
@pytest.mark.parametrize("user", [0, 1000])
def test_with_match_user_the_caller_s_files_are_the_process_s_and_the_other_way_around(
        run, shared, userns, user):
    os.chown(shared, CALLER, CALLER)
    result = run("--userns", userns, "-u", f"{user}:{user}", "--mount",
                 f"type=bind,source={shared},target=/shared,match-user", None, "sh", "-c",
                 "cd /shared; stat -c %u:%g caller; cat caller; echo >>caller; echo >new",
                 env=AS_CALLER)
    assert output(result) == f"{user}:{user}\ncaller\n"
    assert owners(shared) == {"root": (0, 0), "user": (1000, 1000), "caller": (CALLER, CALLER),
                              "new": (CALLER, CALLER)}


def test_with_match_user_others_keep_their_places(run, shared):
    assert output(run("--mount", f"type=bind,source={shared},target=/shared,match-user",
                      "-u", "1000:1000", None, "stat", "-c", "%n %u", "/shared/caller",
                      "/shared/user", "/shared/root", env=AS_CALLER)) == \
        f"/shared/caller 1000\n/shared/user {CALLER}\n/shared/root 0\n"


NESTED = """
/cay/cay import /busybox.tar nested
for mode in "" "--userns host"; do
    /cay/cay run --rm $mode -v /inside:/shared nested sh -c \\
        'cat /shared/file && echo written >/shared/new && rm -rf /home && mkdir /home &&
         ls -A /home && id -u'
done
"""


def test_cay_works_in_a_container_with_ids_of_its_own(cay, release, image, no_leaks, tmp_path):
    (tmp_path / "busybox.tar").write_bytes(busybox_tar())
    (tmp_path / "inside").mkdir()
    (tmp_path / "inside" / "file").write_text("found\n", encoding="ascii")
    libraries = [word for path, name in (("/usr", "/usr"), ("/lib", "/lib"), ("/lib64", "/lib64"))
                 if os.path.isdir(path)
                 for word in ("-v", f"{os.path.realpath(path)}:{name}:ro")]
    result = cay("run", "--rm", "--privileged", "--userns", "auto", "-v", "/var/lib/cay",
                 "-v", f"{release}:/cay:ro", "-v", f"{tmp_path}/busybox.tar:/busybox.tar:ro",
                 "-v", f"{tmp_path}/inside:/inside", *libraries, image, "sh", "-ec", NESTED)
    assert output(result).split("\n", 1)[1] == "found\n0\nfound\n0\n"
    assert owners(tmp_path / "inside") == {"file": (0, 0), "new": (0, 0)}
