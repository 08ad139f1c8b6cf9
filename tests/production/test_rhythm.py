"""When lines are spoken."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from speechagents.drama import NARRATOR, Line, Style
from speechagents.production.rhythm import HEAD_S, LEAD_OUT_S, TAIL_S, SceneClock, in_order_of_start
from speechagents.production.timeline import SCENE_GUARD_S, PlacedLine, PlacedSound
from speechagents.voices.synthesizer import Word


def dialogue(*said: tuple[str, str]) -> list[Line]:
    return [Line(number, role, text) for number, (role, text) in enumerate(said, 1)]


def starts(lines: Sequence[Line], *, duration_s: float = 2.0, seed: int = 1) -> list[float]:
    clock = SceneClock(seed=seed)
    return [clock.place(line, duration_s) for line in lines]


def gap(
    first: str, second: str, *, other: str = "BEN", seed: int = 1, duration_s: float = 2.0, **line: object
) -> float:
    """The gap between ANNA's line and the next."""
    one, two = dialogue(("ANNA", first), (other, second))
    begins = starts([one, replace(two, **line)], duration_s=duration_s, seed=seed)  # type: ignore[arg-type]
    return begins[1] - begins[0] - duration_s


def gaps(first: str, second: str, *, other: str = "BEN", duration_s: float = 2.0, **line: object) -> np.ndarray:
    """Many gaps that differ by chance alone."""
    return np.array([gap(first, second, other=other, seed=n, duration_s=duration_s, **line) for n in range(300)])


def test_turns_change_after_about_200_ms_with_a_tail_to_the_right() -> None:
    found = gaps("I am here.", "So am I.")
    assert 0.20 < np.median(found) < 0.28
    assert 0.05 < np.std(found) < 0.20
    assert np.mean(found) > np.median(found)
    assert found.min() > 0.03
    assert found.max() < 1.7


def test_an_answer_comes_sooner_than_a_remark() -> None:
    assert np.median(gaps("Are you here?", "Yes.")) < 0.8 * np.median(gaps("I am here.", "Yes."))


@pytest.mark.parametrize(
    ("slower", "faster"),
    [
        (gaps("I…", "What?"), gaps("I.", "What?")),
        (gaps("Come here.", "... I can't."), gaps("Come here.", "I can't.")),
        (gaps("He is dead.", "No.", style=Style("sad")), gaps("He is dead.", "No.")),
        (
            gaps("He is dead.", "No.", style=Style("tired", 2.0)),
            gaps("He is dead.", "No.", style=Style("tired", 0.5)),
        ),
        (gaps("Run.", "Now!"), gaps("Run.", "Now!", style=Style("urgent"))),
        (gaps("Run.", "Now!"), gaps("Run.", "Now!", style=Style("shouting"))),
        (gaps("Look.", "He looks.", other=NARRATOR), gaps("Look.", "He looks.")),
        (gaps("A tale.", "Well.", duration_s=20.0), gaps("A tale.", "Well.", duration_s=3.0)),
        (gaps("One. Two.", "Three.", other="ANNA"), gaps("One. Two.", "Three.", other="ANNA", continues=True)),
        (gaps("One.", "Two.", other="ANNA", continues=True), gaps("One,", "two.", other="ANNA", continues=True)),
    ],
    ids=[
        "trails off",
        "begins late",
        "sad",
        "very tired",
        "urgent",
        "shouting",
        "narrator",
        "long",
        "new speech",
        "phrase",
    ],
)
def test_gaps_follow_what_is_said(slower: np.ndarray, faster: np.ndarray) -> None:
    assert np.median(slower) > 1.15 * np.median(faster)
    assert np.mean(slower) - np.mean(faster) > 0.03


def test_a_sentence_in_two_voices_goes_on_as_if_it_were_one() -> None:
    """“I will,” | said Anna. | — one breath, however the narrator takes their time elsewhere."""
    one = np.median(gaps("I will,", "said Anna.", other=NARRATOR, continues=True))
    two = np.median(gaps("I will,", "said Anna.", other=NARRATOR))
    assert 0.1 < one < 0.25 < 0.5 < two


