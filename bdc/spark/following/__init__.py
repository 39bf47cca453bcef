"""What an application does: states, lines and progress while it runs, and why it failed."""
