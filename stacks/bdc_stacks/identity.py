"""Makes what identifies a cluster: passwords, its certificate authority, and certificates from it.

The data stack makes values once, and `bdc credentials rotate` new ones. Keys are EC P-256, which every engine here takes.
"""

from __future__ import annotations

import base64
import datetime
import hashlib
import hmac
import ipaddress
import secrets
from collections.abc import Iterable, Mapping

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_YEARS = datetime.timedelta(days=3650)
_CERTIFICATE_DAYS = datetime.timedelta(days=825)


def password() -> str:
    """24 random bytes, URL-safe."""
    return secrets.token_urlsafe(24)


def shared_secret() -> str:
    """What Trino's servers sign their calls to each other with: 48 random bytes in hex."""
    return secrets.token_hex(48)


def scram_verifier(text: str) -> str:
    """What PostgreSQL keeps of a password: `SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>`.

    Source: RFC 5802, and the format of pg_authid.rolpassword. The password is printable ASCII, which SASLprep leaves as it is.
    """
    salt, iterations = secrets.token_bytes(16), 4096
    salted = hashlib.pbkdf2_hmac("sha256", text.encode(), salt, iterations)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    parts = [base64.b64encode(part).decode() for part in (salt, stored, server)]
    return f"SCRAM-SHA-256${iterations}:{parts[0]}${parts[1]}:{parts[2]}"


def trino_password_file(username: str, text: str) -> str:
    """A line of Trino's password file: PBKDF2 with HMAC-SHA1, `iterations:salt:hash` in hex.

    Source: https://trino.io/docs/current/security/password-file.html. The salt follows from the password, so that the file only
    changes with it.
    """
    salt = hashlib.sha256(f"{username}:{text}".encode()).digest()[:16]
    iterations = 4096
    derived = hashlib.pbkdf2_hmac("sha1", text.encode(), salt, iterations, 32)
    return f"{username}:{iterations}:{salt.hex()}:{derived.hex()}\n"


def proxy_map(username: str, text: str) -> str:
    """A line of the map by which auth proxies know a user: SHA-256 of what follows `Basic`, upper-case hex, and the name.

    A plain hash is enough for passwords of 24 random bytes, and a door looks it up for each request.
    """
    sent = base64.b64encode(f"{username}:{text}".encode())
    return f"{hashlib.sha256(sent).hexdigest().upper()} {username}\n"


def authority(cluster: str) -> dict[str, str]:
    """A new certificate authority: ca.crt and ca.key as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"bdc cluster {cluster}")])
    certificate = (
        _builder(name, name, key.public_key(), _YEARS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signing=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return {"ca.crt": _pem(certificate), "ca.key": _key(key)}


def certificate(ca: Mapping[str, str], hosts: Iterable[str]) -> dict[str, str]:
    """A server certificate for names and addresses: tls.crt, tls.key, ca.crt, and tls.pem (certificate and key in one)."""
    issuer = x509.load_pem_x509_certificate(ca["ca.crt"].encode())
    signer = serialization.load_pem_private_key(ca["ca.key"].encode(), None)
    if not isinstance(signer, ec.EllipticCurvePrivateKey):
        msg = "the cluster's CA key is not an EC key"
        raise TypeError(msg)
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "bdc endpoints")])
    signed = (
        _builder(subject, issuer.subject, key.public_key(), _CERTIFICATE_DAYS)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([_name(host) for host in hosts]), critical=False)
        .add_extension(_usage(signing=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        .sign(signer, hashes.SHA256())
    )
    text, private = _pem(signed), _key(key)
    return {"tls.crt": text, "tls.key": private, "ca.crt": ca["ca.crt"], "tls.pem": text + private}


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, life: datetime.timedelta) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + life)
    )


def _usage(*, signing: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=signing,
        crl_sign=signing,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _key(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()