@given(st.floats(0.0, 20.0), st.integers(0, 99))
def test_a_beat_is_added_to_the_usual_gap(pause_s: float, seed: int) -> None:
    plain = gap("I am here.", "So am I.", seed=seed)
    paused = gap("I am here.", "So am I.", seed=seed, pause_s=pause_s)
    assert paused == pytest.approx(plain + pause_s, abs=0.02)


@pytest.mark.parametrize("broken", ["But I--", "But I—", '"But I--"', "But I -"])
@pytest.mark.parametrize("seed", range(20))
def test_a_dash_at_the_end_is_interrupted(broken: str, seed: int) -> None:
    assert -0.351 <= gap(broken, "No!", seed=seed) <= -0.139


def test_an_interruption_covers_no_more_than_the_last_word() -> None:
    clock = SceneClock(seed=1)
    one, two = dialogue(("ANNA", "But I--"), ("BEN", "No!"))
    first = clock.place(one, 1.0, [Word("But", 0.0, 0.5), Word("I--", 0.93, 1.0)])
    assert first + 0.93 <= clock.place(two, 1.0) <= first + 0.95


@pytest.mark.parametrize(
    ("role", "options"), [("ANNA", {}), (NARRATOR, {}), ("BEN", {"pause_s": 1.0}), ("BEN", {"text": "... what?"})]
)
def test_nobody_interrupts_themselves_nor_does_the_narrator_nor_one_who_waits(
    role: str, options: dict[str, object]
) -> None:
    one, two = dialogue(("ANNA", "But I--"), (role, "No!"))
    at = starts([one, replace(two, **options)])  # type: ignore[arg-type]
    assert at[1] > at[0] + 2.0


def dual(first: int, second: int) -> list[Line]:
    """Speeches of several lines by A and B at once, and one by C after them."""
    lines = [Line(1, "Z", "Before.")]
    lines += [Line(2 + n, "A", f"Left {n}.", continues=n > 0) for n in range(first)]
    lines += [Line(2 + first + n, "B", f"Right {n}.", simultaneous=n == 0, continues=n > 0) for n in range(second)]
    return [*lines, Line(2 + first + second, "C", "After.")]


@given(st.integers(1, 4), st.integers(1, 4), st.floats(0.3, 6.0), st.floats(0.3, 6.0))
def test_dual_dialogue_starts_together_and_both_sides_run_on_their_own(
    first: int, second: int, left_s: float, right_s: float
) -> None:
    lines = dual(first, second)
    clock = SceneClock(seed=1)
    duration = {"A": left_s, "B": right_s}
    at = {line.number: clock.place(line, duration.get(line.role, 1.0)) for line in lines}
    left = [at[line.number] for line in lines if line.role == "A"]
    right = [at[line.number] for line in lines if line.role == "B"]
    assert left[0] == right[0]
    for side, length_s in ((left, left_s), (right, right_s)):
        pauses = np.diff(side) - length_s
        assert ((pauses > 0.03) & (pauses < 1.7)).all()
    both_done = max(left[-1] + left_s, right[-1] + right_s)
    assert both_done < at[lines[-1].number] < both_done + 1.7


@given(st.integers(1, 4), st.integers(1, 4), st.floats(0.3, 6.0), st.floats(0.3, 6.0))
def test_lines_leave_in_order_of_start_and_only_dual_dialogue_is_held_back(
    first: int, second: int, left_s: float, right_s: float
) -> None:
    lines = dual(first, second)
    clock = SceneClock(seed=1)
    given_in: list[int] = []

    def placed() -> list[tuple[PlacedLine, int]]:
        out = []
        for line in lines:
            length_s = {"A": left_s, "B": right_s}.get(line.role, 1.0)
            out.append((PlacedLine(line, "0" * 64, clock.place(line, length_s), length_s), line.number))
        return out

    def watched() -> object:
        for one in placed():
            given_in.append(one[1])
            yield one

    out = []
    for one, number in in_order_of_start(watched(), lines):  # type: ignore[arg-type, var-annotated]
        out.append(one.start_s)
        if number in (1, lines[-1].number):
            assert given_in[-1] == number
    assert out == sorted(out)
    assert len(out) == len(lines)


