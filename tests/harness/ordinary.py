# SPDX-License-Identifier: Apache-2.0
"""An ordinary user who starts containers: in a mount namespace of the test's own, with an
/etc/passwd, /etc/subuid and /etc/subgid that nobody else sees, and paths that are open to the user.
"""

import os
import shlex
import subprocess

from harness.bundle import Result

USER = 61234
SUB_FIRST, SUB_COUNT = 700000, 65536
PLACE = "/mnt"  # what is mounted there, only the test sees

SETUP = """
set -e
mount -t tmpfs -o mode=755 tmpfs {place}
mkdir {place}/bundle {place}/helpers
touch {place}/run
mount --bind {bundle} {place}/bundle
mount --bind {runner} {place}/run
cp /etc/passwd {place}/passwd
echo "caytest:x:{user}:{user}::/:/bin/sh" >>{place}/passwd
echo "caytest:{sub_first}:{sub_count}" >{place}/subuid
for name in subuid subgid; do
    test -e /etc/$name || touch /etc/$name
    mount --bind {place}/subuid /etc/$name
done
mount --bind {place}/passwd /etc/passwd
{extra}
cd {place}
exec setpriv --reuid {user} --regid {user} {groups} {place}/run {options} {place}/bundle
"""


def adapt(bundle, mappings):
    """What an ordinary user's configuration looks like: no cgroup, a user namespace."""
    del bundle.linux["cgroupsPath"]
    bundle.linux.pop("resources", None)
    bundle.config["mounts"] = [mount for mount in bundle.config["mounts"]
                               if mount["type"] != "cgroup"]
    bundle.linux["namespaces"].append({"type": "user"})
    bundle.linux["uidMappings"] = bundle.linux["gidMappings"] = [
        {"containerID": inner, "hostID": outer, "size": size} for inner, outer, size in mappings]
    if sum(size for _, _, size in mappings) < 6:
        bundle.find_mount("/dev/pts")["options"].remove("gid=5")
    for directory, names, files in os.walk(bundle.directory):
        for name in (".", *names, *files):
            os.chown(os.path.join(directory, name), USER, USER, follow_symlinks=False)


def run(bundle, *arguments, groups="--clear-groups", extra=""):
    """sandbox-run as that user, after the commands @extra as root."""
    bundle.write_config(arguments)
    script = SETUP.format(place=PLACE, bundle=shlex.quote(str(bundle.directory)),
                          runner=shlex.quote(str(bundle.runner)), user=USER, groups=groups,
                          sub_first=SUB_FIRST, sub_count=SUB_COUNT, extra=extra,
                          options=" ".join(bundle.options()))
    done = subprocess.run(["unshare", "--mount", "--propagation", "private", "sh", "-c", script],
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=60, text=True,
                          env=bundle.environment(), check=False)
    return Result(done.returncode, done.stdout, done.stderr)
