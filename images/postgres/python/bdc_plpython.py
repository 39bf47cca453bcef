"""Lets PL/Python functions return numpy's numbers. Runs when a Python starts (bdc_plpython.pth), and does nothing outside of PostgreSQL.

PL/Python makes a result's text by repr() where it is a float (PostgreSQL 17, src/pl/plpython/plpy_typeio.c, PLyObject_AsString), which
numpy.float64 is, and numpy 2 writes np.float64(0.1) (NEP 51): no number to PostgreSQL. So numpy writes its scalars as 1.25 did, in lists,
too. Nothing else is changed, and numpy isn't loaded before somebody needs it.
"""

import importlib.abc
import importlib.machinery
import os
import sys


class Numpy(importlib.abc.MetaPathFinder):
    """Finds numpy as it is found without it, and sets it up once it is loaded."""

    def find_spec(self, name, path=None, target=None):
        if name != "numpy":
            return None
        sys.meta_path.remove(self)
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is None or spec.loader is None:
            return spec
        load = spec.loader.exec_module

        def loaded(module):
            load(module)
            module.set_printoptions(legacy="1.25")

        spec.loader.exec_module = loaded
        return spec


def in_postgres():
    try:
        return os.readlink("/proc/self/exe").endswith("/postgres")  # noqa: PTH115, pathlib would be loaded at every start
    except OSError:
        return False


if in_postgres():
    sys.meta_path.insert(0, Numpy())
