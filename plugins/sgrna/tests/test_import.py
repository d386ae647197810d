"""Foreign network files: every input and output that is understood, and what is refused.

The guides are simulated from a fixed seed; the AutoKeras files are made here by AutoKeras itself.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from contextlib import redirect_stdout
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from genotool.dataset import Task
from genotool.errors import InputError, UsageError
from genotool.frameworks.keras import KerasModel
from numpy.typing import NDArray

pytestmark = pytest.mark.keras

CODES = np.random.default_rng(11).integers(0, 4, (64, 23))
GUIDES = np.eye(4, dtype=np.uint8)[CODES]
VIEWS: dict[tuple[int, ...], Callable[[NDArray[Any]], NDArray[Any]]] = {
    (92,): lambda guides: guides.reshape(-1, 92),
    (92, 1): lambda guides: guides.reshape(-1, 92, 1),
    (23, 4): lambda guides: guides,
    (23, 4, 1): lambda guides: guides[..., None],
    (4, 23): lambda guides: guides.transpose(0, 2, 1),
    (4, 23, 1): lambda guides: guides.transpose(0, 2, 1)[..., None],
}


@pytest.fixture(scope="module")
def keras() -> Any:
    from genotool.frameworks.keras import start

    return start(0)


def network(keras: Any, shape: tuple[int, ...] = (92,), units: int = 1, activation: str | None = "sigmoid") -> Any:
    """Return a small network with random weights on the given input."""
    layers = keras.layers
    inputs = layers.Input(shape)
    hidden = layers.Dense(6, activation="relu")(layers.Flatten()(inputs))
    hidden = layers.Add()([hidden, layers.Dense(6)(hidden)])
    return keras.Model(inputs, layers.Dense(units, activation=activation, bias_initializer="normal")(hidden))


def saved(model: Any, file: Path) -> Path:
    with redirect_stdout(io.StringIO()):
        model.save(file)
    return file


def outputs(model: Any, guides: NDArray[Any]) -> NDArray[Any]:
    """Return what the foreign network gives, class 1 of two."""
    found = np.asarray(model(guides.astype(np.float32)))
    return found[:, -1]


def imported(file: Path) -> Any:
    from genotool_sgrna.imported import import_model

    return import_model(file)


@pytest.mark.parametrize("suffix", [".h5", ".keras"])
@pytest.mark.parametrize("shape", VIEWS)
def test_every_known_input_shape_predicts_as_before(
    keras: Any, tmp_path: Path, shape: tuple[int, ...], suffix: str
) -> None:
    foreign = network(keras, shape)
    ours = imported(saved(foreign, tmp_path / f"model{suffix}"))
    assert ours.task is Task.BINARY
    assert any("A C G T" in note for note in ours.notes)
    np.testing.assert_allclose(ours.model.predict({"guide": GUIDES}), outputs(foreign, VIEWS[shape](GUIDES)), atol=1e-6)


@pytest.mark.parametrize(
    ("units", "activation", "task"),
    [(1, "sigmoid", Task.BINARY), (1, None, Task.REGRESSION), (2, "softmax", Task.BINARY)],
)
def test_the_task_comes_from_the_output(
    keras: Any, tmp_path: Path, units: int, activation: str | None, task: Task
) -> None:
    foreign = network(keras, units=units, activation=activation)
    ours = imported(saved(foreign, tmp_path / "model.h5"))
    assert ours.task is task
    np.testing.assert_allclose(
        ours.model.predict({"guide": GUIDES}), outputs(foreign, GUIDES.reshape(-1, 92)), atol=1e-6
    )


@pytest.mark.parametrize("kind", ["number", "class", "image"])
def test_what_autokeras_itself_saves_is_read(keras: Any, tmp_path: Path, kind: str) -> None:
    """A real fit of one epoch on simulated guides, with CastToFloat32 (and ExpandLastDim) inside."""
    foreign = autokeras_model(keras, kind, tmp_path)
    names = [type(layer).__name__ for layer in foreign.layers]
    assert "CastToFloat32" in names
    assert ("ExpandLastDim" in names) == (kind == "image")
    expected = outputs(foreign, GUIDES if kind == "image" else GUIDES.reshape(-1, 92))
    for suffix in (".h5", ".keras"):
        ours = imported(saved(foreign, tmp_path / f"best_autokeras_model{suffix}"))
        assert ours.task is (Task.BINARY if kind == "class" else Task.REGRESSION)
        np.testing.assert_allclose(ours.model.predict({"guide": GUIDES}), expected, atol=1e-5)


def autokeras_model(keras: Any, kind: str, folder: Path) -> Any:
    import autokeras
    from genotool_sgrna.search_space import output_head

    inputs = autokeras.ImageInput() if kind == "image" else autokeras.Input()
    middle = autokeras.ConvBlock(num_blocks=1, num_layers=1) if kind == "image" else autokeras.DenseBlock(num_layers=1)
    node = middle(inputs)
    node = autokeras.Flatten()(node) if kind == "image" else node
    automatic = autokeras.AutoModel(
        inputs, output_head(kind == "class")(node), directory=folder, max_trials=1, seed=1, overwrite=True
    )
    guides = (GUIDES if kind == "image" else GUIDES.reshape(-1, 92)).astype(np.float32)
    efficacy = (CODES == 2).sum(1, keepdims=True).astype(np.float32)  # simulated: the number of G
    target = (efficacy > 5).astype(np.float32) if kind == "class" else efficacy
    stop = keras.callbacks.EarlyStopping(patience=1)
    with redirect_stdout(io.StringIO()):
        automatic.fit(guides, target, validation_data=(guides, target), epochs=1, callbacks=[stop], verbose=0)
    return automatic.export_model()


def test_an_imported_network_is_saved_and_transferred_without_autokeras(keras: Any, tmp_path: Path) -> None:
    from genotool_sgrna.network import single_head

    ours = imported(saved(network(keras, units=2, activation="softmax"), tmp_path / "model.h5"))
    ours.model.save(tmp_path)
    again = KerasModel.load(tmp_path)
    np.testing.assert_array_equal(again.predict({"guide": GUIDES}), ours.model.predict({"guide": GUIDES}))
    head = single_head(keras, again.network, 1, Task.BINARY)
    assert head.count_params() == again.network.count_params(), "the new head takes the place of the old one"


def test_columns_encoded_as_they_are_are_understood(keras: Any, tmp_path: Path) -> None:
    foreign = network(keras)
    file = edited(saved(foreign, tmp_path / "model.h5"), lambda text: with_encoding(text, "none"))
    np.testing.assert_allclose(
        imported(file).model.predict({"guide": GUIDES}), outputs(foreign, GUIDES.reshape(-1, 92)), atol=1e-6
    )
    file = edited(saved(foreign, tmp_path / "model.h5"), lambda text: with_encoding(text, "int"))
    with pytest.raises(InputError, match="MultiCategoryEncoding"):
        imported(file)


def edited(file: Path, change: Callable[[str], str]) -> Path:
    """Change the network's JSON in an HDF5 file."""
    import h5py

    with h5py.File(file, "r+") as stored:
        stored.attrs["model_config"] = change(stored.attrs["model_config"])
    return file


