"""The storage pool: HDFS, and HttpFS before it."""
