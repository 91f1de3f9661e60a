# SPDX-License-Identifier: Apache-2.0
"""registries.yaml and certs.d: who is spoken to how, and who vouches for whom."""

import contextlib
import json
import pathlib

import pytest
from harness import referrers_registry


@pytest.fixture(name="settings")
def _settings(tmp_path):
    """settings(text) -> environment in which registries.yaml, in a directory of its own, is so."""
    directory = tmp_path / "etc"
    directory.mkdir()

    def write(text=""):
        (directory / "registries.yaml").write_text(text)
        return {"CAY_REGISTRIES": str(directory / "registries.yaml")}

    write.directory = directory
    return write


def trust(settings, registry, **files):
    """Put files into certs.d of @registry: their names with "_" for the dot."""
    directory = settings.directory / "certs.d" / registry.host
    directory.mkdir(parents=True)
    for name, path in files.items():
        (directory / name.replace("_", ".")).write_bytes(path.read_bytes())


def ask(cay, registry, environment, **options):
    return cay("search", "--format", "{{.Name}}", f"{registry.host}/web", env=environment,
               **options)


@pytest.fixture(name="tls")
def _tls(authority):
    """A registry that speaks TLS, certified by somebody whom nobody trusts."""
    with serve(authority) as registry:
        yield registry


@contextlib.contextmanager
def serve(authority, name="server", clients=None):
    """A registry that @authority certifies; @clients: who certifies all that may talk to it."""
    context = authority.issue(name, ["127.0.0.1"]).context(clients)
    with referrers_registry.serve(context, authority) as registry:
        registry.searches["web"] = [{"name": "web"}]
        yield registry


def check_found(result, registry):
    assert (result.returncode, result.stdout) == (0, f"{registry.host}/web\n"), str(result)


def test_a_registry_of_this_machine_needs_no_tls(cay, settings, memory_registry):
    memory_registry.searches["web"] = [{"name": "web"}]
    check_found(ask(cay, memory_registry, settings()), memory_registry)


def test_an_authority_that_nobody_trusts_is_refused(cay, settings, tls):
    result = ask(cay, tls, settings())
    assert result.returncode == 1
    assert "certificate" in result.stderr
    assert not tls.requests


def test_an_authority_of_certs_d_is_trusted(cay, settings, tls, authority):
    trust(settings, tls, own_crt=authority.certificate)
    check_found(ask(cay, tls, settings()), tls)


def test_an_authority_of_the_settings_is_trusted(cay, settings, tls, authority):
    text = f"registries: {{'{tls.host}': {{ca: {authority.certificate}}}}}"
    check_found(ask(cay, tls, settings(text)), tls)


def test_an_insecure_registry_needs_no_authority(cay, settings, tls):
    check_found(ask(cay, tls, settings(f"registries: {{'{tls.host}': {{insecure: true}}}}")), tls)


def test_certificates_of_one_registry_are_not_for_another(cay, settings, tls, authority):
    with serve(authority, "other") as other:
        trust(settings, other, own_crt=authority.certificate)
        assert ask(cay, tls, settings()).returncode == 1
        check_found(ask(cay, other, settings()), other)


def test_who_we_are_is_told_to_the_registry_that_wants_to_know(cay, settings, authority):
    client = authority.issue("client")
    with serve(authority, "strict", clients=authority) as registry:
        trust(settings, registry, own_crt=authority.certificate, me_cert=client.certificate,
              me_key=client.key)
        check_found(ask(cay, registry, settings()), registry)
        (settings.directory / "certs.d" / registry.host / "me.cert").unlink()
        (settings.directory / "certs.d" / registry.host / "me.key").unlink()
        assert ask(cay, registry, settings()).returncode == 1


def test_plain_http_is_all_that_is_spoken_where_it_is_configured(cay, settings, tls):
    result = ask(cay, tls, settings(f"registries: {{'{tls.host}': {{plain-http: true}}}}"))
    assert result.returncode == 1
    assert not tls.requests


