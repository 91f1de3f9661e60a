# SPDX-License-Identifier: Apache-2.0
"""What the scripts in this directory measure: cay and the engines that are installed beside it.

Every engine gets the same root file system: a static busybox, or where there is none a static
program that exits. An engine that is not installed or does not work here is left out with a word on
standard error, never with a made-up number. Nothing stays behind but what an engine itself keeps.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

REPOSITORY = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
IMAGE = "cay-bench:latest"
APPLETS = ("sh", "true", "sleep", "echo")
TRUE_SOURCE = "int main(void) { return 0; }\n"
SEARCH = ("usr/local/sbin", "usr/local/bin", "usr/sbin", "usr/bin", "sbin", "bin")


def say(text):
    print(f"{os.path.basename(sys.argv[0])}: {text}", file=sys.stderr)


def run(arguments, root=None, **options):
    """Run a command to its end, inside root where one is given."""
    if root:
        options["preexec_fn"] = lambda: (os.chroot(root), os.chdir("/"))
    return subprocess.run(arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, check=False, **options)


def find_program(name, root=None):
    """The absolute path of a program as it is called inside root, or None."""
    for directory in SEARCH:
        path = os.path.join("/", directory, name)
        if os.access((root or "") + path, os.X_OK):
            return path
    return None


def is_static(path, directory):
    """Does the program run where there is nothing else?"""
    probe = tempfile.mkdtemp(dir=directory)
    try:
        shutil.copy(path, os.path.join(probe, "busybox"))
        return run(["/busybox", "true"], root=probe).returncode == 0
    except OSError:
        return False
    finally:
        shutil.rmtree(probe)


def copy_program(path, rootfs):
    """A program into /bin, with the libraries that it wants where it wants them."""
    shutil.copy(path, os.path.join(rootfs, "bin"))
    words = run(["ldd", path]).stdout.split()
    for library in {word for word in words if word.startswith("/")}:
        target = rootfs + os.path.realpath(library)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        shutil.copy(os.path.realpath(library), target)
        if not os.path.lexists(rootfs + library):
            os.makedirs(os.path.dirname(rootfs + library), exist_ok=True)
            shutil.copy(target, rootfs + library)


def make_rootfs(directory, root=None, programs=()):
    """A root file system in directory/rootfs and packed in directory/rootfs.tar."""
    rootfs = os.path.join(directory, "rootfs")
    for name in ("bin", "dev", "etc", "proc", "sys", "tmp"):
        os.makedirs(os.path.join(rootfs, name))
    candidates = [find_program("busybox"), (find_program("busybox", root) and
                                            root + find_program("busybox", root)) if root else None]
    for candidate in filter(None, candidates):
        if is_static(candidate, directory):
            shutil.copy(candidate, os.path.join(rootfs, "bin/busybox"))
            for applet in APPLETS:
                os.symlink("busybox", os.path.join(rootfs, "bin", applet))
            break
    else:
        say("no static busybox: the program measured is a bare exit")
        subprocess.run(["cc", "-O2", "-static", "-xc", "-", "-o", os.path.join(rootfs, "bin/true")],
                       input=TRUE_SOURCE, text=True, check=True)
    for program in programs:
        copy_program(program, rootfs)
    archive = os.path.join(directory, "rootfs.tar")
    subprocess.run(["tar", "-C", rootfs, "--sort=name", "-cf", archive, "."], check=True)
    return rootfs, archive


def build_helpers(build):
    """The C programs of this directory, made by the build that also makes cay."""
    subprocess.run(["ninja", "-C", build, "bench/floor", "bench/network-load",
                    "bench/time-command"], check=True,
                   stdout=subprocess.DEVNULL)
    return os.path.join(build, "bench/floor"), os.path.join(build, "bench/time-command")


def time_commands(timer, runs, warmup, commands, pause=0):
    """Medians in milliseconds of [(root, command)], which take turns, @pause milliseconds apart."""
    call = [timer, str(runs), str(warmup), str(pause)]
    for root, command in commands:
        call += ["---", *(["--root", root] if root else []), *command]
    output = subprocess.run(call, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                            check=True).stdout
    times = [[] for _ in commands]
    for line in output.splitlines():
        index, nanoseconds = line.split("\t")[:2]
        times[int(index)].append(int(nanoseconds) / 1e6)
    return [statistics.median(values) for values in times]


def first_line(result):
    lines = (result.stderr or result.stdout).strip().splitlines()
    return lines[-1] if lines else f"status {result.returncode}"


class Cay:
    """cay with a state of its own, or with the state and image that somebody already has."""

    def __init__(self, build, directory, archive, state=None, image=None):
        self.program = os.path.join(build, "cay")
        self.options = ["--state", state or os.path.join(directory, "state"),
                        "--runtime-dir", os.path.join(directory, "run")]
        self.image = image or IMAGE
        self.usable = os.access(self.program, os.X_OK)
        if not self.usable:
            say(f"left out cay: there is no {self.program} (build it first)")
        elif not image:
            result = run([self.program, *self.options, "import", archive, self.image])
            self.usable = result.returncode == 0
            if not self.usable:
                say(f"left out cay: import: {first_line(result)}")

    def command(self, *arguments):
        return [self.program, *self.options, *arguments]


class Engine:
    """podman or docker, wherever it is installed."""

    def __init__(self, name, directory, archive, root=None):
        self.name, self.root = name, root
        self.program = find_program(name, root)
        self.usable = bool(self.program)
        if not self.usable:
            say(f"left out {name}: not installed")
            return
        inside = os.path.join(root or "", "var/tmp" if root else directory, "cay-bench.tar")
        shutil.copy(archive, inside)
        try:
            result = self.call("import", "/" + os.path.relpath(inside, root or "/"), IMAGE)
        finally:
            os.unlink(inside)
        self.usable = result.returncode == 0
        if not self.usable:
            say(f"left out {name}: import: {first_line(result)}")

    def call(self, *arguments):
        return run([self.program, *arguments], self.root)

    def close(self):
        if self.usable:
            self.call("rmi", "-f", IMAGE)


class Bundle:
    """An OCI bundle for runc or crun, prepared beforehand."""

    def __init__(self, name, rootfs, root=None):
        self.name, self.root, self.path = name, root, None
        self.program = find_program(name, root)
        self.usable = bool(self.program)
        if not self.usable:
            say(f"left out {name}: not installed")
            return
        self.path = tempfile.mkdtemp(prefix=f"cay-bench-{name}-", dir=(root or "") + "/var/tmp")
        shutil.copytree(rootfs, os.path.join(self.path, "rootfs"), symlinks=True)
        self.inside = "/" + os.path.relpath(self.path, root or "/")
        result = run([self.program, "spec", "--bundle", self.inside], root)
        if result.returncode != 0:  # crun's takes the working directory
            result = run(["/bin/sh", "-c", f"cd {self.inside} && {self.program} spec"], root)
        config_path = os.path.join(self.path, "config.json")
        self.usable = os.path.exists(config_path)
        if not self.usable:
            say(f"left out {name}: spec: {first_line(result)}")
            return
        with open(config_path, encoding="utf-8") as file:
            config = json.load(file)
        config["process"]["terminal"] = False
        config["process"]["args"] = ["/bin/true"]
        config["root"]["readonly"] = False
        with open(config_path, "w", encoding="utf-8") as file:
            json.dump(config, file)

    def command(self):
        return [self.program, "run", "--bundle", self.inside, f"cay-bench-{self.name}"]

    def close(self):
        if self.path:
            shutil.rmtree(self.path)


class Subject:
    """An engine that is asked for things; what it prints goes to /dev/null, or is returned."""

    def __init__(self, name, prefix, root, image, share):
        self.name, self.prefix, self.root, self.image = name, prefix, root, image
        self.share = share
        self.made = [] # names of containers

    def command(self, *arguments):
        return [*self.prefix, *arguments]

    def call(self, *arguments):
        # a file: what a container keeps of its standard error must not keep us
        with tempfile.TemporaryFile("w+") as output:
            result = subprocess.run(
                self.command(*arguments), stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                check=False,
                preexec_fn=(lambda: (os.chroot(self.root), os.chdir("/"))) if self.root else None)
            output.seek(0)
            text = output.read().strip()
        if result.returncode != 0:
            raise RuntimeError(f"{self.name} {arguments[0]}: {text[-300:]}")
        return text

    def run(self, *options, then, image=None):
        return ["run", "--network", "none", *options, image or self.image, *then]

    def clear(self):
        names, self.made = self.made, []
        for start in range(0, len(names), 50):
            try:
                self.call("rm", "-f", *names[start:start + 50])
            except (OSError, RuntimeError) as error: # one that was not made after all
                say(str(error))


class SubjectWithFiles(Subject):
    """An engine with a directory that it sees, under a path of its own."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.outside = tempfile.mkdtemp(prefix="cay-bench-", dir=(self.root or "") + "/var/tmp")

    def path(self, name):
        """As the engine calls it; below self.outside is where it really is."""
        return "/" + os.path.relpath(os.path.join(self.outside, name), self.root or "/")

    def time(self, *arguments, watch=None):
        """Milliseconds of one command. watch(process) is called when it has begun."""
        def enter():
            os.chroot(self.root)
            os.chdir("/")

        with tempfile.TemporaryFile("w+") as errors:
            before = time.perf_counter()
            with subprocess.Popen(self.command(*arguments), stdin=subprocess.DEVNULL,
                                  stdout=subprocess.DEVNULL, stderr=errors,
                                  preexec_fn=enter if self.root else None) as process:
                if watch:
                    watch(process)
                status = process.wait()
            took = (time.perf_counter() - before) * 1e3
            errors.seek(0)
            if status != 0:
                raise RuntimeError(errors.read().strip()[-300:] or f"status {status}")
        return took

    def close(self):
        shutil.rmtree(self.outside)


