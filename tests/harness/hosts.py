# SPDX-License-Identifier: Apache-2.0
"""
Hosts to try networks on: a network namespace each, and a mount namespace in which /sys shows it.

    def test_a_container_has_an_address(host, cay, image):   # cay runs on `host`
        assert "172.17.0.2" in cay.ok("run", "--rm", image, "ip", "address")

    def test_from_outside(world, image):                     # two hosts, a router, a client
        world.one.cay.ok("run", "-d", "-p", "80:80", ...)
        connection = world.outside.connect(world.one.address(4), 80)

A `Place` is a thread that is in these namespaces. Whatever is called by it, is there: sockets that
it makes stay there whoever uses them, and so do the processes it starts. The namespaces have no
name: they end with the thread, the processes and the sockets that use them, however these end.
"""

import concurrent.futures
import contextlib
import ctypes
import dataclasses
import errno
import fcntl
import json
import os
import pathlib
import socket
import struct
import subprocess
import threading

from harness import leaks

_LIBC = ctypes.CDLL(None, use_errno=True)
_CLONE_NEWNS, _CLONE_NEWNET = 0x00020000, 0x40000000
_MS_REC, _MS_SLAVE = 0x4000, 1 << 19
_MNT_DETACH = 2
_SYS_MOVE_MOUNT, _SYS_OPEN_TREE = 429, 428
_OPEN_TREE_CLONE, _AT_RECURSIVE, _MOVE_MOUNT_F_EMPTY_PATH = 1, 0x8000, 4
_AT_FDCWD = -100
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 1
_LINK_CHANGES = 1
_PATIENCE = 20  # seconds; for what must come about
# Nobody asks for neighbours on a link whose own first address is still being tried for a second.
_ACCEPT_DAD = "/proc/sys/net/ipv6/conf/{}/accept_dad"
_OF_TESTS = ("/cay-test-", "/tmp/")
_HERE = pathlib.Path(__file__).resolve()


def _check(result):
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


class Place:
    """Namespaces that @enter brings a thread into."""

    def __init__(self, enter):
        self._thread = concurrent.futures.ThreadPoolExecutor(1)
        self.task = self.inside(_enter_and_tell, enter)
        self.mountinfo = self.task / "mountinfo"
        self.network_namespace = self.task / "ns/net"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self._thread.shutdown()

    def inside(self, function, *arguments, **options):
        """Call @function there. It must not wait for anything: others want to be there, too."""
        return self._thread.submit(function, *arguments, **options).result()

    def spawn(self, *command, **options):
        """A subprocess.Popen of what runs there."""
        options = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE,
                   "stderr": subprocess.PIPE, "text": True, **options}
        return self.inside(subprocess.Popen, list(map(str, command)), **options)

    def run(self, *command, input=None, check=True):
        """What a program that ran there has printed."""
        process = self.spawn(*command, stdin=subprocess.PIPE)
        output, errors = process.communicate(input or "", timeout=60)
        assert not check or process.returncode == 0, f"{command}: {errors}{output}"
        return output

    def ip(self, *lines):
        """Commands of ip(8), one a line."""
        self.run("ip", "-batch", "-", input="".join(line + "\n" for line in lines))

    def open_socket(self, family=socket.AF_INET, kind=socket.SOCK_STREAM, protocol=0):
        made = self.inside(socket.socket, family, kind, protocol)
        made.settimeout(_PATIENCE)
        return made

    def start_connecting(self, address, port, kind=socket.SOCK_STREAM, source=None):
        """A socket that does not wait, see reachable()."""
        made = self.open_socket(_family(address), kind)
        made.setblocking(False)
        if source:
            made.bind((source, 0))
        with contextlib.suppress(BlockingIOError):
            made.connect((address, port))
        return made

    def connect(self, address, port, kind=socket.SOCK_STREAM, source=None):
        """A socket that is connected, as far as @kind is."""
        made = self.open_socket(_family(address), kind)
        if source:
            made.bind((source, 0))
        made.connect((address, port))
        return made

    def listen(self, address, port=0, kind=socket.SOCK_STREAM):
        made = self.open_socket(_family(address), kind)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((address, port))
        if kind == socket.SOCK_STREAM:
            made.listen(128)
        return made

    def links(self):
        """name -> what `ip -details -json link` says of it."""
        found = json.loads(self.run("ip", "-details", "-json", "link"))
        return {link["ifname"]: link for link in found}

    def wait_for_links(self, are_right):
        """links(), once @are_right(links) is true, or as they are after a long while: those of a
        namespace go some time after it."""
        with self.open_socket(socket.AF_NETLINK, socket.SOCK_RAW) as changes:
            changes.bind((0, _LINK_CHANGES))
            while not are_right(links := self.links()):
                try:
                    changes.recv(65536)
                except TimeoutError:
                    return links
                except OSError as error:
                    if error.errno != errno.ENOBUFS:  # so many that some are lost
                        raise
        return links

    def addresses(self, interface):
        """Those of an interface with their prefix lengths, but what the kernel gives all."""
        (link,) = json.loads(self.run("ip", "-json", "address", "show", "dev", interface))
        return {f"{address['local']}/{address['prefixlen']}" for address in link["addr_info"]
                if address["scope"] != "link"}

    def routes(self, family=4):
        """Lines of `ip route`."""
        return self.run("ip", f"-{family}", "route").splitlines()

    def nft(self, *arguments, check=True):
        """What `nft -j` says, as a list of objects; nothing for commands that print nothing."""
        output = self.run("nft", "-j", *arguments, check=check)
        return json.loads(output)["nftables"] if output.strip() else []

    def read(self, path):
        return self.inside(pathlib.Path(path).read_text, encoding="utf-8")

    def write(self, path, text):
        self.inside(pathlib.Path(path).write_text, text, encoding="utf-8")

    def processes(self):
        """The pids of all that is in this network."""
        mine = os.stat(self.network_namespace).st_ino
        found = []
        for entry in leaks.PROC.iterdir():
            if entry.name.isdigit() and int(entry.name) != os.getpid():
                with contextlib.suppress(OSError):
                    if os.stat(entry / "ns/net").st_ino == mine:
                        found.append(int(entry.name))
        return found


