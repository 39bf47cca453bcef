"""Names in a running cluster, known to the stacks that make the objects and to the use cases that look for them.

The namespace of a cluster is its name. Everything in it carries these labels:

* `app.kubernetes.io/managed-by: bdc`
* `app.kubernetes.io/instance: <cluster>`
* `app.kubernetes.io/part-of: <part>`, one of `bdc.config.workloads.PARTS`
* `app.kubernetes.io/component: <workload>`, e.g. `namenode`
"""

from __future__ import annotations

MANAGED_BY = "app.kubernetes.io/managed-by"
INSTANCE = "app.kubernetes.io/instance"
PART = "app.kubernetes.io/part-of"
COMPONENT = "app.kubernetes.io/component"

NAMESERVICE = "bdc"
"""HDFS nameservice: paths are hdfs://bdc/... whether there is one NameNode or three."""

NAMENODE_HTTP_PORT = 9870
"""Where a NameNode has WebHDFS and JMX."""

CREDENTIALS = "credentials"
"""Secret with keys username, password (master, Trino, HttpFS, history) and token (Spark Connect)."""

MASTER_CREDENTIALS = "master-credentials"
"""Secret with keys superuser-password, replication-password, metastore-password, trino-password."""

MASTER_LAG_BYTES = 64 * 2**20
"""How much WAL a replica of the master may not have replayed yet and still be ready, which is to answer at the read-only endpoint."""

MASTER_ACCESS, MASTER_ACCESS_PATH = "master-access", "/etc/bdc/master"
"""Secret by which Spark applications get into the SQL master, where they are: keys pgpass and ca.crt; and where it is mounted."""

FEDERATION_INTERNAL = "federation-internal"
"""Secret with key shared-secret, by which Trino's servers know each other."""

TRINO_PASSWORDS = "federation-passwords"
"""Secret with key password.db, Trino's password file; it follows from `credentials` and the Secrets of Spark's and the gateway's roles."""

EXTERNAL_CREDENTIALS, EXTERNAL_CREDENTIALS_PATH = "external-credentials", "/etc/bdc/external"
"""Secret with the passwords of external data sources, each by a key of its own that never changes its value; and where Trino has it."""

DRIVERS = "/drivers"
"""Folder on HDFS with the jars of JDBC drivers, for databases that have no connector of their own."""

USERS, USERS_OF_TRINO, USERS_OF_PROXIES = "users", "trino.db", "door.map"
"""Secret with what ordinary users' passwords are known by: a password file of Trino's, a map of HAProxy's."""

USER, USER_ROLE = "bdc.dev/user", "user"
"""Label of what is an ordinary user's, and the Role that such users have in the pools that are open to them."""

CA = "ca"
"""Secret with keys ca.crt and ca.key: the cluster's own certificate authority."""

CONFIGURATION = "configuration"
"""ConfigMap with the configuration that the last finished `bdc up` applied."""

ROTATION = "rotation"
"""Secret that is there while credentials are being rotated: the new values, by `<Secret>.<key>`."""

HADOOP_CONF = "hadoop-conf"
"""ConfigMap with core-site.xml and hdfs-site.xml for every HDFS client in the cluster (mounted at /etc/hadoop)."""

SPARK_CONF = "spark-conf"
"""ConfigMap with spark-defaults.conf, hive-site.xml, log4j2.properties, executor.yaml for drivers (mounted at /etc/spark)."""

CONNECT_SERVICE, CONNECT_PORT = "connect", 15002
"""Service of Spark Connect inside the cluster, and its port; TLS and token as from outside."""

POOL = "bdc.dev/pool"
"""Label of the namespace of a Spark pool, and of what is the pool's: its name."""

APPLICATION = "bdc.dev/application"
"""Label: the application's name; on what belongs to a schedule, the schedule's; on Spark Connect's in a pool, `spark-connect`."""

POOL_GATE = "bdc.dev/pool"
"""Scheduling gate of the executors of a pool with bounds: it opens when there is room."""

IMAGES = ("hadoop", "hive-metastore", "spark", "trino", "postgres", "proxy", "bdc")
"""The images that pods of a cluster run."""

GATEWAY_ROLE = "gateway"
"""Whom the SQL gateway is at the master, where it may see who may log in, and in Trino, where it asks in the name of users."""

SPARK_ACCOUNT = "spark"
"""ServiceAccount of Spark drivers: manages pods, services, configmaps of its own namespace, the cluster's or a pool's."""


def pool_namespace(cluster: str, pool: str) -> str:
    """The namespace of a Spark pool; no cluster has such a name."""
    return f"{cluster}-pool-{pool}"


def spark_role(pool: str = "") -> str:
    """The role of the SQL master that Spark's applications have, in the cluster's namespace or a pool's."""
    return f"spark-{pool}" if pool else "spark"


def role_secret(role: str) -> str:
    """The Secret in the cluster's namespace with the key password of such a role, or of the SQL gateway's."""
    return f"master-{role}"


def pool_token(pool: str) -> str:
    """The Secret with the key token of a pool's Spark Connect: in the cluster's namespace, where the door knows the pool by it, and in the
    pool's, where it has ca.crt, too.
    """
    return f"connect-{pool}"


def namenode_hosts(namespace: str, replicas: int = 1) -> list[str]:
    """Where the NameNodes are inside the cluster, by their ordinals."""
    return [f"namenode-{ordinal}.namenode.{namespace}.svc" for ordinal in range(replicas)]


def user_account(user: str) -> str:
    """The ServiceAccount of an ordinary user, in the cluster's namespace, and the RoleBinding in each pool's."""
    return f"user-{user}"


def labels(cluster: str, part: str, component: str) -> dict[str, str]:
    """The labels of one workload's objects and pods."""
    return {MANAGED_BY: "bdc", INSTANCE: cluster, PART: part, COMPONENT: component}


def selector(cluster: str, component: str) -> dict[str, str]:
    """The labels that select one workload's pods."""
    return {INSTANCE: cluster, COMPONENT: component}
