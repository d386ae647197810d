from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from genotool import plugins
from genotool.dataset import Kind, Task
from genotool.errors import InputError, UsageError
from genotool.run import Run
from genotool.split import Part
from genotool.stages.begun import FitRequest
from genotool.stages.rows import RowsRequest
from genotool.stages.train import train
from genotool.testing import toy_dataset
from genotool.trained import find_model, open_trained

EXAMPLE = Path(__file__).parents[2] / "examples/genotool-nearest/src"


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rows = toy_dataset(Kind.SEQUENCES, Task.BINARY)
    file = tmp_path_factory.mktemp("data") / "toy.tsv"
    cells = zip(rows.columns["sequence"], rows.target.tolist(), rows.groups.tolist(), strict=True)
    file.write_text("sequence\tlabel\tgroup\n" + "".join(f"{s}\t{t}\t{g}\n" for s, t, g in cells))
    return file


@pytest.fixture(scope="module", autouse=True)
def _example() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(EXAMPLE))
        import genotool_nearest

        plugins.manager().register(genotool_nearest, name="nearest")
        plugins.specs.cache_clear()
        yield
        plugins.manager().unregister(name="nearest")
        plugins.specs.cache_clear()


@pytest.fixture(scope="module")
def fitted(table: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    family = plugins.family("nearest")
    out = tmp_path_factory.mktemp("runs") / "model"
    rows = RowsRequest(str(table))
    return train(FitRequest(rows, family, family.config_type(neighbours=3), out, floors=False)).path


@pytest.fixture
def run(fitted: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(fitted, tmp_path / "model"))


def edit(run: Path, **fields: object) -> None:
    record = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps(record | fields))


def test_a_model_comes_with_all_it_needs(run: Path) -> None:
    trained = open_trained(str(run))
    assert (trained.family.name, trained.config.neighbours, trained.task) == ("nearest", 3, Task.BINARY)
    assert 0 < trained.threshold < 1
    test = trained.load_dataset().take(trained.split.rows(Part.TEST))
    stored = {
        line.split("\t")[0]: float(line.split("\t")[-2])
        for line in (run / "predictions.tsv").read_text().splitlines()[1:]
    }
    expected = [stored[row] for row in test.ids.tolist()]
    np.testing.assert_allclose(trained.predict(test), expected, rtol=1e-5)
    assert trained.keys is not None
    assert len(trained.predict(test.take(np.arange(0)))) == 0


def test_data_that_have_changed_are_noticed(run: Path, table: Path) -> None:
    text = table.read_text()
    try:
        table.write_text(text.replace("GATTACA", "GATTACC", 1))
        with pytest.raises(InputError, match="is not what the run was trained on"):
            open_trained(str(run)).load_dataset()
    finally:
        table.write_text(text)


@pytest.mark.parametrize(
    ("fields", "error", "said"),
    [
        ({"verb": "audit"}, InputError, "a run of `audit` holds no model"),
        ({"task": "clustering"}, InputError, "names no known task .*clustering"),
        ({"task": None}, InputError, "names no known task"),
        ({"threshold": "half"}, InputError, "threshold is of the wrong type .*half"),
        ({"prior": {"trained": [2, -1], "true": [0.5, 0.5]}}, InputError, "threshold or prior is no number of use .*2"),
        ({"data": [{"kind": "guide"}]}, InputError, "names no known kind .*guide"),
        ({"data": [{"name": "toy"}]}, InputError, "the run names no data"),
        ({"family": "sgrn"}, InputError, "family that is not installed"),
        ({"config": {"neighbors": 3}}, InputError, "unknown setting 'neighbors'; did you mean 'neighbours'"),
        ({"data": []}, InputError, "the run names no data"),
    ],
)
def test_a_record_that_is_wrong(run: Path, fields: dict, error: type[Exception], said: str) -> None:
    edit(run, **fields)
    with pytest.raises(error, match=said) as caught:
        open_trained(str(run)).load_dataset()
    assert caught.value.hint


def test_an_unfinished_run_holds_no_model_yet(run: Path) -> None:
    (run / "DONE").unlink()
    edit(run, state="stopped")
    with pytest.raises(InputError, match="the run is stopped") as error:
        open_trained(str(run))
    assert "--resume" in str(error.value)


def test_a_damaged_model_file(run: Path) -> None:
    file = run / "model.npz"
    file.write_bytes(file.read_bytes()[:-200])
    trained = open_trained(str(run))
    with pytest.raises(InputError, match=r"model\.npz: not an NPZ"):
        _ = trained.model


@pytest.mark.parametrize("content", ["[]", "{}", '{"length": 3', '{"length": "x"}', ""])
def test_a_damaged_encoder(run: Path, content: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from genotool.persist import load_json
    from genotool_nearest.family import Encoder

    monkeypatch.setattr(Encoder, "load", lambda _, folder: int(load_json(folder / "encoder.json")["length"]))
    (run / "encoder").mkdir(exist_ok=True)
    (run / "encoder/encoder.json").write_text(content)
    with pytest.raises(InputError, match=r"model/encoder.*: (the encoder is damaged|not readable as JSON)") as caught:
        _ = open_trained(str(run)).encoder
    assert caught.value.hint


def test_a_run_without_its_split_makes_it_again(run: Path) -> None:
    written = open_trained(str(run)).split
    (run / "split.tsv").unlink()
    np.testing.assert_array_equal(open_trained(str(run)).split.parts, written.parts)
    record = json.loads((run / "run.json").read_text())
    edit(run, split=record["split"] | {"rows": record["split"]["rows"] | {"test": 1}})
    with pytest.raises(InputError, match="its split cannot be made again") as caught:
        _ = open_trained(str(run)).split
    assert "--no-floors" in str(caught.value)
    edit(run, shares=None)
    with pytest.raises(InputError, match="its split cannot be made again"):
        _ = open_trained(str(run)).split


def test_what_names_no_model(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no run folder, and no family of that name") as error:
        find_model("neares")
    assert "did you mean 'nearest'?" in str(error.value)
    with pytest.raises(UsageError, match="the family nearest ships no model"):
        find_model("nearest")
    with pytest.raises(InputError, match=r"no run\.json"):
        open_trained(str(tmp_path))


def test_a_recipe_folder_stands_for_its_one_model(tmp_path: Path) -> None:
    recipe = tmp_path / "recipe"
    with Run.create(recipe, verb="run") as made:
        made.write_json("summary.json", {"models": {"HCT116": "steps/03-transfer-hct116"}})
    assert find_model(str(recipe)) == recipe / "steps/03-transfer-hct116"
    made.write_json("summary.json", {"models": {"HCT116": "a", "HeLa": "b"}})
    assert find_model(str(recipe), "hela") == recipe / "b"
    with pytest.raises(UsageError, match="holds 2 models: HCT116, HeLa") as error:
        find_model(str(recipe))
    assert "--model" in str(error.value)
    with pytest.raises(UsageError, match="no model 'K562'"):
        find_model(str(recipe), "K562")
    for models in ({"HCT116": "../other"}, {"HCT116": "/etc"}):
        made.write_json("summary.json", {"models": models})
        with pytest.raises(InputError, match="names a folder elsewhere"):
            find_model(str(recipe))
    for summary in ([], {"models": ["a"]}, {"models": {"HCT116": 3}}):
        made.write_json("summary.json", summary)
        with pytest.raises(InputError, match="the summary names no models"):
            find_model(str(recipe))
    made.write_json("summary.json", {"models": {}})
    with pytest.raises(InputError, match="no finished model"):
        find_model(str(recipe))
