"""genotool's family for expression matrices (CNN-for-transcriptome; Front Genet 2023, 10.3389/fgene.2023.1190887)."""

from genotool import hookimpl
from genotool.hookspecs import Spec

__all__ = ["genotool_datasets", "genotool_families", "genotool_recipes"]


@hookimpl
def genotool_families() -> list[Spec]:
    """Return the family."""
    return [
        Spec(
            "transcriptome",
            "expression matrices to tissues: 2D CNN of genes on a square",
            "family",
            "genotool_transcriptome.family:ExpressionFamily",
        )
    ]


@hookimpl
def genotool_datasets() -> list[Spec]:
    """Return the simulated tissues."""
    return [Spec("demo-tissues", "simulated tissues", "folder", "genotool_transcriptome:demo-tissues/catalogue.toml")]


@hookimpl
def genotool_recipes() -> list[Spec]:
    """Return the recipe of `genotool run transcriptome`."""
    return [
        Spec(
            "transcriptome",
            "audit, cross-validate, evaluate elsewhere, rank genes, test them against random ones, report",
            "recipe",
            "genotool_transcriptome.recipe:ExpressionRecipe",
        ),
        Spec("transcriptome", "genes that tell tissues apart", "commands", "genotool_transcriptome.commands:app"),
    ]
