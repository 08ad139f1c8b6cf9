"""The controller that hears and writes units: a controller in good order, whatever its model has learnt."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from speechagents.audio import Audio
from speechagents.controllers.controller import Answer, Bid, MalformedTurn
from speechagents.controllers.units import SOUNDS_KEPT, UnitsController, make_units_controller
from speechagents.drama import Deed
from speechagents.errors import SettingsError, WeightsMissing
from speechagents.testing.controllers import ControllerTerms, check_controller
from speechagents.units.generation import Sampling
from speechagents.units.speech import UnitSpeech
from tests.units.beeps import Beeps, beeping
from tests.units.ferry import asked, in_another_scene


@pytest.fixture(scope="module")
def speech(tmp_path_factory: pytest.TempPathFactory) -> tuple[UnitSpeech, Beeps]:
    return beeping(tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def controller(speech: tuple[UnitSpeech, Beeps]) -> UnitsController:
    return UnitsController(speech[0], sampling=Sampling())


def _sound(seed: int) -> Audio:
    return Audio(np.random.default_rng(seed).normal(0.0, 0.1, 1_600).astype(np.float32), 16_000)


def test_it_is_a_controller(controller: UnitsController) -> None:
    check_controller(lambda: controller, ControllerTerms(answers=True))


def test_a_turn_has_thoughts_words_a_style_and_units(controller: UnitsController) -> None:
    (answer,) = controller.respond([asked()], seed=1)
    assert isinstance(answer, Answer)
    assert answer.turn.role == "Bo"
    assert answer.turn.deed is Deed.SPEAK
    assert answer.turn.text
    assert answer.turn.units
    assert answer.usage.tokens_in > 50
    assert answer.usage.tokens_out > len(answer.turn.units)


def test_an_answer_does_not_depend_on_who_else_is_asked(controller: UnitsController) -> None:
    asks = [asked("Ann"), asked("Bo", audio=_sound(1)), asked("Anna")]
    together = list(controller.respond(asks, seed=5))
    alone = [next(iter(controller.respond([ask], seed=5))) for ask in reversed(asks)]
    assert together == alone[::-1]
    assert list(controller.respond(asks, seed=6)) != together


def test_it_hears_sound_and_not_only_words(controller: UnitsController) -> None:
    one, other, read = asked(audio=_sound(1)), asked(audio=_sound(2)), asked()
    turns = [next(iter(controller.respond([ask], seed=5))) for ask in (one, other, read)]
    assert len({str(turn) for turn in turns}) == 3


def test_each_sound_is_encoded_once_for_all_agents_and_turns(speech: tuple[UnitSpeech, Beeps]) -> None:
    controller, codec = UnitsController(speech[0], sampling=Sampling()), speech[1]
    before = len(codec.encoded)
    first, second = _sound(1), _sound(2)
    ask = asked("Ann", said=2)
    heard = (replace(ask.heard[0], audio=first), replace(ask.heard[1], audio=second))
    asks = [replace(asked(name, said=2), heard=heard) for name in ("Ann", "Anna", "Bo")]
    list(controller.respond(asks, seed=1))
    list(controller.bid(asks, seed=1))
    assert [id(sound) for sound in codec.encoded[before:]] == [id(first), id(second)]
    for number in range(SOUNDS_KEPT):
        list(controller.bid([asked(said=1, audio=_sound(number))], seed=1))
    list(controller.respond(asks, seed=1))
    assert [id(sound) for sound in codec.encoded[-2:]] == [id(first), id(second)]


def test_bids_are_the_chances_to_speak_next(controller: UnitsController) -> None:
    names = ("Ann", "Anna", "Bo")
    bids = [bid for bid in controller.bid([asked(name) for name in names], seed=3) if isinstance(bid, Bid)]
    assert [bid.role for bid in bids] == list(names)
    assert sum(bid.want for bid in bids) == pytest.approx(1.0)
    assert all(f"{bid.want:.0%}" in bid.reason for bid in bids)
    # The agents heard the same, so the model has read it once.
    assert [bid.usage.tokens_in > 0 for bid in bids] == [True, False, False]


def test_who_is_not_there_does_not_want_to_speak(controller: UnitsController) -> None:
    ask = replace(asked("Bo"), present=("Ann", "Anna"))
    (bid,) = controller.bid([ask], seed=3)
    assert isinstance(bid, Bid)
    assert bid.want == 0.0


def test_a_model_without_room_says_so(tmp_path: Path) -> None:
    controller = UnitsController(beeping(tmp_path, context=40)[0], sampling=Sampling())
    (turn,) = controller.respond([asked()], seed=1)
    (bid,) = controller.bid([asked()], seed=1)
    assert isinstance(turn, MalformedTurn)
    assert isinstance(bid, MalformedTurn)
    assert "tokens are too few" in turn.reason
    assert "leaves no room" in bid.reason


def test_a_scene_in_another_language_is_refused(controller: UnitsController) -> None:
    with pytest.raises(SettingsError, match="only en"):
        controller.check_language("de")
    controller.check_language(in_another_scene(asked(), language="en-GB").scene.language)


def test_the_identity_tells_model_codec_and_sampling(speech: tuple[UnitSpeech, Beeps]) -> None:
    identities = {
        UnitsController(speech[0], sampling=sampling).identity
        for sampling in (Sampling(), Sampling(temperature=0.1), Sampling(top_p=0.5), Sampling(unit_temperature=0.1))
    }
    assert len(identities) == 4
    assert all(speech[0].model.digest in one and "beeps 1" in one for one in identities)


def test_options_out_of_range_are_settings_errors(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"units: temperature 9\.0"):
        make_units_controller(temperature=9.0)
    with pytest.raises(WeightsMissing):
        make_units_controller(model=str(tmp_path / "nowhere"))
