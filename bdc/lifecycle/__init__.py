"""Brings a cluster up, says what would change, takes it down: what `bdc up`, `plan` and `down` do."""