def with_encoding(text: str, encoding: str) -> str:
    """Return the JSON with the flatten layer turned into AutoKeras 1's encoding of 92 columns."""
    config = json.loads(text)
    (flatten,) = [item for item in config["config"]["layers"] if item["class_name"] == "Flatten"]
    flatten |= {"class_name": "MultiCategoryEncoding", "registered_name": "Custom>MultiCategoryEncoding"}
    flatten["module"] = "autokeras.keras_layers"
    flatten["config"] = {"name": flatten["config"]["name"], "encoding": [encoding] * 92}
    return json.dumps(config)


@pytest.mark.parametrize(
    ("shape", "units", "activation", "message"),
    [
        ((80,), 1, "sigmoid", r"input is not understood.*\(92,\).*found \(80,\)"),
        ((23, 5), 1, "sigmoid", "input is not understood"),
        ((92,), 3, "softmax", "output is not understood.*3 units, softmax"),
        ((92,), 2, "sigmoid", "output is not understood.*2 units, sigmoid"),
        ((92,), 1, "relu", "output is not understood.*1 units, relu"),
    ],
)
def test_other_shapes_are_named(
    keras: Any, tmp_path: Path, shape: tuple[int, ...], units: int, activation: str, message: str
) -> None:
    file = saved(network(keras, shape, units, activation), tmp_path / "model.keras")
    with pytest.raises(InputError, match=message):
        imported(file)


@pytest.mark.parametrize("suffix", [".h5", ".keras"])
@pytest.mark.parametrize("part", [0.0, 0.01, 0.3, 0.6, 0.95])
def test_a_truncated_file_is_one_line(keras: Any, tmp_path: Path, suffix: str, part: float) -> None:
    file = saved(network(keras), tmp_path / f"model{suffix}")
    whole = file.read_bytes()
    file.write_bytes(whole[: int(len(whole) * part)])
    with pytest.raises(InputError) as caught:
        imported(file)
    assert "\n" not in caught.value.message


@pytest.mark.parametrize("suffix", [".h5", ".keras"])
def test_flipped_bytes_never_give_another_error(keras: Any, tmp_path: Path, suffix: str) -> None:
    file = saved(network(keras), tmp_path / f"model{suffix}")
    whole = bytearray(file.read_bytes())
    random = np.random.default_rng(5)
    for _ in range(25):
        broken = whole.copy()
        for place in random.integers(0, len(whole), 12):
            broken[place] = random.integers(0, 256)
        file.write_bytes(bytes(broken))
        try:
            found = imported(file).model.predict({"guide": GUIDES})
            assert np.isfinite(found).all()
        except InputError as error:
            assert "\n" not in error.message  # noqa: PT017


