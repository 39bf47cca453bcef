"""The Pulumi programs: one component per part of a cluster, and the two programs that put them together.

`data` makes what outlives `bdc down` (namespace, volumes, generated Secrets, CA), `platform` the workloads. Components take one typed
section of bdc.yaml and the `StackContext` they stand on, and give what others need as attributes. Only pulumi_kubernetes and
bdc.config are used.
"""
