"""Submits many applications from one process through `bdc.spark`; prints the seconds that it took.

flood.py COUNT THREADS FILE
"""

import sys
import time
from concurrent.futures import ThreadPoolExecutor

from bdc.spark import Application, Client

count, threads, file = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
client = Client()
client.submit(Application(file, name="flood-warm"))
began = time.monotonic()
with ThreadPoolExecutor(threads) as pool:
    made = list(pool.map(lambda number: client.submit(Application(file, name=f"flood-{number}")).name, range(count)))
assert len(set(made)) == count
print(time.monotonic() - began)  # noqa: T201
