"""Checks that a cluster gives the known answers of the flights job: exits 1 and says which one it doesn't.

python check.py        (after run.sh)
"""

import json
import subprocess
import sys
from pathlib import Path


def query(statement: str) -> list[dict[str, object]]:
    done = subprocess.run(["bdc", "sql", "query", "-o", "json", "-"], input=statement, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    return json.loads(done.stdout)


airlines = query((Path(__file__).parent / "query.sql").read_text())
totals = query("SELECT count(*) AS kept, sum(arr_delay) AS delay, count(DISTINCT month) AS months FROM lake.demo.flights")[0]
worst, best = airlines[0], airlines[-1]
found = {
    "rows kept": totals["kept"],
    "sum of arr_delay": totals["delay"],
    "months": totals["months"],
    "carriers": len(airlines),
    "worst": (worst["carrier"], worst["mean_delay"], worst["flights"]),
    "best": (best["carrier"], best["mean_delay"], best["flights"]),
}
known = {
    "rows kept": 327_346,
    "sum of arr_delay": 2_257_174,
    "months": 12,
    "carriers": 16,
    "worst": ("F9", 21.9207, 681),
    "best": ("AS", -9.9309, 709),
}
wrong = [f"{name}: {found[name]}, known: {value}" for name, value in known.items() if found[name] != value]
if wrong:
    sys.exit("\n".join(wrong))
print("all known answers: " + ", ".join(f"{name} {value}" for name, value in found.items()))
