"""The Secret that pods pull with: from the login the first time, then left alone."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from bdc.config.load import load
from bdc.config.model import Config
from bdc.errors import UsageError
from bdc.kube import ApiNotFoundError
from bdc.lifecycle import pull_secret

HOST = "registry.example.org"


def config(**values: str) -> Config:
    return load(file=None, cluster=None, overrides={f"images.{key}": value for key, value in values.items()}, env={}).config


class Api:
    """Has one Secret, or none."""

    def __init__(self, secret: dict[str, Any] | None) -> None:
        self._secret = secret

    def request(self, method: str, path: str) -> dict[str, Any]:
        assert (method, path) == ("GET", "/api/v1/namespaces/bdc/secrets/login")
        if self._secret is None:
            raise ApiNotFoundError(404, "NotFound", "no such secret")
        return self._secret


def secret(text: str, **labels: str) -> dict[str, Any]:
    return {"metadata": {"labels": labels or None}, "data": {".dockerconfigjson": base64.b64encode(text.encode()).decode()}}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("REGISTRY_AUTH_FILE", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    return tmp_path


def pull_login(chosen: Config, there: dict[str, Any] | None) -> str | None:
    return pull_secret.login(chosen, Api(there))  # type: ignore[arg-type]


def test_the_secret_comes_from_the_login_the_first_time(home: Path) -> None:
    wanted = config(registry=f"{HOST}/bdc", pull_secret="login")
    with pytest.raises(UsageError, match=f"no login for {HOST}"):
        pull_login(wanted, None)
    (home / "config.json").write_text(json.dumps({"auths": {HOST: {"auth": "dTpw"}, "other.example.org": {"auth": "eDp5"}}}))
    assert json.loads(pull_login(wanted, None) or "") == {"auths": {HOST: {"auth": "dTpw"}}}


def test_a_secret_that_is_there_stays(home: Path) -> None:
    wanted = config(registry=HOST, pull_secret="login")
    ours = secret("{}", **{"app.kubernetes.io/managed-by": "bdc"})
    assert pull_login(wanted, ours) == "{}"
    assert pull_login(wanted, secret("{}")) is None
    assert pull_login(config(registry=HOST), None) is None


def test_a_pull_secret_without_a_registry_is_refused() -> None:
    with pytest.raises(UsageError, match="come from no registry"):
        config(pull_secret="login")
