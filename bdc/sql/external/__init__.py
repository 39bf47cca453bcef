"""External data: sources, credentials and tables, defined in the master and made real in the federation."""