def test_a_simultaneous_line_whose_partner_could_not_be_spoken_waits_its_turn() -> None:
    lines = dual(1, 1)
    clock = SceneClock(seed=1)
    before = clock.place(lines[0], 3.0)
    clock.skip(lines[1])
    assert clock.place(lines[2], 1.0) > before + 3.0


TEXTS = st.sampled_from(["Yes.", "No?", "But--", "… well", "I see...", "A longer sentence, with a comma.", "Go!"])


@st.composite
def scenes(draw: st.DrawFn) -> list[tuple[Line, float]]:
    said = draw(
        st.lists(st.tuples(st.sampled_from(["A", "B", "C", NARRATOR]), TEXTS, st.floats(0.05, 12.0)), max_size=12)
    )
    return [(Line(number, role, text), length_s) for number, (role, text, length_s) in enumerate(said, 1)]


@given(scenes(), st.integers(0, 2**62))
def test_starts_never_go_back_and_lie_on_the_grid(scene: list[tuple[Line, float]], seed: int) -> None:
    clock = SceneClock(seed=seed)
    at = [clock.place(line, length_s) for line, length_s in scene]
    end_s = clock.end()
    assert at == sorted(at)
    assert all(abs(start * 44_100 - round(start * 44_100)) < 1e-6 for start in at)
    assert end_s * 44_100 == pytest.approx(882 * round(end_s * 50), abs=1e-6)
    last = max([start + length_s for start, (_, length_s) in zip(at, scene, strict=True)], default=HEAD_S)
    assert last + LEAD_OUT_S - 1e-6 <= end_s < last + LEAD_OUT_S + 0.021


@given(scenes().filter(lambda scene: len(scene) > 2), st.data(), st.integers(0, 1000))
@settings(max_examples=80)
def test_a_line_that_is_changed_added_or_taken_out_moves_no_other_gap(
    scene: list[tuple[Line, float]], data: st.DataObject, seed: int
) -> None:
    changed = data.draw(st.integers(0, len(scene) - 1))

    def gaps_of(lines: list[tuple[Line, float]]) -> dict[str, float]:
        clock = SceneClock(seed=seed)
        found, ended = {}, HEAD_S
        for line, length_s in lines:
            start = clock.place(line, length_s)
            # The grid hides a part of up to one hundredth that depends on everything before.
            found[line.text] = start - ended
            ended = max(ended, start + length_s)
        return found

    # Make texts unique, so that gaps can be told apart by them; the prefix leaves the ends alone.
    lines = [(replace(line, text=f"{n} {line.text}"), length_s) for n, (line, length_s) in enumerate(scene)]
    other = (replace(lines[changed][0], text="Something else."), 1.23)
    touched = {lines[changed][0].text, "Something else."}
    if changed + 1 < len(lines):
        touched.add(lines[changed + 1][0].text)
        # An interruption is measured from the line it cuts; what follows a longer line that still sounds is, too.
        touched |= {line.text for line, _ in lines[changed + 2 : changed + 3]}
    before = gaps_of(lines)
    for after in (
        gaps_of([*lines[:changed], other, *lines[changed + 1 :]]),
        gaps_of([*lines[:changed], other, *lines[changed:]]),
        gaps_of([*lines[:changed], *lines[changed + 1 :]]),
    ):
        for text in set(before) & set(after) - touched:
            assert after[text] == pytest.approx(before[text], abs=0.0101)


@pytest.mark.parametrize("lines_before", range(1, 12))
def test_where_a_line_stands_does_not_decide_whether_it_is_long(lines_before: int) -> None:
    # More than eight seconds stretch the next gap, and in some places end less start is 8.000000000000007.
    clock = SceneClock(seed=0)
    for number in range(lines_before):
        clock.place(Line(number + 1, "A", f"{number} Yes."), 12.0)
    start_s = clock.place(Line(98, "A", "Yes."), 8.0)
    assert clock.place(Line(99, "B", "No."), 1.0) - start_s - 8.0 == pytest.approx(0.29, abs=0.0101)