def _family(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def _enter_and_tell(enter):
    enter()
    return leaks.PROC / str(os.getpid()) / "task" / str(threading.get_native_id())


def of_process(pid):
    """The network that a process is in: that of a container, by its State.Pid."""
    return of_path(f"/proc/{pid}/ns/net")


def of_path(path):
    def enter():
        namespace = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            _check(_LIBC.setns(namespace, _CLONE_NEWNET))
        finally:
            os.close(namespace)
    return Place(enter)


def _make_namespaces():
    _check(_LIBC.unshare(_CLONE_NEWNS | _CLONE_NEWNET))
    _check(_LIBC.mount(None, b"/", None, _MS_REC | _MS_SLAVE, None))
    _forget_mounts_of_tests()
    _show_own_devices()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sh14x", b"lo", 0)
        _, flags = struct.unpack("16sh14x", fcntl.ioctl(any_socket, _SIOCGIFFLAGS, request))
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | _IFF_UP))
    for path in ("ipv4/ip_forward", "ipv6/conf/all/forwarding"):  # some of it was inherited
        pathlib.Path("/proc/sys/net", path).write_text("0", encoding="ascii")


def _mount_points():
    lines = pathlib.Path("/proc/thread-self/mountinfo").read_text(errors="surrogateescape")
    return [line.split()[4] for line in lines.splitlines()]


def _forget_mounts_of_tests():
    """Copies of what others will want to unmount for good, but not what we run from."""
    for point in reversed(_mount_points()):
        if any(part in point for part in _OF_TESTS) and not _HERE.is_relative_to(point):
            _LIBC.umount2(os.fsencode(point), _MNT_DETACH)


