"""The files of a SHAP ranking: the four tables of the original, as TSV and NPZ, and as pickles for its notebooks.

Pickles are written where they are asked for and never read.
"""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

import numpy as np
from genotool.persist import save_arrays
from genotool.run import Run, write_atomically

from genotool_transcriptome.ranking import by_rule, medians, ranks_of_samples, ranks_of_tissues

if TYPE_CHECKING:
    from genotool_transcriptome.ranking import Shap

__all__ = ["export", "write_shap"]


def export(run: Run, name: str, content: Any) -> None:
    """Write an object as a pickle, as the original's notebooks read it."""
    write_atomically(run.file(f"{name}.pkl"), pickle.dumps(content, protocol=4))


def write_shap(run: Run, number: int, shap: Shap, *, pickles: bool = False) -> None:
    """Write the tables of one fold.

    ``shap_scores-N.npz``: (samples, genes) values and (samples, genes) ranks within each sample. ``shap_scores-N.tsv``:
    the median size of each gene's value in each tissue. ``ranks-N.tsv``: the genes of each tissue, the highest first.
    ``shap_genes-N.tsv``: the genes that the original's rule chooses.
    """
    held, median = medians(shap.values, shap.target, len(shap.classes))
    names = [shap.classes[code] for code in held.tolist()]
    order = ranks_of_tissues(median)
    chosen = np.sort(shap.genes[by_rule(order)])
    arrays = {
        "values": shap.values, "ranks": ranks_of_samples(shap.values), "genes": shap.genes, "ids": shap.ids,
        "target": shap.target, "classes": np.array(shap.classes), "left_out": np.array(shap.wrong, dtype=np.str_),
    }  # fmt: skip
    save_arrays(run.file(f"shap_scores-{number}.npz"), arrays)
    run.write_table(
        f"shap_scores-{number}.tsv",
        ("gene", *names),
        ((gene, *map(float, row)) for gene, row in zip(shap.genes.tolist(), median.T, strict=True)),
    )
    run.write_table(f"ranks-{number}.tsv", ("rank", *names), _ranked(shap, order))
    run.write_table(f"shap_genes-{number}.tsv", ("gene",), ((gene,) for gene in chosen.tolist()))
    if pickles:
        _pickled(run, number, shap, names, order, chosen)


def _ranked(shap: Shap, order: Any) -> Any:
    for place, row in enumerate(order.T.tolist(), start=1):
        yield (place, *(shap.genes[gene] for gene in row))


def _pickled(run: Run, number: int, shap: Shap, names: list[str], order: Any, chosen: Any) -> None:
    import pandas as pd

    scores = pd.DataFrame(shap.values, index=pd.Index(shap.ids, name="id"), columns=shap.genes)
    scores["true_label"] = [shap.classes[code] for code in shap.target.tolist()]
    export(run, f"shap_scores-{number}", scores)
    export(run, f"ranks-{number}", pd.DataFrame({n: shap.genes[row] for n, row in zip(names, order, strict=True)}))
    export(run, f"shap_genes-{number}", chosen)