def test_the_same_seed_gives_the_same_times_and_another_seed_others() -> None:
    lines = dialogue(("A", "One."), ("B", "Two."), ("A", "Three."), ("B", "Four."))
    assert starts(lines, seed=3) == starts(lines, seed=3)
    assert starts(lines, seed=3) != starts(lines, seed=4)


def test_equal_lines_of_a_scene_have_different_gaps() -> None:
    lines = dialogue(*[("A", "Yes."), ("B", "Yes.")] * 10)
    assert len(set(np.round(np.diff(starts(lines)), 2))) > 5


@pytest.mark.parametrize(
    ("setting", "previous", "change_s"),
    [
        ("INT. KITCHEN - CONTINUOUS", "INT. HALL - DAY", 1.0),
        ("INT. KITCHEN - NIGHT", "INT. KITCHEN - DAY", 1.3),
        ("INT. KITCHEN - NIGHT", "EXT. STREET - DAY", 1.7),
        ("INT. KITCHEN - LATER", "INT. KITCHEN - DAY", 2.0),
    ],
)
def test_a_change_of_scene_lasts_as_its_kind(setting: str, previous: str, change_s: float) -> None:
    before, after = SceneClock(previous, None, seed=1), SceneClock(setting, previous, seed=1)
    line = Line(1, "A", "Hello.")
    said_s = before.place(line, 1.0) + 1.0
    assert before.end() - said_s + after.place(line, 1.0) == pytest.approx(change_s, abs=0.021)


def test_the_programme_begins_and_ends_as_acx_asks() -> None:
    clock = SceneClock("INT. KITCHEN", None, seed=1, last=True)
    start = clock.place(Line(1, "A", "Hello."), 1.0)
    assert 0.5 <= start == HEAD_S <= 1.0
    assert 1.0 <= clock.end() - start - 1.0 <= TAIL_S + 0.02 <= 5.0


def test_a_room_that_rings_gets_time_to_ring_out() -> None:
    line = Line(1, "A", "Hello.")
    dry, ringing = SceneClock(seed=1), SceneClock(seed=1, ring_s=0.7)
    dry.place(line, 1.0)
    ringing.place(line, 1.0)
    assert ringing.end() == pytest.approx(dry.end() + 0.7, abs=0.021)


def test_a_scene_without_lines_lasts_for_its_ends_alone() -> None:
    assert SceneClock(seed=1).end() == pytest.approx(HEAD_S + LEAD_OUT_S)


def test_a_short_effect_is_heard_out_and_a_long_one_is_spoken_over() -> None:
    one, two = dialogue(("A", "What was that?"), ("B", "The door."))
    for duration_s, waits_s in ((0.8, 0.8), (30.0, 1.5)):
        clock = SceneClock(seed=1)
        said_s = clock.place(one, 1.0) + 1.0
        effect_s = clock.place_effect(duration_s)
        assert 0.1 <= effect_s - said_s <= 0.2
        assert waits_s <= clock.place(two, 1.0) - effect_s < waits_s + 0.3


def test_the_end_of_a_scene_waits_for_an_effect() -> None:
    clock = SceneClock(seed=1)
    clock.place(Line(1, "A", "Bye."), 1.0)
    start = clock.place_effect(3.0)
    assert clock.end() >= start + 3.0 + LEAD_OUT_S


def test_sounds_never_start_before_what_came_earlier() -> None:
    clock = SceneClock(seed=1)
    assert clock.place_ambience() == SCENE_GUARD_S
    door = clock.place_effect(0.5)
    assert clock.place_ambience() >= door
    said = clock.place(Line(1, "A", "Hello."), 1.0)
    assert said >= door + 0.5
    door = clock.place_effect(0.5)
    assert clock.place_ambience() >= door >= said + 1.0
    broken = clock.place(Line(2, "B", "I never --"), 1.0)
    rain = clock.place_ambience()
    assert broken + 1.0 <= rain <= clock.place(Line(3, "A", "Stop it!"), 1.0) < rain + 0.3


