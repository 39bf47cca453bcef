"""Checks of the way in: endpoints answer from here with the cluster's certificate, and it will last."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING

from bdc.config import workloads
from bdc.config.names import CA
from bdc.config.secret_data import decoded
from bdc.health.finding import Check, CheckContext, Finding, fail, named, ok, warn
from bdc.kube.endpoints import addresses, certificate_authority, rotating, server_name
from bdc.kube.tls import probe

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

SOON = timedelta(days=30)
AUTHORITY = "certificate authority"


def endpoints(ground: CheckContext) -> Finding:
    """All endpoints answer from this machine with TLS."""
    if ground.config.network.expose == "none":
        return ok("not exposed; bdc connect leads to them")
    authority = certificate_authority(ground.kube, ground.cluster)

    def look(name: str, port: int, scheme: str) -> str | None:
        where = addresses(ground.kube, ground.config, name)
        if not where:
            return f"{name} (has no address yet)"
        names = [(address, server_name(ground.kube, ground.config, name, address)) for address in where]
        found = [probe(address, port, shown, authority, scheme, 3) for address, shown in names]
        return None if any(one.reachable for one in found) else f"{name} at {where[0]}:{port} ({found[0].reason})"

    there = workloads.endpoints(ground.config)
    with ThreadPoolExecutor(len(there)) as pool:
        closed = [said for said in pool.map(lambda one: look(one.name, one.port, one.scheme), there) if said]
    if closed:
        return fail(f"not reached from here: {named(closed)}", "open these ports in the firewall, set network.address, or use bdc connect")
    return ok(f"all {len(there)} answer from here")


def ports(ground: CheckContext) -> Finding:
    """No other namespace has taken an endpoint's node port."""
    if ground.config.network.expose != "nodeport":
        return ok("no node port is used")
    ours = {one.port: one.name for one in workloads.endpoints(ground.config)}
    taken = [
        f"{port['nodePort']} ({ours[port['nodePort']]}) by Service {service['metadata']['namespace']}/{service['metadata']['name']}"
        for service in ground.items("/api/v1/services")
        for port in service["spec"].get("ports") or []
        if port.get("nodePort") in ours and service["metadata"]["namespace"] != ground.cluster
    ]
    if taken:
        return fail(f"taken: {named(taken)}", "set network.expose to none for one of the two and use bdc connect, or delete that Service")
    return ok(f"none of {len(ours)} is taken by others")


def expiry(ground: CheckContext) -> Finding:
    """No certificate ends soon."""
    ends = {AUTHORITY: _certificate(certificate_authority(ground.kube, ground.cluster)).not_valid_after_utc}
    ends |= {name: certificate.not_valid_after_utc for name, certificate in _servers(ground).items()}
    first, when = min(ends.items(), key=lambda entry: entry[1])
    left = when - ground.now()
    remedy = f"make a new one: bdc credentials rotate {'--ca' if first == AUTHORITY else '--certificates'}"
    if left < timedelta(0):
        return fail(f"the certificate {first} ended {when:%Y-%m-%d}", remedy)
    if left < SOON:
        return warn(f"the certificate {first} ends in {left.days} days, {when:%Y-%m-%d}", remedy)
    return ok(f"the first to end is {first}, {when:%Y-%m-%d}")


def authority(ground: CheckContext) -> Finding:
    """The endpoints' certificate is signed by the authority that clients get."""
    issuer = _certificate(certificate_authority(ground.kube, ground.cluster))
    strangers = [name for name, certificate in _servers(ground).items() if not _issued(certificate, issuer)]
    if strangers:
        return fail(
            f"not signed by the Secret {CA}: {named(strangers)}",
            "clients will refuse it; make it again: bdc credentials rotate --certificates",
        )
    return ok("signs what the endpoints show")


def rotation(ground: CheckContext) -> Finding:
    """No rotation of the credentials was interrupted."""
    if rotating(ground.kube, ground.cluster):
        return warn("a rotation was begun and is not finished: some endpoints may take the old ones still", "finish it: bdc up")
    return ok("all endpoints take the same")


def _servers(ground: CheckContext) -> dict[str, Certificate]:
    secrets = ground.namespaced("api/v1", "secrets")
    found = {one["metadata"]["name"]: decoded(one.get("data")).get("tls.crt") for one in secrets}
    return {name: _certificate(text.decode()) for name, text in found.items() if text}


def _certificate(pem: str) -> Certificate:
    from cryptography.x509 import load_pem_x509_certificate  # 0.1 s that status doesn't pay

    return load_pem_x509_certificate(pem.encode())


def _issued(certificate: Certificate, issuer: Certificate) -> bool:
    from cryptography.exceptions import InvalidSignature

    try:
        certificate.verify_directly_issued_by(issuer)
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True


CHECKS = (
    Check("endpoints", "endpoints", endpoints),
    Check("ports", "node ports", ports),
    Check("certificates", "certificates", expiry),
    Check("authority", "certificate authority", authority),
    Check("rotation", "credentials", rotation),
)
