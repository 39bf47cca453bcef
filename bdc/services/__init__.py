"""What bdc runs in the cluster, one program each: `admission` lets applications begin that wait in their pools, `reconciler` keeps the
federation equal to the external data that the master defines, and `pgwire` is the federation for PostgreSQL's clients."""
