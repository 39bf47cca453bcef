"""The container images: what they are, building them, and putting them where a cluster finds them.

Own code for the order, the tags and the store; the building is done by docker, nerdctl or buildah.
"""

from bdc.images.builder import ensure_builder
from bdc.images.building import build, missing
from bdc.images.containerd import load
from bdc.images.oci_layout import layout
from bdc.images.registry import UnaskedError, absent, place, push
from bdc.images.registry_login import login, pull_secret
from bdc.images.spec import Image, ImageSpec, images, references

__all__ = [
    "Image",
    "ImageSpec",
    "UnaskedError",
    "absent",
    "build",
    "ensure_builder",
    "images",
    "layout",
    "load",
    "login",
    "missing",
    "place",
    "pull_secret",
    "push",
    "references",
]
