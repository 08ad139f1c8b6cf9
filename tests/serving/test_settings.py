"""Options of the server."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from speechagents.errors import SettingsError
from speechagents.serving.settings import Allowance, ServeSettings, data_folder

EVERYWHERE = "0.0.0.0"  # noqa: S104


def test_by_default_nobody_else_can_reach_it() -> None:
    settings = ServeSettings.from_environment({})
    assert (settings.host, settings.port, settings.only_this_machine) == ("127.0.0.1", 7860, True)


def test_a_space_is_for_everybody() -> None:
    settings = ServeSettings.from_environment({"SPACE_ID": "someone/studio"})
    assert (settings.host, settings.on_space, settings.only_this_machine) == (EVERYWHERE, True, False)


def test_gradio_s_own_variables_are_gone_by() -> None:
    settings = ServeSettings.from_environment({"GRADIO_SERVER_NAME": EVERYWHERE, "GRADIO_SERVER_PORT": "9000"})
    assert (settings.host, settings.port) == (EVERYWHERE, 9000)


@pytest.mark.parametrize(
    ("environment", "folder"),
    [
        ({"SPEECHAGENTS_DATA": "/srv/studio", "XDG_DATA_HOME": "/x"}, Path("/srv/studio")),
        ({"XDG_DATA_HOME": "/x"}, Path("/x/speechagents")),
        ({}, Path.home() / ".local" / "share" / "speechagents"),
    ],
)
def test_data_lie_where_the_platform_wants_them(environment: dict[str, str], folder: Path) -> None:
    assert data_folder(environment) == folder


@pytest.mark.parametrize(
    "options",
    [
        {"port": 0},
        {"port": 65_536},
        {"host": ""},
        {"host": "a b"},
        {"max_sessions": -1},
        {"runs": 0},
        {"origins": ("studio.example.org",)},
        {"origins": ("https://studio.example.org/",)},
        {"root_path": "studio"},
    ],
)
def test_what_makes_no_sense_is_refused(options: dict[str, object]) -> None:
    with pytest.raises(SettingsError):
        ServeSettings(**options)  # type: ignore[arg-type]


def test_a_variable_that_is_no_number_is_named() -> None:
    with pytest.raises(SettingsError, match="GRADIO_SERVER_PORT"):
        ServeSettings.from_environment({"GRADIO_SERVER_PORT": "http"})


def test_an_allowance_of_nothing_is_refused() -> None:
    with pytest.raises(SettingsError, match="productions"):
        Allowance(productions=0)


def test_a_space_installs_what_the_package_depends_on_and_no_more() -> None:
    """A Space installs `requirements.txt` before it has the checkout, so the file cannot name the package itself."""
    checkout = Path(__file__).resolve().parent.parent.parent
    lines = (checkout / "requirements.txt").read_text("utf-8").splitlines()
    declared = tomllib.loads((checkout / "pyproject.toml").read_text("utf-8"))["project"]["dependencies"]
    assert [line for line in lines if line and not line.startswith("#")] == declared
