"""WebSockets to the subresources of pods that are streams (attach, portforward), with the kubeconfig's credentials.

https://kubernetes.io/docs/reference/using-api/api-concepts/
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from bdc.kube.client import Kube
from bdc.kube.rest import tls_context

if TYPE_CHECKING:
    from aiohttp import ClientSession, ClientWebSocketResponse


def http(kube: Kube) -> ClientSession:
    """A session for `connect`; to be closed."""
    import aiohttp

    connector = aiohttp.TCPConnector(limit=0, ssl=tls_context(kube.access))
    return aiohttp.ClientSession(connector=connector, trust_env=False)


async def connect(
    session: ClientSession, kube: Kube, path: str, query: Mapping[str, str], protocols: Sequence[str], *, again: bool = True
) -> ClientWebSocketResponse:
    """Open one. Raises aiohttp.ClientError: a WSServerHandshakeError with the server's status where it refuses."""
    import aiohttp

    access = kube.access
    header = await asyncio.to_thread(access.credentials.header)
    try:
        return await session.ws_connect(
            f"{access.server}{path}",
            params=query,
            protocols=protocols,
            headers={"Authorization": header} if header else {},
            proxy=access.proxy_url,
            max_msg_size=0,
            timeout=aiohttp.ClientWSTimeout(ws_close=2),
            server_hostname=access.tls_server_name,
        )
    except aiohttp.WSServerHandshakeError as error:
        if error.status == 401 and again and access.credentials.renew():
            return await connect(session, kube, path, query, protocols, again=False)
        raise


def refusal(error: Exception, subresource: str) -> str:
    """Why the API server did not open one, in words."""
    status = getattr(error, "status", None)
    if status == 403:
        return f'the kubeconfig may not "create" {subresource}'
    if status == 401:
        return "the Kubernetes API does not accept the kubeconfig's credentials"
    return str(error)
