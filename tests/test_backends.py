"""Back ends are found by name, ours through the same door as everybody's."""

from collections.abc import Iterator, Sequence
from importlib.metadata import EntryPoint, EntryPoints

import pytest

from speechagents import backends
from speechagents.backends import CONTROLLERS, SYNTHESIZERS
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
    with pytest.raises(SettingsError, match=r"no synthesizer named 'espaek'; installed: espeak"):
        SYNTHESIZERS.load("espaek", {})


def test_a_plugin_is_loaded_with_its_options(monkeypatch: pytest.MonkeyPatch) -> None:
    installed(monkeypatch, mute=f"{__name__}:Mute")
    synthesizer = SYNTHESIZERS.load("mute", {"jobs": 3})
    assert isinstance(synthesizer, Mute)
    assert synthesizer.jobs == 3


def test_a_wrong_option_is_the_users_error(monkeypatch: pytest.MonkeyPatch) -> None:
    installed(monkeypatch, mute=f"{__name__}:Mute")
    with pytest.raises(SettingsError, match=r"mute.*volume"):
        SYNTHESIZERS.load("mute", {"jobs": 1, "volume": 11})


def test_a_missing_package_comes_with_its_install_command(monkeypatch: pytest.MonkeyPatch) -> None:
    installed(monkeypatch, coqui="a_package_that_is_not_installed:Voices [neural]")
    assert 'python -m pip install "speechagents[neural]"' in SYNTHESIZERS.missing("coqui")
    with pytest.raises(BackendMissing, match="a_package_that_is_not_installed"):
        SYNTHESIZERS.load("coqui", {})