def _show_own_devices():
    """A /sys of the new network namespace, with what was mounted in the old one."""
    tops = []
    for point in _mount_points():
        if point.startswith("/sys/") and not any(point.startswith(f"{top}/") for top in tops):
            tops.append(point)
    trees = [(os.fsencode(point), _check(_LIBC.syscall(_SYS_OPEN_TREE, _AT_FDCWD,
                                                        os.fsencode(point), _OPEN_TREE_CLONE |
                                                        _AT_RECURSIVE | os.O_CLOEXEC)))
             for point in dict.fromkeys(tops)]
    _check(_LIBC.umount2(b"/sys", _MNT_DETACH))
    _check(_LIBC.mount(b"sysfs", b"/sys", b"sysfs", 0, None))
    for point, tree in trees:
        _check(_LIBC.syscall(_SYS_MOVE_MOUNT, tree, b"", _AT_FDCWD, point,
                             _MOVE_MOUNT_F_EMPTY_PATH))
        os.close(tree)


def _of_containers(links):
    """Those that are up: connections that nobody has any more may keep a dead one for minutes."""
    return sorted(name for name, link in links.items() if not name.startswith("to-")
                  and "UP" in link["flags"]
                  and link.get("linkinfo", {}).get("info_kind") in ("veth", "ifb"))


class Host(Place):
    """
    A machine with nothing but a loopback interface. With a @state, that state's commands run on it,
    and `cay` is the means to.
    """

    def __init__(self, state=None, cay=None):
        super().__init__(_make_namespaces)
        self.state, self.cay = state, cay
        if state:
            state.place = self

    def replace(self, path, text):
        """Put a file in place of one that all machines have: only this one sees it."""
        file = self.state.base / path.replace("/", "-")
        file.write_text(text, encoding="utf-8")
        self.run("mount", "--bind", file, path)

    def problems(self):
        """What containers have left here, when all of them have ended."""
        found = [f"process {leaks.describe(pid)}" for pid in
                 leaks.wait_for_end(self.processes, leaks.SETTLE_LIMIT)]
        links = self.wait_for_links(lambda links: not _of_containers(links))
        return found + [f"network link {name}" for name in _of_containers(links)]


@dataclasses.dataclass
class World:
    """
    Hosts `one` and `two` and the client `outside`, each on an own wire to the `router`. Each has
    addresses(interface "to-router") of both families, and a second one for publishing on it.
    """

    router: Host
    one: Host
    two: Host
    outside: Host

    NUMBERS = {"one": 1, "two": 2, "outside": 3}

    def places(self):
        return {name: getattr(self, name) for name in self.NUMBERS}

    def address(self, name, family=4, number=0):
        """The first or, with @number 1, the second one of a host."""
        net = self.NUMBERS[name]
        if family == 4:
            return f"192.0.2.{net * 16 + 2 + number}"
        return f"2001:db8:{net}::{2 + number}"

    def gateway(self, name, family=4):
        """The router's, as that host sees it."""
        net = self.NUMBERS[name]
        return f"192.0.2.{net * 16 + 1}" if family == 4 else f"2001:db8:{net}::1"

    def wire(self):
        self.router.write(_ACCEPT_DAD.format("default"), "0")
        self.router.ip(*(line for name, place in self.places().items() for line in (
            f"link add to-{name} type veth peer name to-router netns {place.network_namespace}",
            *_configuration(f"to-{name}", [self.gateway(name), self.gateway(name, 6)]))))
        for path in ("ipv4/ip_forward", "ipv6/conf/all/forwarding"):
            self.router.write(f"/proc/sys/net/{path}", "1")
        for name, place in self.places().items():
            addresses = [self.address(name, family, number)
                         for family in (4, 6) for number in (0, 1)]
            place.write(_ACCEPT_DAD.format("to-router"), "0")
            place.ip(*_configuration("to-router", addresses),
                     f"route add default via {self.gateway(name)}",
                     f"route add default via {self.gateway(name, 6)}")


def _configuration(interface, addresses):
    """The first address of each family is what the interface sends from."""
    yield f"link set {interface} up"
    for address in addresses:
        rest = "/28" if ":" not in address else (
            "/64 nodad preferred_lft 0" if address.endswith("::3") else "/64 nodad")
        yield f"address add {address}{rest} dev {interface}"


@contextlib.contextmanager
def world(one, two):
    """The world around two hosts."""
    with Host() as router, Host() as outside:
        made = World(router, one, two, outside)
        made.wire()
        yield made
