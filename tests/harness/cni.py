# SPDX-License-Identifier: Apache-2.0
"""Configurations of CNI for one state: Debian's plug-ins, and scripts that behave as they are told.

    cni = Cni(state)
    cni.write("lan", [cni.bridge("10.88.0.0/24"), {"type": "own"}])
    cni.script("own", "[ $CNI_COMMAND = DEL ] || exit 1")
    cay.ok("run", "--network", "cni:lan", image, "true")
    assert cni.leases() == []
"""

import json

# The result so far is also its own.
PASS_ON = ("[ $CNI_COMMAND != ADD ] || sed 's/.*\"prevResult\"://; s/}$//' <<E\n$input\nE\n")


class Cni:
    """Where the configurations, the scripts and what host-local keeps are."""

    def __init__(self, state, timeout=60):
        self.base = state.base / "cni"
        self.configurations, self.scripts = self.base / "net.d", self.base / "bin"
        self.data = self.base / "data"
        for made in self.configurations, self.scripts, self.data:
            made.mkdir(parents=True)
        with open(state.configuration, "a", encoding="ascii") as file:
            file.write(f"cni:\n  config-directory: {self.configurations}\n"
                       f"  plugin-path: {self.scripts}:/usr/lib/cni\n  timeout: {timeout}\n")

    def write(self, name, plugins, version="1.0.0", **more):
        content = {"cniVersion": version, "name": name, "plugins": plugins, **more}
        (self.configurations / f"{name}.conflist").write_text(json.dumps(content),
                                                              encoding="ascii")

    def addresses(self, *subnets):
        """host-local, which keeps its leases here."""
        return {"type": "host-local", "dataDir": str(self.data),
                "ranges": [[{"subnet": subnet}] for subnet in subnets],
                "routes": [{"dst": "::/0" if ":" in subnet else "0.0.0.0/0"}
                           for subnet in subnets]}

    def bridge(self, *subnets, **options):
        return {"type": "bridge", "bridge": "cni0", "isGateway": True,
                "ipam": self.addresses(*subnets), **options}

    def script(self, name, text):
        """A plug-in that writes down how it is called, and then does @text in sh. It has its input
        in $input."""
        path = self.scripts / name
        path.write_text(f'#!/bin/sh\necho "$CNI_COMMAND {name}" >>{self.base}/log\n'
                        f"input=$(cat)\n{text}\n", encoding="ascii")
        path.chmod(0o755)

    def log(self):
        path = self.base / "log"
        return path.read_text(encoding="ascii").splitlines() if path.exists() else []

    def leases(self):
        """Addresses that host-local has given away."""
        return sorted(path.name for path in self.data.glob("*/*")
                      if path.name != "lock" and not path.name.startswith("last_reserved"))
