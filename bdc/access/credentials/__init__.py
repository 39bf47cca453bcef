"""New passwords, tokens and certificates: the journal of a rotation, and carrying it out."""
