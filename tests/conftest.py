# SPDX-License-Identifier: Apache-2.0
"""The fixtures of all suites.

    def test_a_program_runs(cay, image):
        assert cay("run", "--rm", image, "echo", "hello").stdout == "hello\n"

Every test has data roots of its own and everything it starts ends with it. Nothing sleeps: what
has to be waited for is waited for. CAY_BUILD names the build that is tested (build-check), and
CAY_RELEASE the one that faults are injected into (build).
"""

import contextlib
import fcntl
import itertools
import os
import pathlib
import shutil
import tempfile

import pytest

from harness import (certificates, elsewhere, fault_proxy, hosts, images, leaks,
                     referrers_registry, registries, token_server)
from harness.program import Cay, Here, State
from harness.terminal import Terminal

ROOT = pathlib.Path(__file__).resolve().parent.parent


def _build(variable, default):
    return pathlib.Path(os.environ.get(variable, ROOT / default)).resolve()


def pytest_configure(config):
    """One directory for the whole session, which xdist's workers are told of."""
    if hasattr(config, "workerinput"):
        config.cay_session = pathlib.Path(config.workerinput["cay_session"])
        return
    config.cay_session = pathlib.Path(tempfile.mkdtemp(prefix="cay-test-"))
    (config.cay_session / "memory").symlink_to(tempfile.mkdtemp(prefix="cay-test-", dir="/dev/shm"))
    config.cay_machine = leaks.Machine(config.cay_session)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node):
    node.workerinput["cay_session"] = str(node.config.cay_session)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session, exitstatus):
    """After the last test of the last worker: the machine is as it was."""
    config = session.config
    if hasattr(config, "workerinput"):
        return
    leaks.remove_test_cgroup()
    config.cay_problems = config.cay_machine.problems()
    for directory in (config.cay_session / "memory").resolve(), config.cay_session:
        shutil.rmtree(directory, ignore_errors=True)
    if config.cay_problems and exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter, config):
    for problem in getattr(config, "cay_problems", []):
        terminalreporter.write_line(f"the session leaves behind: {problem}", red=True)


@pytest.fixture(scope="session")
def build():
    """The directory of the programs under test."""
    return _build("CAY_BUILD", "build-check")


@pytest.fixture(scope="session")
def release():
    """The directory of the programs as shipped: quick, and traceable, which sanitizers are not."""
    return _build("CAY_RELEASE", "build")


@pytest.fixture(scope="session")
def worker(request):
    """The name of this process among those that share the session."""
    return getattr(request.config, "workerinput", {}).get("workerid", "main")


@pytest.fixture(scope="session")
def worker_directory(request, worker):
    directory = request.config.cay_session / worker
    directory.mkdir()
    return directory


@pytest.fixture(scope="session")
def numbers():
    return itertools.count()


@pytest.fixture
def state_directory_in_memory(request, worker, numbers):
    """A place on a tmpfs, where syncing costs nothing, for suites that do little else."""
    return request.config.cay_session / "memory" / f"{worker}-{next(numbers)}"


@pytest.fixture
def as_shipped(request):
    """Whether the module is marked so: it injects faults by the hundred, or starts as often. Then
    the programs are those of the release, quick and traceable, on a disk that is quick."""
    return request.node.get_closest_marker("as_shipped") is not None


@pytest.fixture
def state_directory(request, as_shipped, worker_directory, numbers):
    """Where the test's state will be: on a real file system, unless it is as_shipped."""
    if as_shipped:
        return request.getfixturevalue("state_directory_in_memory")
    return worker_directory / str(next(numbers))


def _end(state, cay):
    """End all that a test has left running, by the very means a user has: the next command."""
    cay.end()
    if state.processes() or (state.runtime / "containers").exists():
        state.kill()
        cay("ps", "--all", "--quiet")


@contextlib.contextmanager
def _state_at(directory):
    state = State(directory)
    yield state
    reports = state.sanitizer_reports()
    state.kill()
    state.remove()
    assert not reports, "\n".join(reports)


@pytest.fixture
def state(state_directory):
    """Fresh data roots: `state.directory`, `state.runtime`."""
    with _state_at(state_directory) as state:
        yield state


@pytest.fixture
def cay(request, build, release, as_shipped, state):
    """cay(*arguments, input=None, check=False, env=None, timeout=60) -> Result; see Cay. It runs
    on the `host` if the test has one."""
    if "host" in request.fixturenames:
        request.getfixturevalue("host")
    cay = Cay(release if as_shipped else build, state)
    yield cay
    _end(state, cay)


@contextlib.contextmanager
def _host_of(state):
    with hosts.Host(state) as host:
        yield host
        problems = host.problems()
        state.place = Here()
    assert not problems, "left on the host:\n" + "\n".join(problems)


@pytest.fixture
def host(state):
    """A machine of the test's own, which its commands run on: see harness/hosts.py."""
    with _host_of(state) as host:
        yield host


