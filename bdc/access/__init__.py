"""Who may come in: ordinary users, the credentials of the cluster, and the way into its SQL master that needs none."""
