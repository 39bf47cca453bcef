from __future__ import annotations

import json
from typing import Any

from bdc.sql.external.explain import TRINO, Operator, operators, stayed

Node = dict[str, Any]


def node(name: str, *children: Node, **descriptor: str) -> Node:
    return {"name": name, "descriptor": descriptor, "children": list(children)}


def scan(catalog: str, what: str = "public.orders sales.public.orders columns=[a:integer:int4]") -> Node:
    return node("TableScan", table=f"{catalog}:{what}")


SALES, SHOP, LAKE = "ext_sales_0123456789", "ext_web_shop_abcdef0123", "lake"


def found(plan: Node) -> list[Operator]:
    return operators(json.dumps(plan))


def test_what_a_source_runs_is_told_in_its_own_words() -> None:
    query = 'SELECT "a", count(*) AS "_pfgnrtd_0" FROM "orders" WHERE "b" = ARRAY[1] GROUP BY "a"'
    assert found(node("Output", node("Project", scan(SALES, f"Query[{query}] columns=[a:integer:int4]")))) == [
        Operator("sales", "query", query, "sales")
    ]


def test_partial_and_final_steps_are_one_operator() -> None:
    plan = node("Aggregate", node("LocalExchange", node("Aggregate", scan(SALES), type="PARTIAL", keys="[a]")), type="FINAL", keys="[a]")
    assert [(one.kind, one.detail) for one in found(plan) if one.where == TRINO] == [("aggregate", "keys [a]")]


def test_an_operator_over_one_source_might_have_run_there() -> None:
    joined = node("InnerJoin", scan(SALES), scan(SHOP), criteria="(a = b)")
    assert [one.kind for one in stayed(found(node("TopN", joined, count="3")))] == []
    own = node("InnerJoin", scan(SALES), scan(SALES, "public.people"), criteria="(a = b)")
    assert stayed(found(node("TopN", node("InnerJoin", own, scan(SHOP)), count="3"))) == [Operator(TRINO, "join", "on (a = b)", "sales")]


def test_filters_that_filter_nothing_and_what_is_the_lakes_dont_count() -> None:
    plan = node("ScanFilterProject", node("ScanFilter", filterPredicate="(a > 1)", table=f"{LAKE}:demo.flights"), filterPredicate="")
    assert found(plan) == [Operator(TRINO, "filter", "where (a > 1)"), Operator(TRINO, "scan", f"{LAKE}:demo.flights")]
    assert stayed(found(plan)) == []


def test_a_filter_in_a_scan_of_a_source_stayed_in_trino() -> None:
    plan = node("ScanFilter", table=f"{SHOP}:shop.visits", filterPredicate="(page LIKE 'a%')")
    assert stayed(found(plan)) == [Operator(TRINO, "filter", "where (page LIKE 'a%')", "web_shop")]
