"""The federation: Trino, and the servers before it that speak PostgreSQL's protocol."""
