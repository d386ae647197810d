"""Two families that have nothing to do with guides: one on sequence pairs, one on a sparse matrix."""

from genotool import hookimpl
from genotool.hookspecs import Spec


@hookimpl
def genotool_families() -> list[Spec]:
    return [
        Spec(
            "toy-pairs",
            "logistic regression on the k-mers of two sequences",
            "family",
            "genotool_toys.pairs:Pairs",
        ),
        Spec("toy-matrix", "nearest centroid of standardised counts", "family", "genotool_toys.matrix:Matrix"),
    ]
