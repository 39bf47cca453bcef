"""Runs a stack program on Pulumi's mocks and keeps every object that it declares, as plain data."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pulumi
import pytest
from pulumi.runtime import rpc

from bdc.config.load import load
from bdc.config.model import Config, Network
from bdc.config.workloads import certified_names
from bdc_stacks.stack_context import StackContext

Json = dict[str, Any]

IMAGES = {name: f"bdc.local/{name}:0123456789ab" for name in ("hadoop", "hive-metastore", "spark", "trino", "postgres", "proxy", "bdc")}

EVERYTHING = load(file=None, cluster=None, overrides={"federation.workers": "1", "spark.pools.etl.max_cpu": "4"}, env={}).config
"""A cluster with every optional workload."""


def site(config: Config, **more: Any) -> StackContext:
    """A site with made-up images."""
    return StackContext(
        cluster=config.name,
        images=IMAGES,
        network=config.network,
        services=certified_names(config),
        addresses=("192.0.2.10",),
        nodes=("192.0.2.10",),
        **more,
    )


def declared(
    program: Callable[[Config, StackContext], None], config: Config, where: StackContext | None = None
) -> dict[tuple[str, str], Json]:
    """The objects of a program by (kind, name); of those in a pool's namespace the name is `namespace/name`."""
    objects: dict[tuple[str, str], Json] = {}

    class Mocks(pulumi.runtime.Mocks):
        def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str | None, Json]:
            if args.typ.startswith("kubernetes:"):
                kind = args.typ.rsplit(":", 1)[1]
                name, where = args.inputs["metadata"]["name"], args.inputs["metadata"].get("namespace", "")
                key = (kind, f"{where}/{name}" if "-pool-" in where else name)
                assert key not in objects, f"{key} is declared twice"
                objects[key] = _plain(args.inputs)
            return args.name, args.inputs

        def call(self, args: pulumi.runtime.MockCallArgs) -> tuple[Json, list[tuple[str, str]] | None]:
            raise AssertionError(f"a program called {args.token}")

    with _loops():
        pulumi.runtime.set_mocks(Mocks(), preview=False)
        pulumi.runtime.test(lambda: program(config, where or site(config)))()  # type: ignore[no-untyped-call]
    return objects


def _plain(value: Any) -> Any:
    """A value as the API server would see it: secrets unwrapped, whole numbers as integers."""
    if isinstance(value, dict):
        return _plain(value["value"]) if rpc._special_sig_key in value else {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


@contextmanager
def _loops() -> Iterator[None]:
    """Pulumi makes event loops and never closes them."""
    made: list[asyncio.AbstractEventLoop] = []
    new = asyncio.new_event_loop

    def remember() -> asyncio.AbstractEventLoop:
        made.append(new())
        return made[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(asyncio, "new_event_loop", remember)
        patch.setattr(asyncio.events, "new_event_loop", remember)
        asyncio.set_event_loop(remember())
        try:
            yield
        finally:
            asyncio.set_event_loop(None)
            for loop in made:
                loop.close()


def templates(objects: dict[tuple[str, str], Json]) -> dict[str, Json]:
    """Pod templates by `Kind/name`."""
    return {f"{kind}/{name}": item["spec"]["template"] for (kind, name), item in objects.items() if "template" in item.get("spec", {})}


def network(expose: str) -> Network:
    """A network section."""
    return Network.model_validate({"expose": expose})