@pytest.fixture
def world(build, release, as_shipped, state, busybox_template):
    """Two such machines, a router and a client: hosts.World. Both have `image`."""
    with contextlib.ExitStack() as stack:
        made = []
        for each in state, stack.enter_context(_state_at(f"{state.base}-two")):
            each.copy_from(busybox_template)
            host = stack.enter_context(_host_of(each))
            host.cay = Cay(release if as_shipped else build, each)
            stack.callback(_end, each, host.cay)
            made.append(host)
        yield stack.enter_context(hosts.world(*made))




@pytest.fixture
def spawn(cay):
    """spawn(*arguments) -> subprocess.Popen of a `cay` that goes on while the test does."""
    return cay.spawn


@pytest.fixture
def pty_run(cay, state):
    """pty_run(*arguments, rows=24, columns=80, env=None) -> Terminal in which cay runs."""
    terminals = []

    def run(*arguments, rows=24, columns=80, env=None, prefix=()):
        terminal = state.place.inside(Terminal, [*prefix, cay.path(), *arguments],
                                      state.environment(env), rows, columns)
        terminals.append(terminal)
        return terminal

    yield run
    for terminal in terminals:
        terminal.close()


@pytest.fixture
def no_leaks(state, cay):
    """The test fails if its containers leave anything; stopped ones are removed first."""
    yield state.watch
    for container in state.containers():
        cay("rm", container)
    problems = state.watch.problems()
    assert not problems, "left behind:\n" + "\n".join(problems)


@pytest.fixture(scope="session")
def busybox_template(build, worker_directory):
    state = State(worker_directory / "busybox")
    images.make_busybox(Cay(build, state))
    yield state
    state.remove()


@pytest.fixture
def image(state, busybox_template):
    """The reference of a small image that the test's state has."""
    state.copy_from(busybox_template)
    return images.BUSYBOX_REFERENCE


@pytest.fixture(scope="session")
def debian_template(build, request):
    """One Debian for all workers; the first one that wants it makes it."""
    directory = request.config.cay_session / "debian"
    with open(f"{directory}.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = pathlib.Path(f"{directory}.done")
        if done.exists():
            return State(directory, exists=True)
        state = State(directory)
        images.make_debian(Cay(build, state))
        done.touch()
        return state


@pytest.fixture
def debian(state, debian_template):
    """The reference of a real Debian that the test's state has."""
    state.copy_from(debian_template, share=True)
    return images.DEBIAN_REFERENCE


@pytest.fixture(scope="session")
def authority(worker_directory):
    """Who certifies the tests' servers; nobody trusts it: `authority.certificate`."""
    return certificates.Authority(worker_directory / "authority")


def _registry_directory(request, worker, name):
    """In memory: what the registry syncs is not what is tested."""
    return request.config.cay_session / "memory" / f"{worker}-{name}"


@pytest.fixture(scope="session")
def registry(request, worker):
    """A docker-registry that tests share, so each takes a `repository` of its own: without TLS, on
    127.0.0.1. See harness/registries.py."""
    with registries.run(_registry_directory(request, worker, "registry")) as registry:
        yield registry


@pytest.fixture
def repository(numbers):
    """The path of a repository that no other test knows."""
    return f"tests/repository-{next(numbers)}"


@pytest.fixture(scope="session")
def tls_registry(request, worker, authority):
    """The same with TLS, as localhost; whom the `authority` certifies."""
    directory = _registry_directory(request, worker, "tls-registry")
    with registries.run(directory, authority, name="localhost") as registry:
        yield registry


@pytest.fixture(scope="session")
def password_registry(request, worker):
    """The same without TLS, for `user` with the password `secret word`."""
    directory = _registry_directory(request, worker, "password-registry")
    directory.mkdir()
    users = {"user": "secret word"}
    with registries.run(directory, auth=registries.htpasswd(directory, **users),
                        credentials=("user", "secret word")) as registry:
        yield registry


@pytest.fixture
def tokens(tmp_path):
    """A token server, for `user` with the password `secret word`."""
    with token_server.serve(tmp_path / "tokens", {"user": "secret word"}) as tokens:
        yield tokens


@pytest.fixture
def token_registry(state_directory_in_memory, tokens):
    """A docker-registry that wants tokens of `tokens`."""
    with registries.run(state_directory_in_memory / "registry", auth=tokens.auth) as registry:
        registry.token = tokens.for_registry
        yield registry


@pytest.fixture
def proxy(registry):
    """What stands in front of `registry`, writes down all requests and fails as it is told."""
    with fault_proxy.serve(registry) as proxy:
        yield proxy


@pytest.fixture
def other_host(registry):
    """A second one: where a redirect or the URL of a foreign layer can lead to."""
    with fault_proxy.serve(registry) as proxy:
        yield proxy


@pytest.fixture
def far_network():
    """A network in which there is an address that is not the loopback's: `prefix`, `listen()`."""
    with elsewhere.network() as network:
        yield network


@pytest.fixture
def memory_registry():
    """An empty registry that knows of referrers and pages, see harness/referrers_registry.py."""
    with referrers_registry.serve() as registry:
        yield registry
