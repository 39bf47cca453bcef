"""bdc: an open big-data cluster on Kubernetes."""

__version__ = "0.1.0"