def test_a_blocked_registry_is_not_asked(cay, settings, memory_registry):
    text = f"registries: {{'{memory_registry.host}': {{blocked: true}}}}"
    result = ask(cay, memory_registry, settings(text))
    assert result.stderr == (f"cay: registry '{memory_registry.host}': blocked by "
                             f"'{settings.directory}/registries.yaml'\n")
    assert not memory_registry.requests


def test_settings_that_mean_nothing_are_refused(cay, settings, memory_registry):
    result = ask(cay, memory_registry, settings("registries: {a: {insecur: true}}"))
    assert result.returncode == 1
    assert result.stderr.startswith(f"cay: registries '{settings.directory}/registries.yaml': "
                                    "registries.a.insecur: ")
    assert not memory_registry.requests


def test_the_file_is_beside_the_configuration(cay, settings, memory_registry):
    text = f"registries: {{'{memory_registry.host}': {{blocked: true}}}}"
    settings(text)
    (settings.directory / "cay.yaml").write_text("# nothing\n")
    result = cay("--config-file", settings.directory / "cay.yaml", "search",
                 f"{memory_registry.host}/web")
    assert "blocked by" in result.stderr


def test_docker_s_certificates_are_trusted_where_there_are_none_of_ours(cay, settings, tls,
                                                                        authority, tmp_path):
    over_etc = """
        mkdir "$0" && mount -t tmpfs none "$0" &&
        mkdir -p "$0/upper/docker/certs.d/$1" "$0/work" &&
        cp "$2" "$0/upper/docker/certs.d/$1/own.crt" &&
        mount -t overlay -o "lowerdir=/etc,upperdir=$0/upper,workdir=$0/work" overlay /etc &&
        shift 2 && exec "$@"
    """
    arguments = (tmp_path / "etc-of-docker", tls.host, authority.certificate)
    prefix = ("unshare", "--mount", "sh", "-c", over_etc, *map(str, arguments))
    check_found(ask(cay, tls, settings(), prefix=prefix), tls)


def test_the_example_of_the_manual_is_valid(cay, settings):
    page = (pathlib.Path(__file__).parents[2] / "docs/registries.md").read_text(encoding="utf-8")
    part = page.partition("## /etc/cay/registries.yaml")[2].partition("\n## ")[0]
    example = "\n".join(line[4:] for line in part.splitlines() if line.startswith("    "))
    result = cay("search", "bad.example.com/web", env=settings(example))
    assert result.stderr == (f"cay: registry 'bad.example.com': blocked by "
                             f"'{settings.directory}/registries.yaml'\n")


def test_a_certificate_without_its_key_is_refused(cay, settings, tls, authority):
    trust(settings, tls, me_cert=authority.certificate)
    result = ask(cay, tls, settings())
    assert "missing key 'me.key' for client certificate 'me.cert'" in result.stderr


def test_info_tells_of_registries(cay, settings):
    environment = settings("registries: {docker.io: {mirrors: [a.example.com]},"
                           " b.example.com: {insecure: true}, c.example.com: {}}")
    info = json.loads(cay.ok("info", "--format", "json", env=environment))
    assert info["IndexServerAddress"] == "https://index.docker.io/v1/"
    assert info["RegistryConfig"] == {
        "InsecureRegistryCIDRs": ["::1/128", "127.0.0.0/8"],
        "Mirrors": ["a.example.com"],
        "IndexConfigs": {
            "docker.io": {"Name": "docker.io", "Mirrors": ["a.example.com"], "Secure": True,
                          "Official": True},
            "b.example.com": {"Name": "b.example.com", "Mirrors": [], "Secure": False,
                              "Official": False},
            "c.example.com": {"Name": "c.example.com", "Mirrors": [], "Secure": True,
                              "Official": False}}}
    assert cay.ok("info", env=environment).endswith(
        "\nInsecure Registries:\n b.example.com\n ::1/128\n 127.0.0.0/8\n"
        "Registry Mirrors:\n a.example.com")


def test_info_tells_of_settings_that_cannot_be_read_and_of_all_else(cay, settings):
    result = cay("info", env=settings("mirror: x"))
    assert result.returncode == 0
    assert result.stderr.startswith(f"WARNING: registries '{settings.directory}/registries.yaml': ")
    assert result.stdout.startswith("Containers: 0\n")
