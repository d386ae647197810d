"""The report on gene lists: which genes, whether they beat random ones, and what a tiny p of the t-test means."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from genotool.errors import InputError
from genotool.report.render import write_report
from genotool.run import Run

TEST: dict[str, Any] = {"null_mean": 0.919, "null_sd": 0.005, "null_95": 0.927, "t": -28.0}
TESTS: dict[str, Any] = {
    "format": 1, "sample": "out of sample: genes chosen on other rows", "draws": 400, "scores": {"all genes": 0.914},
    "tests": [
        {**TEST, "method": "lightgbm", "genes": 100, "score": 0.931, "p": 0.0025, "holm": 0.005, "t_p": 2e-229,
         "verdict": "above"},
        {**TEST, "method": "shap-rule", "genes": 362, "score": 0.926, "p": 0.0723, "holm": 0.0723, "t_p": 4.2e-97,
         "verdict": "within"},
    ],
}  # fmt: skip
RANKING = {"format": 1, "folds": 2, "rows_that_chose": [30, 30], "rows_left": [30, 30], "said": ["expected gradients"]}
LISTS = [("1", "anova", ["b", "a", "c"]), ("2", "anova", ["b", "c", "a"]), ("1", "shap", ["c", "b", "a"]),
         ("2", "shap", ["c", "b", "a"])]  # fmt: skip


def page(folder: Path, tables: dict[str, tuple[tuple[str, ...], list[Any]]] | None = None, **files: Any) -> str:
    run = Run.create(folder, verb="transcriptome test", family="transcriptome")
    with run:
        for stem, content in files.items():
            run.write_json(f"{stem}.json", content)
        for stem, (header, rows) in (tables or {}).items():
            run.write_table(f"{stem}.tsv", header, rows)
    return re.sub(r"\s+", " ", write_report(folder).read_text())


def test_the_verdict_is_the_permutation_test_s_and_the_t_test_is_explained(tmp_path: Path) -> None:
    text = page(tmp_path / "run", tests=TESTS)
    rows = re.findall(r"<tr>.*?</tr>", text)
    (above,) = [row for row in rows if "lightgbm" in row and "0.931" in row]
    (within,) = [row for row in rows if "shap-rule" in row and "0.926" in row]
    assert "better than random genes" in above
    assert "no better than random genes may be" in within
    assert "here shap-rule: 4.2e-97, and its permutation p is 0.072" in text
    assert "All genes reach 0.914" in text
    assert "too few" not in text
    assert "20 random sets give no p below 0.048" in page(tmp_path / "few", tests={**TESTS, "draws": 20})


def test_the_lists_are_shown_in_the_order_of_mean_ranks_with_how_far_they_agree(tmp_path: Path) -> None:
    rows = [(fold, m, at, gene, 1.0) for fold, m, genes in LISTS for at, gene in enumerate(genes, start=1)]
    text = page(
        tmp_path / "run", {"gene_lists": (("fold", "method", "rank", "gene", "score"), rows)}, ranking=RANKING,
        tests={**TESTS, "sample": "IN SAMPLE: genes chosen on the very rows"},
    )  # fmt: skip
    first = next(row for row in re.findall(r"<tr>.*?</tr>", text) if re.search(r">\s*1\s*<", row) and ">b<" in row)
    assert first.index(">b<") < first.index(">c<"), "anova's first gene, then shap's"
    assert "30 left to be clustered" in text
    assert re.search(r'class="notice bad"[^>]*>\s*IN SAMPLE', text), "in-sample scores are said to be"


def test_a_damaged_test_is_named_and_the_rest_is_shown(tmp_path: Path) -> None:
    broken = {**TESTS, "tests": [{"method": 3, "genes": "many"}], "scores": []}
    with pytest.raises(InputError, match=r"tests\.json"):
        page(tmp_path / "run", tests=broken, ranking=RANKING)
    text = (tmp_path / "run/report.html").read_text()
    assert "Which genes?" in text
    assert "damaged" in text


def test_a_model_of_many_classes_says_which_it_cannot_tell(tmp_path: Path) -> None:
    target = ["leaf", "leaf", "root", "root", "silk", "silk"]
    found = [0, 0, 1, 2, 2, 2]
    rows = [[f"s{n}", "test", word, *np.eye(3)[code]] for n, (word, code) in enumerate(zip(target, found, strict=True))]
    run = Run.create(tmp_path / "run", verb="train", family="transcriptome", task="multiclass",
                     data=[{"name": "made", "classes": ["leaf", "root", "silk"]}])  # fmt: skip
    with run:
        run.write_table("predictions.tsv", ["id", "split", "target", "score_leaf", "score_root", "score_silk"], rows)
        run.write_json("metrics.json", {"format": 1, "task": "multiclass", "test": {"n": 6, "metrics": {}}})
    text = re.sub(r"\s+", " ", write_report(tmp_path / "run").read_text())
    part = text[text.index("each class, the hardest first") :]
    words = re.sub(r"<[^>]+>", " ", part[: part.index("</table>")]).split()
    assert words[words.index("root") :][:8] == ["root", "2", "1.000", "0.500", "0.667", "silk", "(1)", "silk"]
    assert words[words.index("leaf") :][:6] == ["leaf", "2", "1.000", "1.000", "1.000", "–"]


def test_tissues_that_the_other_set_or_the_model_lacks_are_named(tmp_path: Path) -> None:
    measured = {"n": 56, "metrics": {}, "classes_unknown": {"tassel": 8}, "classes_absent": ["anther"]}
    run = Run.create(tmp_path / "run", verb="evaluate", family="transcriptome", task="multiclass")
    with run:
        run.write_json("metrics.json", {"format": 1, "task": "multiclass", "sets": {"atlas": measured}})
    text = write_report(tmp_path / "run").read_text()
    assert "unknown to the model, and left out: tassel (8 rows); known to the model, and not in the set: anther" in text
