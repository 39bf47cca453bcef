"""Trino's REST protocol, below all who ask it: `protocol` is what is said, `client` says it for short queries and probes.

https://trino.io/docs/current/develop/client-protocol.html. `bdc.sql.pgwire.trino` speaks it over aiohttp, for hundreds of streams at
once; `bdc.sql.federation` through Trino's own client, which keeps a session's catalog, schema and properties.
"""
