"""genotool's family for sgRNA efficacy (RNAS-sgRNA, Rafiq and Assad 2025, J Comput Biol)."""

from genotool import hookimpl
from genotool.hookspecs import Spec

__all__ = ["genotool_datasets", "genotool_families", "genotool_recipes"]


@hookimpl
def genotool_families() -> list[Spec]:
    """Return the family."""
    return [
        Spec(
            "sgrna",
            "sgRNA efficacy from the guide: searched CNN, transferred to cell lines",
            "family",
            "genotool_sgrna.family:GuideFamily",
        )
    ]


@hookimpl
def genotool_datasets() -> list[Spec]:
    """Return the simulated demo and the registry of public sets."""
    return [
        Spec("demo", "simulated guides with a known truth", "folder", "genotool_sgrna:demo/catalogue.toml"),
        Spec("sgrna", "public sgRNA sets, downloaded on demand", "registry", "genotool_sgrna:registry.toml"),
    ]


@hookimpl
def genotool_recipes() -> list[Spec]:
    """Return the recipe of `genotool run sgrna` and the family's own commands."""
    return [
        Spec(
            "sgrna",
            "audit, search on the benchmark, transfer to cell lines, generalise, explain, report",
            "recipe",
            "genotool_sgrna.recipe:GuideRecipe",
        ),
        Spec("sgrna", "statistics of guide sets", "commands", "genotool_sgrna.commands:app"),
    ]
