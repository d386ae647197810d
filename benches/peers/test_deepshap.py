"""DeepSHAP against tangermeme: the same network, the same references, the same attributions, and the time it takes.

TensorFlow and torch share a process here, which genotool itself never lets them: TensorFlow comes first.
"""

import warnings

import numpy as np
import pytest
from side_by_side import goal, race

ROWS, REFERENCES, LENGTH = 4, 100, 600
LAYERS = [(64, 12, 1, 6), (64, 6, 6, 1), (32, 6, 6, 1)]
"""Filters, width, step and pooling of each convolution, as deepdife has them but for the padding."""


def ours():
    """Return the network in Keras, and what gives multipliers."""
    from genotool.frameworks.deepshap import multipliers
    from genotool.frameworks.keras import start

    keras = start(0)
    tensor = rows = keras.layers.Input((LENGTH, 4), name="sequence")
    for filters, width, step, pool in LAYERS:
        tensor = keras.layers.Conv1D(filters, width, strides=step, activation="relu")(tensor)
        tensor = keras.layers.MaxPooling1D(pool)(tensor) if pool > 1 else tensor
    tensor = keras.layers.Flatten()(tensor)
    for units in (256, 128):
        tensor = keras.layers.Dense(units, activation="relu")(tensor)
    network = keras.Model(rows, keras.layers.Dense(1)(tensor))
    return network, multipliers(network)


def theirs(torch, network):
    """Return the same network in torch, with the same weights."""
    layers, channels = [], 4
    weights = iter(network.get_weights())
    for filters, width, step, pool in LAYERS:
        layers += [torch.nn.Conv1d(channels, filters, width, stride=step), torch.nn.ReLU()]
        layers += [torch.nn.MaxPool1d(pool)] if pool > 1 else []
        set_weights(torch, layers[-3 if pool > 1 else -2], next(weights).transpose(2, 1, 0), next(weights))
        channels = filters
    layers.append(torch.nn.Flatten())
    last = next(weights)
    width = len(last) // channels
    last = last.reshape(width, channels, -1).transpose(1, 0, 2).reshape(len(last), -1)  # channels come first there
    for end in (False, False, True):
        layers.append(torch.nn.Linear(*last.shape))
        set_weights(torch, layers[-1], last.T, next(weights))
        if not end:
            layers.append(torch.nn.ReLU())
            last = next(weights)
    return torch.nn.Sequential(*layers).eval()


def set_weights(torch, layer, weight, bias):
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(np.ascontiguousarray(weight)))
        layer.bias.copy_(torch.from_numpy(bias))


def test_against_tangermeme():
    pytest.importorskip("shap", reason="needs genotool[deepdife]")
    network, rise = ours()
    torch = pytest.importorskip("torch", reason="a peer; see benches/requirements.txt")
    peer = pytest.importorskip("tangermeme.deep_lift_shap", reason="a peer; see benches/requirements.txt")
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    rows, references = (np.eye(4, dtype=np.float32)[rng.integers(0, 4, (n, LENGTH))] for n in (ROWS, REFERENCES))
    other = theirs(torch, network)
    first = torch.from_numpy(np.ascontiguousarray(rows.transpose(0, 2, 1)))
    shared = torch.from_numpy(np.ascontiguousarray(references.transpose(0, 2, 1)))
    shared = shared[None].expand(ROWS, -1, -1, -1).contiguous()

    def with_genotool():
        found = []
        for row in rows:
            slope = rise(np.repeat(row[None], REFERENCES, axis=0), references)
            found.append((slope * (row - references)).sum(axis=2).mean(axis=0))
        return np.stack(found)

    def with_tangermeme():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = peer.deep_lift_shap(
                other, first, references=shared, device="cpu", hypothetical=True, batch_size=REFERENCES
            )
        return (found * first).sum(dim=1).numpy()

    mine, peers = with_genotool(), with_tangermeme()
    np.testing.assert_allclose(mine, peers, atol=1e-3 * np.abs(peers).max())
    took = race(
        f"DeepSHAP, {ROWS} rows x {REFERENCES} references", {"genotool": with_genotool, "tangermeme": with_tangermeme}
    )
    goal("genotool / tangermeme", took["genotool"] / took["tangermeme"], 1.1)
