"""The users of pods are those of their images."""

from __future__ import annotations

import re

import pytest

from bdc.config.names import IMAGES
from bdc.config.paths import resources
from bdc.config.restricted import UIDS, pod_security


@pytest.mark.parametrize("image", IMAGES)
def test_an_image_runs_as_its_user(image: str) -> None:
    users = re.findall(r"^USER (\d+)", (resources("images") / image / "Dockerfile").read_text(), re.MULTILINE)
    assert users == [str(UIDS[image])]


def test_volumes_are_the_groups_of_who_writes_them() -> None:
    reads, writes = pod_security(185), pod_security(185, writes=True)
    assert writes == reads | {"fsGroup": 185, "fsGroupChangePolicy": "OnRootMismatch"}