def find_subjects(make, arguments, directory, archive, opened):
    """make(name, prefix, root, image, share) of each engine that works here."""
    wanted = arguments.only.split(",") if arguments.only else ["cay", "docker", "podman"]
    found = []
    for name in wanted:
        if name == "cay":
            cay = Cay(arguments.build, directory, archive)
            if cay.usable:
                found.append(make(name, cay.command(), None, cay.image, 1.0))
            continue
        engine = Engine(name, directory, archive, arguments.root)
        opened.append(engine)
        if engine.usable:
            found.append(make(name, [engine.program], arguments.root, IMAGE,
                              getattr(arguments, "peers", 1.0)))
    return found


def print_rows(rows, names):
    """[(what, {engine's name: number})], with how much more than cay's the others' are."""
    others = [name for name in names if name != "cay"]
    titles = "".join(f"{name:>12}{'x cay':>8}" for name in others)
    width = max(28, *(len(what) + 1 for what, _ in rows))
    print(f"{'':<{width}}{'floor':>9}{'cay':>12}{titles}")
    for what, values in rows:
        text = f"{what:<{width}}"
        text += f"{values['floor']:>9.2f}" if "floor" in values else f"{'':>9}"
        text += f"{values['cay']:>12.2f}" if "cay" in values else f"{'-':>12}"
        for name in others:
            if name not in values:
                text += f"{'-':>12}{'-':>8}"
                continue
            ratio = f"{values[name] / values['cay']:.1f}" if "cay" in values else "-"
            text += f"{values[name]:>12.2f}{ratio:>8}"
        print(text)
