"""Guides in sequences: found, scored, ranked, annotated and written in the forms that other tools read."""

from genotool.guides.annotate import RestrictionSite, parse_sites
from genotool.guides.formats import FORMATS, Listing, lines
from genotool.guides.ranked import Ranking, ScoredSites
from genotool.guides.scan import Found, scan, score_sites

__all__ = [
    "FORMATS",
    "Found",
    "Listing",
    "Ranking",
    "RestrictionSite",
    "ScoredSites",
    "lines",
    "parse_sites",
    "scan",
    "score_sites",
]
