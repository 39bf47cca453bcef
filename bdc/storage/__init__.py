"""HDFS through HttpFS: the storage pool's files as a library. Start at `Hdfs`."""

from bdc.storage.files import Status, Usage
from bdc.storage.hdfs import CopyOptions, Hdfs
from bdc.storage.transfer import Progress, Transfer

__all__ = ["CopyOptions", "Hdfs", "Progress", "Status", "Transfer", "Usage"]
