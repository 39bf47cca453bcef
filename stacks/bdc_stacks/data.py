"""The stack `<cluster>-data`: what outlives `bdc down`. Namespace, volumes, generated Secrets, certificate authority, cluster id."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence

import pulumi
import pulumi_kubernetes as k8s

from bdc.config.model import Config
from bdc.config.names import (
    CA,
    CREDENTIALS,
    FEDERATION_INTERNAL,
    GATEWAY_ROLE,
    INSTANCE,
    MANAGED_BY,
    MASTER_ACCESS,
    MASTER_CREDENTIALS,
    POOL,
    TRINO_PASSWORDS,
    USERS,
    USERS_OF_PROXIES,
    USERS_OF_TRINO,
    pool_namespace,
    pool_token,
    role_secret,
    spark_role,
)
from bdc.config.secret_data import encoded, texts
from bdc_stacks import identity
from bdc_stacks.stack_context import StackContext

IDENTITY = "identity"


class Data(pulumi.ComponentResource):
    """Namespace, Secrets and volumes of one cluster. Generated values are made once; a later run takes them as they are in the cluster."""

    def __init__(self, config: Config, site: StackContext) -> None:
        super().__init__("bdc:data:Data", config.name)
        self._site = site
        self._inside = pulumi.ResourceOptions(parent=self)
        namespace = self._namespace("namespace", site.namespace)
        self._pools: dict[str, k8s.core.v1.Namespace] = {}
        for pool in config.spark.pools:
            self._pool(pool)
        self._inside = pulumi.ResourceOptions(parent=self, depends_on=[namespace])
        credentials = self._secrets(config)
        roles = {spark_role(name): self._master_access(name) for name in ("", *config.spark.pools)}
        roles[GATEWAY_ROLE] = self._role(GATEWAY_ROLE)
        self._trino_passwords(credentials, roles)
        for name, of in config.spark.pools.items():
            if of.connect:
                self._pool_token(name)
        self._volumes(config)
        k8s.core.v1.ConfigMap(
            IDENTITY,
            metadata=site.metadata(IDENTITY, "storage", IDENTITY),
            data={"cluster-id": f"CID-{uuid.uuid4()}"},
            opts=self._once(),
        )
        self.register_outputs({})

    def _namespace(self, name: str, namespace: str, **more: str) -> k8s.core.v1.Namespace:
        labels = {MANAGED_BY: "bdc", INSTANCE: self._site.cluster, "pod-security.kubernetes.io/enforce": "restricted", **more}
        return k8s.core.v1.Namespace(name, metadata={"name": namespace, "labels": labels}, opts=self._inside)

    def _pool(self, name: str) -> None:
        """The namespace of a Spark pool; as the cluster's, with its list of applications and schedules, it outlives `bdc down`."""
        namespace = self._pools[name] = self._namespace(f"pool-{name}", pool_namespace(self._site.cluster, name), **{POOL: name})
        self._pull_secret(pulumi.ResourceOptions(parent=self, depends_on=[namespace]), name)

    def _master_access(self, pool: str) -> k8s.core.v1.Secret:
        """How Spark's applications get into the SQL master: the driver's library reads passwords from a file as libpq does. The Secret with
        the role's password.

        https://www.postgresql.org/docs/current/libpq-pgpass.html
        """
        role = spark_role(pool)
        kept = self._role(role)
        where = f"master.{self._site.namespace}.svc:5432:*:{role}"
        both = pulumi.Output.all(kept.data.apply(texts), self._ca.data.apply(texts))
        data = both.apply(lambda of: encoded({"pgpass": f"{where}:{of[0]['password']}\n", "ca.crt": of[1]["ca.crt"]}))
        after = pulumi.ResourceOptions.merge(self._inside, pulumi.ResourceOptions(depends_on=[self._pools[pool]] if pool else []))
        self._secret(MASTER_ACCESS, "master", data, after, pool)
        return kept

    def _role(self, role: str) -> k8s.core.v1.Secret:
        """The password of a role of the SQL master."""
        return self._secret(role_secret(role), "master", encoded({"password": identity.password()}), self._once())

    def _trino_passwords(self, credentials: k8s.core.v1.Secret, roles: Mapping[str, k8s.core.v1.Secret]) -> None:
        """Trino's password file: the administrator, and Spark's applications and the gateway, with the passwords of their roles."""
        secrets = pulumi.Output.all(credentials.data.apply(texts), *(one.data.apply(texts) for one in roles.values()))

        def lines(of: Sequence[Mapping[str, str]]) -> dict[str, str]:
            known = [(of[0]["username"], of[0]["password"]), *zip(roles, (one["password"] for one in of[1:]), strict=True)]
            return encoded({"password.db": "".join(identity.trino_password_file(*one) for one in known)})

        self._secret(TRINO_PASSWORDS, "federation", secrets.apply(lines), self._inside)

    def _pool_token(self, pool: str) -> None:
        """The token of a pool's Spark Connect: for the auth proxy, and for the server and its sessions in the pool."""
        kept = self._secret(pool_token(pool), "spark", encoded({"token": identity.password()}), self._once())
        both = pulumi.Output.all(kept.data, self._ca.data)
        data = both.apply(lambda of: {"token": str(of[0]["token"]), "ca.crt": str(of[1]["ca.crt"])})
        after = pulumi.ResourceOptions.merge(self._inside, pulumi.ResourceOptions(depends_on=[self._pools[pool]]))
        self._secret(pool_token(pool), "spark", data, after, pool)

    def _once(self) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions.merge(self._inside, pulumi.ResourceOptions(ignore_changes=["data"]))

    def _secret(
        self, name: str, part: str, data: pulumi.Input[dict[str, str]], options: pulumi.ResourceOptions, pool: str = ""
    ) -> k8s.core.v1.Secret:
        more = {"namespace": pool_namespace(self._site.cluster, pool)} if pool else {}
        metadata = self._site.metadata(name, part, name, **more)
        made = f"pool-{pool}-{name}" if pool else name
        return k8s.core.v1.Secret(made, metadata=metadata, type="Opaque", data=pulumi.Output.secret(data), opts=options)

    def _secrets(self, config: Config) -> k8s.core.v1.Secret:
        """The Secrets of the cluster's own parts; the one of the administrator."""
        ca = self._ca = self._secret(CA, "storage", encoded(identity.authority(config.name)), self._once())
        hosts = self._site.hosts()
        issued = ca.data.apply(lambda data: encoded(identity.certificate(texts(data), hosts)))
        self._secret(self._site.tls, "storage", issued, self._once())
        credentials = self._secret(
            CREDENTIALS,
            "master",
            encoded({"username": "bdc", "password": identity.password(), "token": identity.password()}),
            self._once(),
        )
        names = ("superuser-password", "replication-password", "metastore-password", "trino-password")
        self._secret(MASTER_CREDENTIALS, "master", encoded({name: identity.password() for name in names}), self._once())
        self._secret(FEDERATION_INTERNAL, "federation", encoded({"shared-secret": identity.shared_secret()}), self._once())
        # Ordinary users come and go by `bdc context export` and `revoke`.
        self._secret(USERS, "master", encoded({USERS_OF_TRINO: "", USERS_OF_PROXIES: ""}), self._once())
        self._pull_secret(self._inside)
        return credentials

    def _pull_secret(self, options: pulumi.ResourceOptions, pool: str = "") -> None:
        name, login = self._site.pull_secret, self._site.pull_login
        if name and login:
            more = {"namespace": pool_namespace(self._site.cluster, pool)} if pool else {}
            k8s.core.v1.Secret(
                f"pool-{pool}-{name}" if pool else name,
                metadata=self._site.metadata(name, "storage", name, **more),
                type="kubernetes.io/dockerconfigjson",
                data=pulumi.Output.secret(encoded({".dockerconfigjson": login})),
                opts=options,
            )

    def _volumes(self, config: Config) -> None:
        """Claims of all servers. One whose server is no longer wanted stays with its data until the namespace goes: this stack runs first,
        when the server's pod still has it, and a number in bdc.yaml is no order to delete data.
        """
        kept = pulumi.ResourceOptions.merge(self._inside, pulumi.ResourceOptions(retain_on_delete=True))
        for count, workload, part, size in (
            (config.storage.namenodes, "namenode", "storage", config.storage.namenode_volume),
            (config.storage.datanodes, "datanode", "storage", config.storage.datanode_volume),
            (config.master.replicas, "master", "master", config.master.volume),
        ):
            for index in range(count):
                name = f"data-{workload}-{index}"
                spec: dict[str, object] = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}}
                if self._site.storage_class:
                    spec["storageClassName"] = self._site.storage_class
                k8s.core.v1.PersistentVolumeClaim(name, metadata=self._site.metadata(name, part, workload), spec=spec, opts=kept)


def program(config: Config, site: StackContext) -> None:
    """The Pulumi program of the stack `<cluster>-data`."""
    Data(config, site)
    pulumi.export("tls", site.tls)
