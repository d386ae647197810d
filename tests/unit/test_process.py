from __future__ import annotations

import os

import pytest
from genotool import process
from genotool.errors import UnavailableError, UsageError


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch):
    for name in (
        "KERAS_BACKEND",
        "GENOTOOL_DEVICE",
        "GENOTOOL_THREADS",
        "OMP_NUM_THREADS",
        "CUDA_VISIBLE_DEVICES",
    ):
        monkeypatch.delenv(name, raising=False)
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


def having(monkeypatch: pytest.MonkeyPatch, *backends: str, cuda: bool = False) -> None:
    monkeypatch.setattr(process.importlib.util, "find_spec", lambda name: name if name in backends else None)
    monkeypatch.setattr(process, "cuda_present", lambda: cuda)


def test_a_backend_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    having(monkeypatch, "tensorflow")
    with pytest.raises(UnavailableError, match="torch is not installed") as error:
        process.prepare(backend="torch")
    assert error.value.exit_code == 4
    assert "tensorflow" in error.value.hint
    with pytest.raises(UsageError, match="--backend is one of"):
        process.prepare(backend="theano")


def test_cuda_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    having(monkeypatch, "tensorflow")
    with pytest.raises(UnavailableError, match="no CUDA device") as error:
        process.prepare(device="cuda:0")
    assert error.value.exit_code == 4


@pytest.mark.parametrize("device", ["gpu", "cuda:x", "cpu:1", "", "cuda:-1"])
def test_a_device_that_is_none(device: str, monkeypatch: pytest.MonkeyPatch) -> None:
    having(monkeypatch, "tensorflow", cuda=True)
    with pytest.raises(UsageError, match="--device is auto"):
        process.prepare(device=device)


@pytest.mark.parametrize(
    ("installed", "cuda", "device", "backend", "used", "visible"),
    [
        (("tensorflow", "torch"), True, "auto", "torch", "cuda", "0"),
        (("tensorflow", "torch"), True, "cpu", "tensorflow", "cpu", ""),
        (("tensorflow", "torch"), False, "auto", "tensorflow", "cpu", ""),
        (("tensorflow",), True, "auto", "tensorflow", "cpu", ""),
        (("jax",), False, "auto", "jax", "cpu", ""),
        (("torch",), True, "cuda:1", "torch", "cuda:1", "1"),
    ],
)
def test_what_auto_chooses(installed, cuda, device, backend, used, visible, monkeypatch) -> None:
    having(monkeypatch, *installed, cuda=cuda)
    process.prepare(device=device, threads=3)
    assert os.environ["KERAS_BACKEND"] == backend
    assert os.environ["GENOTOOL_DEVICE"] == used
    assert os.environ["CUDA_VISIBLE_DEVICES"] == visible
    assert os.environ["GENOTOOL_THREADS"] == os.environ["OMP_NUM_THREADS"] == "3"


def test_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    having(monkeypatch, "tensorflow")
    with pytest.raises(UsageError, match="--threads is 1 to 1024, not 0"):
        process.prepare(threads=0)
    with pytest.raises(UsageError, match="--threads is 1 to 1024, not 1000000"):
        process.prepare(threads=10**6)
    monkeypatch.setenv("GENOTOOL_THREADS", "two")
    with pytest.raises(UsageError, match="GENOTOOL_THREADS is 1 to 1024, not 'two'"):
        process.prepare()
    monkeypatch.setenv("GENOTOOL_THREADS", "7")
    process.prepare()
    assert os.environ["OMP_NUM_THREADS"] == "7", "without the flag the variable counts"
    monkeypatch.delenv("GENOTOOL_THREADS")
    process.prepare()
    assert 1 <= int(os.environ["GENOTOOL_THREADS"]) <= (os.cpu_count() or 1)


def test_nothing_is_set_when_something_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    having(monkeypatch)
    with pytest.raises(UnavailableError):
        process.prepare(backend="jax", threads=2)
    assert "GENOTOOL_THREADS" not in os.environ
    process.prepare(threads=2)  # no backend at all: audits and statistics need none
    assert "KERAS_BACKEND" not in os.environ
