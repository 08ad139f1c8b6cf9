"""Back ends are found by name, ours through the same door as everybody's."""

from collections.abc import Iterator, Sequence
from importlib.metadata import EntryPoint, EntryPoints, PackageNotFoundError, entry_points
from pathlib import Path

import pytest

from speechagents import backends
from speechagents.backends import CONTROLLERS, LISTENERS, SYNTHESIZERS, read_entry_points
from speechagents.errors import BackendMissing, SettingsError
from speechagents.voices.synthesizer import FailedTake, SpokenLine, Take, Voice


class Mute:
    """A plugin's synthesizer that takes one option."""

    def __init__(self, *, jobs: int) -> None:
        self.jobs = jobs

    @property
    def identity(self) -> str:
        return "mute"

    @property
    def voices(self) -> Sequence[Voice]:
        return ()

    def speak(self, lines: Sequence[SpokenLine]) -> Iterator[Take | FailedTake]:
        return iter([FailedTake(line, "mute") for line in lines])


def installed(monkeypatch: pytest.MonkeyPatch, **values: str) -> None:
    points = EntryPoints(EntryPoint(name, value, SYNTHESIZERS.group) for name, value in values.items())
    monkeypatch.setattr(backends, "entry_points", lambda *, group: points.select(group=group))


def test_the_embedded_voices_come_through_the_entry_points() -> None:
    assert SYNTHESIZERS.missing("espeak") == ""


def test_the_embedded_controller_comes_through_the_entry_points() -> None:
    assert CONTROLLERS.missing("rehearsal") == ""


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(SettingsError, match=r"no synthesizer named 'espaek'; installed: .*espeak"):
        SYNTHESIZERS.load("espaek", {})


def test_a_plugin_is_loaded_with_its_options(monkeypatch: pytest.MonkeyPatch) -> None:
    installed(monkeypatch, mute=f"{__name__}:Mute")
    synthesizer = SYNTHESIZERS.load("mute", {"jobs": 3})
    assert isinstance(synthesizer, Mute)
    assert synthesizer.jobs == 3


def test_what_a_studio_shares_is_given_to_factories_that_name_it(monkeypatch: pytest.MonkeyPatch) -> None:
    installed(monkeypatch, mute=f"{__name__}:Mute")
    shared = {"jobs": 5, "residence": object()}
    assert SYNTHESIZERS.load("mute", {}, shared=shared).jobs == 5


def test_a_wrong_option_is_the_users_error(monkeypatch: pytest.MonkeyPatch) -> None:
    installed(monkeypatch, mute=f"{__name__}:Mute")
    with pytest.raises(SettingsError, match=r"mute.*volume"):
        SYNTHESIZERS.load("mute", {"jobs": 1, "volume": 11})


def test_a_missing_package_comes_with_its_install_command(monkeypatch: pytest.MonkeyPatch) -> None:
    installed(monkeypatch, coqui="a_package_that_is_not_installed:Voices [neural]")
    assert 'python -m pip install "speechagents[neural]"' in SYNTHESIZERS.missing("coqui")
    with pytest.raises(BackendMissing, match="a_package_that_is_not_installed"):
        SYNTHESIZERS.load("coqui", {})


PYPROJECT = Path(__file__).resolve().parent.parent / "pyproject.toml"


def test_a_checkout_that_is_not_installed_has_the_same_back_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    names = {kind.group: kind.names() for kind in (CONTROLLERS, LISTENERS, SYNTHESIZERS)}
    assert "espeak" in names[SYNTHESIZERS.group]

    def nobody(name: str) -> None:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(backends, "distribution", nobody)
    monkeypatch.setattr(backends, "entry_points", lambda *, group: EntryPoints().select(group=group))
    backends._of_checkout.cache_clear()
    try:
        assert {kind.group: kind.names() for kind in (CONTROLLERS, LISTENERS, SYNTHESIZERS)} == names
        assert SYNTHESIZERS.missing("espeak") == ""
    finally:
        backends._of_checkout.cache_clear()


def test_what_is_declared_is_what_is_installed() -> None:
    declared = read_entry_points(PYPROJECT)[CONTROLLERS.group]
    registered = {point.name: point.value for point in entry_points(group=CONTROLLERS.group)}
    assert {name: point.value for name, point in declared.items()} == registered


def test_where_there_is_no_checkout_there_is_nothing_to_read(tmp_path: Path) -> None:
    assert read_entry_points(tmp_path / "pyproject.toml") == {}
