from __future__ import annotations

import sys
import types
from collections.abc import Callable, Iterator

import pytest
from genotool import hookimpl, plugins
from genotool.errors import UnavailableError, UsageError
from genotool.hookspecs import Spec


def offering(*specs: object) -> types.ModuleType:
    """Return a plugin whose families are the given ones; an exception is raised."""

    @hookimpl
    def genotool_families() -> list[object]:
        for spec in specs:
            if isinstance(spec, Exception):
                raise spec
        return list(specs)

    module = types.ModuleType("offered")
    module.genotool_families = genotool_families  # type: ignore[attr-defined]
    return module


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, types.ModuleType], None]]:
    monkeypatch.setattr(plugins, "_failures", {})
    names = []

    def register(name: str, plugin: types.ModuleType) -> None:
        plugins.manager().register(plugin, name=name)
        names.append(name)
        plugins.specs.cache_clear()

    yield register
    for name in names:
        plugins.manager().unregister(name=name)
    plugins.specs.cache_clear()


def names() -> list[str]:
    return [spec.name for _, spec in plugins.specs("family")]


def test_a_family_is_found_by_its_name(install) -> None:
    install("third", offering(Spec("mine", "a family", "family", "collections:OrderedDict")))
    assert "mine" in names()
    assert plugins.family("mine") == {}  # resolved, and made without arguments


@pytest.mark.parametrize("offered", [RuntimeError("broken inside"), "not a spec", None])
def test_a_plugin_that_fails_is_noted_and_the_others_work(offered: object, install) -> None:
    install("bad", offering(offered))
    install("good", offering(Spec("mine", "a family", "family", "collections:OrderedDict")))
    assert "mine" in names()
    assert list(plugins.load_failures()) == ["bad"]


def test_another_interface_is_left_out_with_a_reason(install) -> None:
    install("newer", offering(Spec("mine", "a family", "family", "collections:OrderedDict", api=2)))
    assert "mine" not in names()
    assert plugins.load_failures() == {"newer": "mine was written for interface 2; this genotool has 1"}


def test_an_unknown_family_names_the_nearest_and_what_failed(install) -> None:
    install("broken", offering(RuntimeError("no such drive")))
    with pytest.raises(UsageError) as error:
        plugins.family("sgrn")
    assert "unknown family 'sgrn'" in str(error.value)
    assert "did you mean 'sgrna'?" in str(error.value)
    assert "the plugin 'broken' failed to load: genotool_families: RuntimeError: no such drive" in str(error.value)


@pytest.mark.parametrize("target", ["no_such_module_at_all:Family", "collections:NoSuchFamily"])
def test_what_cannot_be_imported_is_unavailable(target: str, install) -> None:
    install("third", offering(Spec("mine", "a family", "family", target)))
    with pytest.raises(UnavailableError, match="mine cannot be loaded") as error:
        plugins.family("mine")
    assert error.value.exit_code == 4


def test_an_entry_point_that_cannot_be_imported_is_a_warning(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    info = tmp_path / "broken_plugin-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: broken-plugin\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[genotool]\nbroken = broken_plugin\n")
    (tmp_path / "broken_plugin.py").write_text("raise OSError('licence server is down')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(plugins, "_failures", {})
    plugins.manager.cache_clear()
    plugins.specs.cache_clear()
    try:
        assert "sgrna" in names()
        assert plugins.load_failures() == {"broken": "OSError: licence server is down"}
    finally:
        plugins.manager.cache_clear()
        plugins.specs.cache_clear()
        sys.modules.pop("broken_plugin", None)


def test_catalogues_are_files_of_the_package() -> None:
    for _plugin, path in (*plugins.catalogues("folder"), *plugins.catalogues("registry")):
        assert path.is_file()
    assert plugins.catalogues("registry", plugin="nobody") == ()