@st.composite
def staged(draw: st.DrawFn) -> list[tuple[Line, float] | str]:
    """A scene of lines with their lengths and of cues, with dual dialogue and speeches of several lines."""
    items: list[tuple[Line, float] | str] = []
    last = ""
    for number in range(1, draw(st.integers(2, 12))):
        if draw(st.booleans()):
            items.append(draw(st.sampled_from(["ambience", "effect"])))
        role = draw(st.sampled_from(["A", "B", "C", NARRATOR]))
        how = draw(st.sampled_from(["plain", "plain", "continues", "simultaneous"]))
        continues = how == "continues" and role == last
        simultaneous = how == "simultaneous" and last not in ("", role)
        line = Line(number, role, draw(TEXTS), continues=continues, simultaneous=simultaneous)
        items.append((line, draw(st.floats(0.05, 8.0))))
        last = role
    return items


@given(staged(), st.integers(0, 99), st.sets(st.integers(1, 12), max_size=3), st.floats(0.0, 4.0))
@settings(max_examples=300)
def test_whatever_is_said_at_once_or_fails_sound_leaves_in_order_of_start(
    scene: list[tuple[Line, float] | str], seed: int, failed: set[int], effect_s: float
) -> None:
    clock = SceneClock(seed=seed)

    def placed() -> Iterator[tuple[PlacedLine | PlacedSound, None]]:
        for item in scene:
            if item == "ambience":
                yield PlacedSound(0, clock.place_ambience(), 1.0), None
            elif isinstance(item, str):
                yield PlacedSound(0, clock.place_effect(effect_s), effect_s), None
            elif item[0].number in failed:
                clock.skip(item[0])
            else:
                yield PlacedLine(item[0], "", clock.place(*item), item[1]), None

    lines = [item[0] for item in scene if not isinstance(item, str)]
    out = [thing.start_s for thing, _ in in_order_of_start(placed(), lines)]
    assert out == sorted(out)


def test_the_other_side_of_a_dual_dialogue_starts_with_the_first_whatever_sounds_between_them() -> None:
    lines = dual(1, 2)
    clock = SceneClock(seed=1)
    clock.place(lines[0], 1.0)
    left = clock.place(lines[1], 3.0)
    rain = clock.place_ambience()
    assert rain >= left + 3.0
    assert clock.place(lines[2], 0.5) == left
    assert clock.place(lines[3], 0.5) < rain


def test_sounds_between_lines_leave_in_order_too() -> None:
    lines = dual(1, 1)
    sound = PlacedSound(0, 4.0, 1.0)
    placed: list[tuple[PlacedLine | PlacedSound, int]] = [
        (PlacedSound(0, 0.5, 1.0), 0),
        (PlacedLine(lines[0], "", 1.0, 1.0), 1),
        (PlacedLine(lines[1], "", 3.0, 1.0), 2),
        (sound, 3),
        (PlacedLine(lines[2], "", 3.0, 1.0), 4),
        (PlacedLine(lines[3], "", 6.0, 1.0), 5),
    ]
    assert [number for _, number in in_order_of_start(placed, lines)] == [0, 1, 2, 4, 3, 5]


def test_a_programme_keeps_its_short_head_whatever_the_script_waits_for_first() -> None:
    late = Line(1, "ANNA", "At last.", pause_s=2.0)
    assert SceneClock(seed=1).place(late, 1.0) == HEAD_S
    later_scene = SceneClock("INT. HALL", "INT. KITCHEN", seed=1)
    assert later_scene.place(late, 1.0) > 2.0


def test_the_last_room_rings_out_before_the_tail_begins() -> None:
    clock = SceneClock(seed=1, last=True, ring_s=0.7)
    start = clock.place(Line(1, "ANNA", "Amen."), 1.0)
    assert clock.end() >= start + 1.0 + 0.7 + TAIL_S
