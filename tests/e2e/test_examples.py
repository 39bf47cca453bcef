"""Spark's own Python examples, as they come with PySpark, unchanged: submitted from the image, each with an answer that is known or
computed here in another way, and with executors that ran its tasks."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import pytest

from tests.e2e.support.commands import bdc, password
from tests.e2e.support.host import TestHost

pytestmark = pytest.mark.full
EXAMPLES = "local:///opt/spark/examples/src/main/python"
TEXT = "so long and thanks for all the fish\nso long so sad\n"
NUMBERS = "5 3 12\n-4 100 3\n"
LINKS = "1 2\n1 3\n1 4\n2 1\n3 1\n4 1\n"
POINTS = "".join(f"{at} 1:{x} 2:{x} 3:{x}\n" for at, x in enumerate((0.0, 0.1, 0.2, 9.0, 9.1, 9.2)))


@pytest.fixture(scope="module")
def host(prepared: None) -> Iterator[TestHost]:
    with TestHost("examples") as made:
        bdc(made, "up", timeout_seconds=1500)
        for path, text in {"text": TEXT, "numbers": NUMBERS, "links": LINKS, "data/mllib/sample_kmeans_data.txt": POINTS}.items():
            bdc(made, "hdfs", "mkdir", "-p", f"/user/bdc/{path}".rpartition("/")[0])
            bdc(made, "hdfs", "put", "-", f"/user/bdc/{path}", stdin=text)
        yield made


def table_rows(shown: str) -> list[list[str]]:
    """The cells of what DataFrame.show printed."""
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in shown.splitlines() if line.startswith("|")]


def is_pi(shown: str) -> None:
    found = re.search(r"Pi is roughly ([\d.]+)", shown)
    assert found
    assert abs(float(found[1]) - math.pi) < 0.05  # 400,000 points: 20 standard deviations


def counts_words(shown: str) -> None:
    expected = {f"{word}: {count}" for word, count in Counter(TEXT.split()).items()}
    assert expected <= set(shown.splitlines())


def sorts(shown: str) -> None:
    printed = [int(line) for line in shown.splitlines() if re.fullmatch(r"-?\d+", line)]
    assert printed == sorted(map(int, NUMBERS.split()))


def closes_the_graph(shown: str) -> None:
    rand = Random(42)
    edges: set[tuple[int, int]] = set()
    while len(edges) < 200:
        pair = rand.randrange(0, 100), rand.randrange(0, 100)
        if pair[0] != pair[1]:
            edges.add(pair)
    follow: dict[int, set[int]] = {}
    for source, target in edges:
        follow.setdefault(source, set()).add(target)
    closed = 0
    for start in follow:
        seen: set[int] = set()
        waiting = list(follow[start])
        while waiting:
            one = waiting.pop()
            if one not in seen:
                seen.add(one)
                waiting += follow.get(one, ())
        closed += len(seen)
    assert f"TC has {closed} edges" in shown


def ranks_pages(shown: str) -> None:
    links: dict[str, list[str]] = {}
    for line in LINKS.splitlines():
        links.setdefault(line.split()[0], []).append(line.split()[1])
    ranks = dict.fromkeys(links, 1.0)
    for _ in range(10):
        given: Counter[str] = Counter()
        for page, targets in links.items():
            for target in targets:
                given[target] += ranks[page] / len(targets)  # type: ignore[assignment]
        ranks = {page: 0.15 + 0.85 * value for page, value in given.items()}
    printed = {page: float(rank) for page, rank in re.findall(r"(\d) has rank: ([\d.]+)\.$", shown, re.MULTILINE)}
    assert printed == pytest.approx(ranks)


def finds_two_clusters(shown: str) -> None:
    centers = [[float(number) for number in line] for line in re.findall(r"\[([\d.]+) +([\d.]+) +([\d.]+)\]", shown)]
    assert sorted(centers) == [pytest.approx([0.1] * 3), pytest.approx([9.1] * 3)]


def correlates(shown: str) -> None:
    import numpy as np

    columns = np.array([[1, 0, 0, -2], [4, 5, 0, 3], [6, 7, 0, 8], [9, 0, 0, 1]], dtype=float)
    pearson = np.corrcoef(columns[:, 0], columns[:, 3])[0, 1]
    first = next(line for line in shown.splitlines() if line.startswith(("DenseMatrix([[", "[[")))
    assert float(re.findall(r"-?[\d.]+|nan", first)[-1]) == pytest.approx(pearson)


def is_dependent_or_not(shown: str) -> None:
    assert "degreesOfFreedom: [2, 3]" in shown
    assert "statistics: [0.75,1.5]" in shown
    first, second = map(float, re.findall(r"pValues: \[([\d.]+),([\d.]+)\]", shown)[0])
    assert first == pytest.approx(math.exp(-0.75 / 2))  # chi square with 2 degrees: exp(-x/2)
    tail = math.erfc(math.sqrt(0.75)) + math.sqrt(3 / math.pi) * math.exp(-0.75)  # with 3: erfc(sqrt(x/2)) + sqrt(2x/pi) exp(-x/2)
    assert second == pytest.approx(tail)


def predicts(shown: str) -> None:
    found = dict(re.findall(r"^\((\d), .*prediction=([\d.]+)$", shown, re.MULTILINE))
    # "spark" is the word that counts, twice more than once; ten iterations on five texts don't find it in 4 ("spark i j k").
    assert found == {"4": "0.000000", "5": "0.000000", "6": "1.000000", "7": "0.000000"}


def summarizes(shown: str) -> None:
    cells = [row[0].replace(" ", "") for row in table_rows(shown)]
    assert "{[1.0,1.0,1.0],1}" in cells
    assert "{[1.0,1.5,2.0],2}" in cells
    assert "[1.0,1.5,2.0]" in cells


def makes_tables(shown: str) -> None:
    rows = table_rows(shown)
    for row in (["1", "1"], ["2", "4"], ["3", "9"]):
        assert row in rows
    assert ["Apache Spark", "Spark"] in rows
    assert ["2023-02-28"] in rows
    assert ["9", "10"] in rows


def uses_arrow(shown: str) -> None:
    rows = table_rows(shown)
    for row in (["4.2"], ["1", "1.5"], ["2", "6.0"]):  # means over all rows, and by group
        assert row in rows
    assert ["20000102", "2", "4.0", "NULL"] in rows  # a merge in pandas


Check = Callable[[str], None]
CASES: list[tuple[str, list[str], Check]] = [
    ("pi.py", ["4"], is_pi),
    ("wordcount.py", ["text"], counts_words),
    ("sort.py", ["numbers"], sorts),
    ("transitive_closure.py", [], closes_the_graph),
    ("pagerank.py", ["links", "10"], ranks_pages),
    ("ml/kmeans_example.py", [], finds_two_clusters),
    ("ml/correlation_example.py", [], correlates),
    ("ml/chi_square_test_example.py", [], is_dependent_or_not),
    ("ml/pipeline_example.py", [], predicts),
    ("ml/summarizer_example.py", [], summarizes),
    ("sql/udtf.py", [], makes_tables),
    ("sql/arrow.py", [], uses_arrow),
]


@pytest.mark.parametrize(("example", "arguments", "check"), CASES, ids=[case[0] for case in CASES])
def test_an_example(host: TestHost, example: str, arguments: list[str], check: Check) -> None:
    name = re.sub(r"[^a-z]+", "-", example.removesuffix(".py"))
    words = ["--name", name, "--executors", "1", "--conf", "spark.default.parallelism=2"]  # each union of transitive_closure.py adds up
    done = bdc(host, "spark", "submit", f"{EXAMPLES}/{example}", *words, "--", *arguments)
    check(done.stdout)
    executors = [one for one in history(host, name) if one["id"] != "driver"]
    assert sum(one["completedTasks"] for one in executors) > 0
    bdc(host, "spark", "delete", name)


def history(host: TestHost, name: str) -> list[dict[str, Any]]:
    """An application's executors, as the history server tells."""
    [run] = json.loads(bdc(host, "spark", "history", name, "-o", "json").stdout)
    address = f"https://{host.address}:31808/api/v1/applications/{run['id']}/allexecutors"
    done = host.run(["curl", "-sk", "-u", f"bdc:{password(host)}", address], outside=True)
    assert done.returncode == 0, done.stderr
    return list(json.loads(done.stdout))
