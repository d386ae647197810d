"""Split: which part of a data set each row belongs to, how that was decided, and what it leaves open.

A group (gene, donor, locus) goes to a part by ``hash(seed, group)`` alone, so one assignment holds for all
data sets: a gene never trains in one cell line and tests in another, whatever order the sets come in.
"""

from genotool.split.files import from_file
from genotool.split.methods import METHODS, by_group, by_row, by_units, choose, default_method, published, stratified
from genotool.split.parts import Fractions, Part, Split, hash_fraction
from genotool.split.units import is_by_units

__all__ = [
    "METHODS", "Fractions", "Part", "Split", "by_group", "by_row", "by_units", "choose", "default_method", "from_file",
    "hash_fraction", "is_by_units", "published", "stratified",
]  # fmt: skip
