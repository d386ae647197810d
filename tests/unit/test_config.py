from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import pytest
from genotool.cli.options import Common, family_values
from genotool.config import Field, build, flatten, parse, settings, to_mapping, write_toml
from genotool.errors import InputError, UsageError


@dataclass(frozen=True)
class Inner:
    rate: Annotated[float, Field("learning rate", gt=0, le=1)] = 0.1


@dataclass(frozen=True)
class Outer:
    epochs: Annotated[int, Field("passes", ge=1, lt=100)] = 5
    mode: Annotated[Literal["fast", "slow"], Field("how")] = "fast"
    widths: Annotated[list[int], Field("widths", ge=1)] = field(default_factory=lambda: [8, 16])
    where: Annotated[Path | None, Field("a folder")] = None
    minutes: Annotated[float | None, Field("limit", gt=0)] = None
    shuffle: Annotated[bool, Field("shuffle rows")] = True
    inner: Inner = field(default_factory=Inner)


def test_settings_are_flat_and_in_order() -> None:
    found = {setting.name: setting for setting in settings(Outer)}
    assert list(found) == ["epochs", "mode", "widths", "where", "minutes", "shuffle", "inner.rate"]
    assert found["inner.rate"].flag == "--inner-rate"
    assert found["mode"].choices == ("fast", "slow")
    assert (found["widths"].many, found["widths"].type) == (True, int)
    assert (found["where"].optional, found["where"].type) == (True, Path)
    assert found["widths"].default == [8, 16]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"epochs": 0}, "epochs must be >= 1"),
        ({"epochs": 100}, "epochs must be < 100"),
        ({"inner.rate": 0.0}, "inner.rate must be > 0"),
        ({"inner": {"rate": 1.5}}, "inner.rate must be <= 1"),
        ({"inner.rate": float("nan")}, "inner.rate must be"),
        ({"minutes": float("inf")}, "minutes must be finite"),
        ({"epochs": True}, "epochs takes int, not True"),
        ({"epochs": 2.5}, "epochs takes int, not 2.5"),
        ({"epochs": None}, "epochs cannot be none"),
        ({"shuffle": 1}, "shuffle takes bool, not 1"),
        ({"mode": "Fast"}, "mode is one of fast, slow, not 'Fast'"),
        ({"widths": 8}, "widths takes a list, not 8"),
        ({"widths": [8, 0]}, "widths must be >= 1, not 0"),
        ({"epoch": 3}, "unknown setting 'epoch'; did you mean 'epochs'?"),
        ({"inner": 3}, "unknown setting 'inner'"),
    ],
)
def test_a_wrong_value_is_named(values: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError) as from_flags:
        build(Outer, values)
    assert said in str(from_flags.value)
    with pytest.raises(InputError) as from_file:
        build(Outer, values, source="settings.toml")
    assert str(from_file.value).startswith("settings.toml: ")
    assert said in str(from_file.value)


def test_a_preset_gives_way_to_what_is_given_beside_it() -> None:
    @dataclass(frozen=True)
    class Named(Outer):
        presets: ClassVar[dict[str, Any]] = {"mode": {"slow": {"epochs": 50, "inner.rate": 0.5, "widths": [1]}}}

    given = {"mode": "slow", "epochs": 7, "inner": {"rate": 0.2}}
    assert build(Named, given) == Named(mode="slow", epochs=7, widths=[1], inner=Inner(0.2))
    assert build(Named, {"mode": "fast"}) == Named()
    made = build(Named, {"mode": "slow"})
    assert build(Named, tomllib.loads(write_toml(made))) == made
    later = family_values(Named, Common(set=["mode=slow", "epochs=8"]), {}, start=to_mapping(Named(epochs=3)))
    assert later == Named(mode="slow", epochs=8, widths=[1], inner=Inner(0.5)), "it goes before what a parent run had"


def test_nested_and_dotted_names_mean_the_same() -> None:
    assert build(Outer, {"inner": {"rate": 0.5}}) == build(Outer, {"inner.rate": 0.5})
    assert flatten({"a": 1, "b": {"c": 2}}) == {"a": 1, "b.c": 2}


def test_a_whole_number_serves_as_a_float_and_text_as_a_path() -> None:
    config = build(Outer, {"inner.rate": 1, "where": "some/folder"})
    assert (config.inner.rate, type(config.inner.rate)) == (1.0, float)
    assert config.where == Path("some/folder")


def test_toml_round_trip() -> None:
    config = Outer(3, "slow", [1], Path("a/b"), 2.5, False, Inner(0.25))
    assert build(Outer, tomllib.loads(write_toml(config)), source="f") == config
    assert build(Outer, tomllib.loads(write_toml(Outer())), source="f") == Outer()  # None is left out
    assert to_mapping(config)["where"] == "a/b"
    assert to_mapping(config)["inner"] == {"rate": 0.25}


def test_the_text_of_a_flag() -> None:
    known = {setting.name: setting for setting in settings(Outer)}
    assert parse(known["widths"], "4, 8,,2") == [4, 8, 2]
    assert parse(known["widths"], "") == []
    assert parse(known["minutes"], "None") is None
    assert parse(known["shuffle"], "No") is False
    with pytest.raises(UsageError, match="--epochs takes int, not 'none'"):
        parse(known["epochs"], "none")
    with pytest.raises(UsageError, match="--shuffle takes bool, not 'maybe'"):
        parse(known["shuffle"], "maybe")


def test_an_author_is_told_what_a_config_cannot_hold() -> None:
    @dataclass
    class Bare:
        number: int = 3

    @dataclass
    class NoDefault:
        number: Annotated[int, Field("x")]

    @dataclass
    class Mapped:
        table: Annotated[dict[str, int], Field("x")] = field(default_factory=dict)

    for config_type, said in ((Bare, "needs Annotated"), (NoDefault, "no default"), (Mapped, "cannot hold")):
        with pytest.raises(TypeError, match=said):
            settings(vars_of(config_type))


def vars_of(config_type: type[Any]) -> type[Any]:
    """Resolve the postponed annotations of a class that was made inside a function."""
    names = {"int": int, "str": str, "dict": dict, "Annotated": Annotated, "Field": Field}
    config_type.__annotations__ = {name: eval(hint, names) for name, hint in config_type.__annotations__.items()}
    return config_type


@dataclass
class Deepest:
    level: Annotated[int, Field("x")] = 1


@dataclass
class Deeper:
    inner: Deepest = field(default_factory=Deepest)


@dataclass
class Deep:
    inner: Deeper = field(default_factory=Deeper)


def test_configs_nest_one_level_deep() -> None:
    assert [setting.name for setting in settings(Deeper)] == ["inner.level"]
    with pytest.raises(TypeError, match="one level deep"):
        settings(Deep)


@dataclass(frozen=True, slots=True)
class Held:
    rate: Annotated[float, Field("a rate", gt=0)] = 1.0
    steps: Annotated[int, Field("steps", ge=1)] = 60


@dataclass(frozen=True, slots=True)
class Holding:
    inner: Held = field(default_factory=lambda: Held(rate=0.5, steps=22))


def test_the_defaults_of_a_nested_config_are_those_of_the_field_that_holds_it() -> None:
    assert {s.name: s.default for s in settings(Holding)} == {"inner.rate": 0.5, "inner.steps": 22}
    assert build(Holding, {"inner.rate": 0.25}) == Holding(Held(rate=0.25, steps=22))
