"""What outlives `bdc down`: generated once, consistent with each other."""

from __future__ import annotations

import hashlib
import ipaddress

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from bdc.config.load import load
from bdc.config.model import Config
from bdc.config.secret_data import texts
from bdc_stacks import data
from bdc_stacks.identity import authority, certificate, trino_password_file
from tests.stacks.recording import declared, site

CONFIG = Config()


def test_the_namespace_enforces_the_restricted_standard() -> None:
    labels = declared(data.program, CONFIG)["Namespace", "bdc"]["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


def test_two_clusters_have_different_passwords() -> None:
    first, second = (texts(declared(data.program, CONFIG)["Secret", "credentials"]["data"]) for _ in range(2))
    assert first["username"] == second["username"] == "bdc"
    assert first["password"] != second["password"]
    assert len(first["password"]) >= 32
    assert first["password"] != first["token"]


def test_the_certificate_is_for_the_endpoints_and_from_the_authority() -> None:
    where = site(CONFIG)
    objects = declared(data.program, CONFIG, where)
    tls, ca = texts(objects["Secret", where.tls]["data"]), texts(objects["Secret", "ca"]["data"])
    issued, issuer = x509.load_pem_x509_certificate(tls["tls.crt"].encode()), x509.load_pem_x509_certificate(ca["ca.crt"].encode())
    issued.verify_directly_issued_by(issuer)
    names = issued.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert ipaddress.ip_address("192.0.2.10") in names.get_values_for_type(x509.IPAddress)
    assert {"master.bdc.svc", "trino.bdc.svc", "localhost"} <= set(names.get_values_for_type(x509.DNSName))
    assert tls["tls.pem"] == tls["tls.crt"] + tls["tls.key"]
    assert "ca.key" not in tls


def test_an_authority_signs_only_leaves() -> None:
    ca = x509.load_pem_x509_certificate(authority("c")["ca.crt"].encode())
    assert ca.extensions.get_extension_for_class(x509.BasicConstraints).value == x509.BasicConstraints(ca=True, path_length=0)
    assert isinstance(ca.public_key(), ec.EllipticCurvePublicKey)


def test_another_address_is_another_certificate_secret() -> None:
    one, two = site(CONFIG), site(CONFIG.model_copy(update={"name": "other"}))
    assert one.tls != two.tls
    made = certificate(authority("c"), ["a.example"])
    leaf = x509.load_pem_x509_certificate(made["tls.crt"].encode())
    assert leaf.extensions.get_extension_for_class(x509.BasicConstraints).value.ca is False


def test_trinos_password_line_is_pbkdf2_that_verifies() -> None:
    user, iterations, salt, derived = trino_password_file("bdc", "sesame").strip().split(":")
    assert user == "bdc"
    again = hashlib.pbkdf2_hmac("sha1", b"sesame", bytes.fromhex(salt), int(iterations), len(derived) // 2)
    assert again.hex() == derived
    assert trino_password_file("bdc", "sesame") == trino_password_file("bdc", "sesame")
    assert "sesame" not in trino_password_file("bdc", "sesame")


def test_spark_has_the_masters_passwords_in_the_federation() -> None:
    config = load(file=None, cluster=None, overrides={"spark.pools.etl.max_cpu": "4"}, env={}).config
    objects = declared(data.program, config)
    own = {
        "bdc": texts(objects["Secret", "credentials"]["data"])["password"],
        "spark": texts(objects["Secret", "master-spark"]["data"])["password"],
        "spark-etl": texts(objects["Secret", "master-spark-etl"]["data"])["password"],
        "gateway": texts(objects["Secret", "master-gateway"]["data"])["password"],
    }
    known = texts(objects["Secret", "federation-passwords"]["data"])["password.db"]
    assert known == "".join(trino_password_file(name, text) for name, text in own.items())
    for where, name in (("", "spark"), ("bdc-pool-etl/", "spark-etl")):
        line = texts(objects["Secret", f"{where}master-access"]["data"])["pgpass"]
        assert line.strip().split(":")[-2:] == [name, own[name]]
