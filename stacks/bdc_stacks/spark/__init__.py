"""Spark: what applications find in the cluster, the history server, Spark Connect, and the pools."""
