from __future__ import annotations

import io
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
from genotool.errors import GenotoolError, InputError
from genotool.persist import (
    check_keras_archive,
    load_arrays,
    load_json,
    load_network,
    load_sklearn,
    save_arrays,
    save_json,
    save_sklearn,
)


class Exploding:
    """Its pickle creates a file when it is loaded."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self):
        return open, (str(self.file), "w")


def test_arrays_round_trip(tmp_path: Path) -> None:
    arrays = {"a": np.arange(3, dtype=np.int8), "b": np.array(["x", "yy"]), "c": np.float64(2.5)}
    save_arrays(tmp_path / "a.npz", arrays)
    again = load_arrays(tmp_path / "a.npz")
    for name, array in arrays.items():
        np.testing.assert_array_equal(again[name], array)
        assert again[name].dtype == array.dtype


def test_objects_are_not_saved_and_not_loaded(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="holds objects"):
        save_arrays(tmp_path / "a.npz", {"a": np.array([{}, None])})
    trap = tmp_path / "trap"
    np.savez(tmp_path / "hostile.npz", a=np.array([Exploding(trap)], dtype=object))
    (tmp_path / "bare.npz").write_bytes(pickle.dumps(Exploding(trap)))
    for name in ("hostile.npz", "bare.npz"):
        with pytest.raises(InputError, match="not an NPZ file of plain arrays"):
            load_arrays(tmp_path / name)
    assert not trap.exists()


def test_files_that_are_no_npz(tmp_path: Path) -> None:
    save_arrays(tmp_path / "whole.npz", {"a": np.arange(1000)})
    whole = (tmp_path / "whole.npz").read_bytes()
    single = io.BytesIO()
    np.save(single, np.arange(3))
    for content in (b"", b"text", whole[: len(whole) // 2], single.getvalue()):
        (tmp_path / "bad.npz").write_bytes(content)
        with pytest.raises(InputError, match=r"bad\.npz: not an NPZ"):
            load_arrays(tmp_path / "bad.npz")
    with pytest.raises(InputError, match="not an NPZ"):
        load_arrays(tmp_path / "missing.npz")


def test_json(tmp_path: Path) -> None:
    save_json(tmp_path / "a.json", {"a": [1, None]})
    assert load_json(tmp_path / "a.json") == {"a": [1, None]}
    with pytest.raises(ValueError, match="JSON compliant"):
        save_json(tmp_path / "a.json", {"a": float("nan")})
    (tmp_path / "a.json").write_bytes(b"\xff{")
    with pytest.raises(InputError, match="not readable as JSON"):
        load_json(tmp_path / "a.json")


def keras_archive(file: Path, **members: bytes) -> Path:
    contents = {"config.json": b"{}", "metadata.json": b"{}", "model.weights.h5": b"\0" * 1000, **members}
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    return file


def test_a_whole_keras_archive_passes(tmp_path: Path) -> None:
    check_keras_archive(keras_archive(tmp_path / "m.keras"))


def test_a_truncated_or_foreign_keras_file(tmp_path: Path) -> None:
    whole = keras_archive(tmp_path / "m.keras").read_bytes()
    place = whole.index(b"model.weights.h5") + 20  # within the compressed weights
    damaged = whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :]
    for content in (b"", b"text", whole[:-30], whole[: len(whole) // 2], damaged):
        (tmp_path / "bad.keras").write_bytes(content)
        with pytest.raises(InputError, match=r"bad\.keras"):
            check_keras_archive(tmp_path / "bad.keras")
    with zipfile.ZipFile(tmp_path / "other.keras", "w") as archive:
        archive.writestr("readme.txt", "x")
    with pytest.raises(InputError, match=r"damaged \.keras archive.*readme"):
        check_keras_archive(tmp_path / "other.keras")


def test_an_archive_that_unpacks_to_too_much_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = keras_archive(tmp_path / "bomb.keras", **{"model.weights.h5": b"\0" * 5_000_000})
    assert bomb.stat().st_size < 20_000
    monkeypatch.setattr(zipfile.ZipFile, "testzip", lambda _: pytest.fail("the archive was unpacked"))
    with pytest.raises(InputError, match="unpacks to 50000"):
        check_keras_archive(bomb, largest=1_000_000)


def test_an_estimator_round_trips_through_skops(tmp_path: Path) -> None:
    from sklearn.linear_model import LogisticRegression

    inputs, target = np.arange(12.0).reshape(6, 2), np.array([0, 0, 0, 1, 1, 1])
    fitted = LogisticRegression().fit(inputs, target)
    save_sklearn(fitted, tmp_path / "m.skops")
    again = load_sklearn(tmp_path / "m.skops")
    np.testing.assert_array_equal(again.predict_proba(inputs), fitted.predict_proba(inputs))


def test_a_type_outside_the_list_is_not_loaded(tmp_path: Path) -> None:
    from sklearn.preprocessing import FunctionTransformer

    save_sklearn(FunctionTransformer(func=pickle.loads), tmp_path / "m.skops")
    with pytest.raises(InputError, match="not an estimator that may be loaded"):
        load_sklearn(tmp_path / "m.skops")
    trap = tmp_path / "trap"
    (tmp_path / "p.skops").write_bytes(pickle.dumps(Exploding(trap)))
    with pytest.raises(InputError, match="not an estimator"):
        load_sklearn(tmp_path / "p.skops")
    assert not trap.exists()


def test_a_folder_that_is_gone(tmp_path: Path) -> None:
    with pytest.raises(GenotoolError, match="cannot be written"):
        save_arrays(tmp_path / "nowhere/a.npz", {"a": np.arange(2)})


@pytest.mark.keras
def test_a_keras_file_with_code_or_damage_is_refused(tmp_path: Path) -> None:
    import keras
    from genotool.persist import save_network

    inputs = keras.Input((3,))
    network = keras.Model(inputs, keras.layers.Dense(1)(inputs))
    save_network(network, tmp_path / "m.keras")
    rows = np.ones((2, 3), np.float32)
    np.testing.assert_array_equal(np.asarray(load_network(tmp_path / "m.keras")(rows)), np.asarray(network(rows)))

    code = keras.Model(inputs, keras.layers.Lambda(lambda x: x * 2)(inputs))
    code.save(tmp_path / "code.keras")
    with pytest.raises(InputError, match=r"code\.keras: this \.keras file cannot be loaded"):
        load_network(tmp_path / "code.keras")
    with pytest.raises(InputError, match=r"this \.keras file cannot be loaded"):
        load_network(keras_archive(tmp_path / "empty.keras"))
    with pytest.raises(InputError, match="the model file is missing"):
        load_network(tmp_path / "none.keras")