def test_foreign_content_is_refused(keras: Any, tmp_path: Path) -> None:
    import h5py

    text = tmp_path / "text.h5"
    text.write_text("guide\tefficacy\n")
    with pytest.raises(InputError, match="neither an HDF5 file nor"):
        imported(text)
    weights = tmp_path / "a.weights.h5"
    network(keras).save_weights(weights)
    with pytest.raises(InputError, match="holds no network"):
        imported(weights)
    with h5py.File(tmp_path / "matrix.h5", "w") as stored:
        stored["X"] = np.zeros(3)
    with pytest.raises(InputError, match="holds no network"):
        imported(tmp_path / "matrix.h5")
    with zipfile.ZipFile(tmp_path / "other.keras", "w") as archive:
        archive.writestr("payload.pkl", b"cos\nsystem\n")
    with pytest.raises(InputError, match=r"no \.keras archive"):
        imported(tmp_path / "other.keras")
    for missing in (tmp_path / "absent.h5", tmp_path):
        with pytest.raises(UsageError):
            imported(missing)


def test_code_in_a_file_is_never_run(keras: Any, tmp_path: Path) -> None:
    inputs = keras.layers.Input((92,))
    hidden = keras.layers.Lambda(lambda x: x * 2)(inputs)
    file = saved(keras.Model(inputs, keras.layers.Dense(1)(hidden)), tmp_path / "model.keras")
    with pytest.raises(InputError, match="not allowed: Lambda"):
        imported(file)
    marker = tmp_path / "ran"
    calls = {
        "os.system": {"module": "os", "class_name": "system", "config": f"touch {marker}"},
        "exec": {"module": "builtins", "class_name": "function", "config": "exec"},
        "relu": {"module": "antigravity", "class_name": "function", "config": "relu"},
    }
    for name, call in calls.items():
        file = saved(network(keras), tmp_path / "model.h5")
        with pytest.raises(InputError, match=f"unknown.*{name}"):
            imported(edited(file, partial(with_activation, activation=call)))
    assert not marker.exists()


def with_activation(text: str, activation: dict[str, Any]) -> str:
    """Return the JSON with another activation of the first dense layer."""
    config = json.loads(text)
    dense = next(item for item in config["config"]["layers"] if item["class_name"] == "Dense")
    dense["config"]["activation"] = activation | {"registered_name": None}
    return json.dumps(config)


def test_a_layer_that_asks_for_too_much_memory_is_refused(keras: Any, tmp_path: Path) -> None:
    file = saved(network(keras), tmp_path / "model.h5")
    edited(file, lambda text: text.replace('"units": 6', '"units": 4000000000'))
    with pytest.raises(InputError, match="units is more than"):
        imported(file)


def test_links_and_huge_data_in_hdf5_are_refused(keras: Any, tmp_path: Path) -> None:
    import h5py

    linked = saved(network(keras), tmp_path / "linked.h5")
    with h5py.File(linked, "r+") as stored:
        stored["model_weights/elsewhere"] = h5py.ExternalLink("/etc/hostname", "/")
    with pytest.raises(InputError, match="holds a link"):
        imported(linked)
    cycle = saved(network(keras), tmp_path / "cycle.h5")
    with h5py.File(cycle, "r+") as stored:
        stored["model_weights/again"] = stored["model_weights"]
    with pytest.raises(InputError, match="two names"):
        imported(cycle)
    huge = saved(network(keras), tmp_path / "huge.h5")
    with h5py.File(huge, "r+") as stored:
        stored.create_dataset("model_weights/bomb", (2**20, 2**20), "f4", chunks=(1, 2**10), compression="gzip")
    with pytest.raises(InputError, match="unpacks to more than"):
        imported(huge)


@pytest.mark.parametrize("text", ["[]", "{", '{"class_name": "Functional", "config": 3}', '["a"]'])
def test_settings_that_are_no_network_are_one_line(keras: Any, tmp_path: Path, text: str) -> None:
    deep = '{"config": ' * 80 + '{"class_name": "Dense"}' + "}" * 80
    shapeless = '{"class_name": "InputLayer", "config": {"batch_shape": 5}}'
    for broken in (text, deep, shapeless):
        file = edited(saved(network(keras), tmp_path / "model.h5"), lambda _, broken=broken: broken)  # type: ignore[misc]
        with pytest.raises(InputError) as caught:
            imported(file)
        assert "\n" not in caught.value.message


def test_weights_that_are_no_numbers_are_refused(keras: Any, tmp_path: Path) -> None:
    model = network(keras)
    weights = model.get_weights()
    weights[0][0, 0] = np.nan
    model.set_weights(weights)
    with pytest.raises(InputError, match="not all finite"):
        imported(saved(model, tmp_path / "model.keras"))
