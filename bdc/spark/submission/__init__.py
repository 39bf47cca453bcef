"""From an application to the objects that run it: files on HDFS, manifests, and the requests that make them."""
