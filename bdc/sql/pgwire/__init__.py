"""The federation for PostgreSQL's clients: a server that speaks their protocol and asks Trino.

    client -> connection (TLS, SCRAM) -> session (statements, portals, cursors) -> translate -> Trino
                                                                                \\-> the master, for what its catalogs know

`wire` is the protocol's format, `values` that of values, `translate` the dialect, `trino` the stream of rows, `catalogs` who may log in
and what the system catalogs say. Nothing is kept: a gateway may be killed at any time, and there may be several.
See docs/adr/0020-gateway.md.
"""
