"""The offline Kubernetes plugin: what `pulumi_kubernetes` programs talk to where the official plugin can't be downloaded.

It speaks Pulumi's resource-provider protocol, for the kinds that our stacks use, with the official plugin's names, semantics and
state, so that either can take over from the other. Anything else is refused by name. See docs/architecture.md.
"""
