"""What PL/Python makes of numpy's numbers: it takes repr() of a float and str() of anything else, in lists one by one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[3] / "images" / "postgres" / "python"
PROGRAM = """
import os, sys
exe = os.readlink
os.readlink = lambda path: {exe!r} if path == "/proc/self/exe" else exe(path)
{start}
assert "numpy" not in sys.modules, "nobody has asked for it"
import numpy
values = [numpy.float64(0.1), numpy.float64("nan"), numpy.float64(1e300)]
print(*map(repr, values), str([values[0], numpy.int64(2)]), repr(numpy.arange(2.0)[1]))
"""


def printed(exe: str) -> str:
    start = (FOLDER / "bdc_plpython.pth").read_text()
    program = PROGRAM.format(exe=exe, start=start)
    environment = os.environ | {"PYTHONPATH": str(FOLDER), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True).stdout.strip()


def test_numpys_numbers_are_numbers_in_postgresql() -> None:
    assert printed("/usr/lib/postgresql/17/bin/postgres") == "0.1 nan 1e+300 [0.1, 2] 1.0"


@pytest.mark.parametrize("exe", ["/usr/bin/python3.13", "/usr/lib/postgresql/17/bin/pg_ctl"])
def test_other_programs_are_left_alone(exe: str) -> None:
    assert printed(exe).startswith("np.float64(0.1) ")
