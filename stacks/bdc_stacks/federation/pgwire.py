"""The SQL gateway: the federation for PostgreSQL's clients."""

from __future__ import annotations

import pulumi
import pulumi_kubernetes as k8s

from bdc.config.model import Federation
from bdc.config.names import GATEWAY_ROLE, role_secret, selector
from bdc.config.restricted import UIDS
from bdc_stacks import auth_proxy, pods
from bdc_stacks.stack_context import StackContext, digest, port

NAME = "sql-gateway"
PEERS = "sql-gateway-pods"
_UID = UIDS["bdc"]
_PORT = 5432
_DRAIN_SECONDS = 30


class Gateway:
    """Servers without state, any number of them. Attributes: `server`."""

    def __init__(self, config: Federation, site: StackContext, inside: pulumi.ResourceOptions) -> None:
        self._site, self._inside = site, inside
        self._service(NAME)
        self._service(PEERS, clusterIP="None", publishNotReadyAddresses=True)
        auth_proxy.outside(site, "sql", inside)
        if config.gateways > 1:
            k8s.policy.v1.PodDisruptionBudget(
                NAME,
                metadata=self._meta(NAME),
                spec={"maxUnavailable": 1, "selector": {"matchLabels": selector(site.cluster, NAME)}},
                opts=inside,
            )
        self.server = self._servers(config)

    def _meta(self, name: str) -> dict[str, object]:
        return self._site.metadata(name, "federation", NAME)

    def _service(self, name: str, **more: object) -> None:
        k8s.core.v1.Service(
            name,
            metadata=self._meta(name) | {"annotations": {"pulumi.com/skipAwait": "true"}},
            spec={"selector": selector(self._site.cluster, NAME), "ports": [port("postgresql", _PORT)], **more},
            opts=self._inside,
        )

    def _servers(self, config: Federation) -> k8s.apps.v1.Deployment:
        site = self._site
        tls, tls_mount = pods.secret("tls", site.tls, pods.TLS_PATH)
        tmp, tmp_mount = pods.scratch("tmp", "/tmp", limit="16Mi")  # noqa: S108
        container = pods.container(
            NAME,
            site.images["bdc"],
            config.gateway,
            args=["bdc.services.pgwire", "--tls", pods.TLS_PATH, "--peers", f"{PEERS}.{site.namespace}.svc", site.namespace],
            env=pods.env(
                {"GATEWAY_USER": GATEWAY_ROLE}, {"GATEWAY_PASSWORD": (role_secret(GATEWAY_ROLE), "password")}, POD_IP="status.podIP"
            ),
            ports=[{"name": "postgresql", "containerPort": _PORT}],
            volumeMounts=[tls_mount, tmp_mount],
            startupProbe=pods.starting(pods.tcp(_PORT)),
            readinessProbe=pods.tcp(_PORT, periodSeconds=5),
            livenessProbe=pods.tcp(_PORT, periodSeconds=20, failureThreshold=3),
        )
        return k8s.apps.v1.Deployment(
            NAME,
            metadata=self._meta(NAME),
            spec={
                "replicas": config.gateways,
                "selector": {"matchLabels": selector(site.cluster, NAME)},
                "template": pods.template(
                    site, "federation", NAME, _UID, [container], [tls, tmp],
                    checksum=digest(site.tls), terminationGracePeriodSeconds=_DRAIN_SECONDS + 15,
                ),
            },
            opts=self._inside,
        )  # fmt: skip
