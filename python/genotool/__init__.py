"""genotool: deep models on genomic data, and whether they are real.

Importing this package imports neither NumPy nor a deep-learning framework.
"""

from importlib.metadata import PackageNotFoundError, version

import pluggy

__all__ = ["__version__", "hookimpl"]

try:
    __version__ = version("genotool")
except PackageNotFoundError:  # a source tree that was never installed
    __version__ = "0+unknown"

hookimpl = pluggy.HookimplMarker("genotool")
