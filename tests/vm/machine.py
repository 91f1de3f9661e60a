# SPDX-License-Identifier: Apache-2.0
"""A guest from its start to its end: QEMU's process, what it prints, and the status it reports.

All that QEMU writes to is a pipe or a file without a name, and QEMU is killed with whoever started
it. So nothing is left behind, however this ends.
"""

import dataclasses
import os
import selectors
import subprocess
import tempfile
import time

PROCESSORS = 2
SCRATCH_SIZE = 8 << 30  # bytes that the guest may write; the file is sparse
# Mitigations cost a third of the time, and there is nobody to be protected from.
KERNEL_ARGUMENTS = ("console=ttyS0 quiet panic=-1 mitigations=off apparmor=1 security=apparmor "
                    "systemd.unified_cgroup_hierarchy=1 systemd.getty_auto=no")


@dataclasses.dataclass
class End:
    status: int | None  # as the guest reported it; None: it did not get there
    has_timed_out: bool
    console: str  # what its kernel and QEMU said


class _Pipe:
    """What the guest writes to one of its ports. QEMU opens the writing end by its path."""

    def __init__(self):
        reader, writer = os.pipe()
        self.reader, self.writer = os.fdopen(reader, "rb", 0), os.fdopen(writer, "wb", 0)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.reader.close()
        self.writer.close()


def _unnamed(data=b""):
    file = tempfile.TemporaryFile(prefix="cay-vm-")
    file.write(data)
    file.flush()
    return file


def _path(file):
    return f"/proc/self/fd/{file.fileno()}"


def _make_file_system(disk):
    disk.truncate(SCRATCH_SIZE)
    subprocess.run(["mkfs.ext4", "-q", "-F", _path(disk)], check=True, pass_fds=[disk.fileno()])


def _command(kernel, memory, archive, disk, console, output, status):
    return [
        "setpriv", "--pdeathsig", "KILL",
        "qemu-system-x86_64", "-nodefaults", "-no-user-config", "-no-reboot", "-display", "none",
        "-machine", "q35", "-accel", "tcg,thread=single", "-cpu", "max",
        "-smp", str(PROCESSORS), "-m", str(memory),
        "-kernel", str(kernel.image), "-initrd", _path(archive), "-append", KERNEL_ARGUMENTS,
        "-virtfs", "local,path=/,mount_tag=root,security_model=none,readonly=on,multidevs=remap",
        "-drive", f"file={_path(disk)},format=raw,if=virtio,cache=unsafe,discard=unmap",
        "-chardev", f"file,id=console,path={_path(console)}", "-serial", "chardev:console",
        "-device", "virtio-serial",
        "-chardev", f"file,id=output,path={_path(output)}",
        "-device", "virtserialport,chardev=output,name=output",
        "-chardev", f"file,id=status,path={_path(status)}",
        "-device", "virtserialport,chardev=status,name=status",
    ]


def _follow(receivers, deadline):
    """
    Call each pipe's function with what comes out of it, until QEMU's end has closed them all.
    False if @deadline comes first.
    """
    with selectors.DefaultSelector() as selector:
        for pipe, receive in receivers.items():
            pipe.writer.close()
            selector.register(pipe.reader, selectors.EVENT_READ, receive)
        while selector.get_map():
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                return False
            for key, _ in selector.select(remaining):
                data = os.read(key.fd, 65536)
                key.data(data)
                if not data:
                    selector.unregister(key.fileobj)
    return True


def run(kernel, archive, memory, limit, show):
    """
    Boot @kernel with the bytes @archive as its first root, call show() with what the command
    prints, and return the End, which comes after @limit seconds at the latest.
    """
    deadline = time.monotonic() + limit
    said, reported = bytearray(), bytearray()
    with _unnamed(archive) as initramfs, _unnamed() as disk, \
            _Pipe() as console, _Pipe() as output, _Pipe() as status:
        _make_file_system(disk)
        files = [initramfs, disk, console.writer, output.writer, status.writer]
        process = subprocess.Popen(_command(kernel, memory, *files), stdin=subprocess.DEVNULL,
                                   stdout=console.writer, stderr=console.writer,
                                   pass_fds=[file.fileno() for file in files])
        try:
            in_time = _follow({console: said.extend, output: show, status: reported.extend},
                              deadline)
        finally:
            process.kill()
            process.wait()
    return End(int(reported) if in_time and reported else None, not in_time,
               said.decode(errors="replace").strip())
