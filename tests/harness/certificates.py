# SPDX-License-Identifier: Apache-2.0
"""Certificates of an authority that nobody knows, made by the openssl command.

    authority = certificates.Authority(tmp_path)
    server = authority.issue("registry", ["127.0.0.1", "localhost"])
    context = server.context()
"""

import dataclasses
import ipaddress
import pathlib
import ssl
import subprocess


def openssl(*arguments, input=None):
    return subprocess.run(["openssl", *map(str, arguments)], input=input, capture_output=True,
                          check=True).stdout


@dataclasses.dataclass(frozen=True)
class Certificate:
    """Files in PEM: the certificate and its key."""

    certificate: pathlib.Path
    key: pathlib.Path

    def context(self, clients=None):
        """What a server takes; with @clients, only those certified by that authority may talk."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        if clients:
            context.load_verify_locations(clients.certificate)
            context.verify_mode = ssl.CERT_REQUIRED
        return context

    def sign(self, data):
        """RS256: PKCS 1 v1.5 over SHA-256."""
        return openssl("dgst", "-sha256", "-sign", self.key, input=data)

    def der(self):
        return openssl("x509", "-in", self.certificate, "-outform", "DER")


def _names(hosts):
    def kind(host):
        try:
            ipaddress.ip_address(host)
        except ValueError:
            return "DNS"
        return "IP"

    return ",".join(f"{kind(host)}:{host}" for host in hosts)


class Authority:
    """One root and what it has certified, below a directory."""

    def __init__(self, directory, name="authority of the tests"):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.root = self.self_signed("root", name)

    @property
    def certificate(self):
        """What has to be trusted, as a file."""
        return self.root.certificate

    def self_signed(self, file_name, name):
        made = self._files(file_name)
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", 2, "-subj",
                f"/CN={name}", "-keyout", made.key, "-out", made.certificate)
        return made

    def issue(self, file_name, hosts=(), days=2):
        """For servers (that are called @hosts) and clients alike."""
        made = self._files(file_name)
        request = openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={file_name}",
                          "-keyout", made.key)
        extensions = self.directory / f"{file_name}.extensions"
        extensions.write_text("extendedKeyUsage=serverAuth,clientAuth\n"
                              + (f"subjectAltName={_names(hosts)}\n" if hosts else ""))
        openssl("x509", "-req", "-CA", self.root.certificate, "-CAkey", self.root.key,
                "-CAcreateserial", "-days", days, "-extfile", extensions, "-out",
                made.certificate, input=request)
        return made

    def _files(self, name):
        return Certificate(self.directory / f"{name}.crt", self.directory / f"{name}.key")
