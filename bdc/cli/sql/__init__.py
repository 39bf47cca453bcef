"""`bdc sql`: statements, the shell, external data, what there is."""
