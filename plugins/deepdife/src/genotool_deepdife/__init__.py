"""genotool's family for cis-regulatory DNA (DeepDifE, Opdebeeck et al. 2025, bioRxiv)."""

from genotool import hookimpl
from genotool.hookspecs import Spec

__all__ = ["genotool_datasets", "genotool_families", "genotool_recipes"]


@hookimpl
def genotool_families() -> list[Spec]:
    """Return the family."""
    return [
        Spec(
            "deepdife",
            "promoters to differential expression: CNN of both strands, augmented",
            "family",
            "genotool_deepdife.family:PromoterFamily",
        )
    ]


@hookimpl
def genotool_datasets() -> list[Spec]:
    """Return the simulated promoters."""
    return [
        Spec(
            "demo-promoters",
            "simulated promoters with planted motifs",
            "folder",
            "genotool_deepdife:demo-promoters/catalogue.toml",
        )
    ]


@hookimpl
def genotool_recipes() -> list[Spec]:
    """Return the recipe of `genotool run deepdife` and the family's own commands."""
    return [
        Spec(
            "deepdife",
            "audit, cross-validate by gene family, evaluate elsewhere, explain, report",
            "recipe",
            "genotool_deepdife.recipe:PromoterRecipe",
        ),
        Spec("deepdife", "motifs that a promoter model reads", "commands", "genotool_deepdife.commands:app"),
    ]
