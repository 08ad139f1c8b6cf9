"""The screenplays that benchmarks perform: real in length and shape, the same under a seed."""

from __future__ import annotations

import csv
import textwrap
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest

from benchmarks.novels import from_novel
from benchmarks.screenplays import MAX_ROLES, describe, main, make_screenplay
from speechagents.drama import role_key
from speechagents.scripts.fountain import parse_fountain
from speechagents.scripts.script import Action, Dialogue, Element, Heading, Part, PartKind, Script

FEATURE = {"pages": 150, "roles": 34, "seed": 1}


@pytest.fixture(scope="module")
def feature() -> Script:
    return parse_fountain(make_screenplay(**FEATURE))


def printed_lines(element: Element) -> int:
    """Lines an element takes on paper with the blank line behind it, by the usual column widths."""
    if isinstance(element, Dialogue):
        return 2 + sum(
            len(textwrap.wrap(part.text, 25 if part.kind is PartKind.PARENTHETICAL else 35)) for part in element.parts
        )
    assert hasattr(element, "text")
    return 1 + len(textwrap.wrap(element.text, 60))


def speeches(script: Script) -> list[str]:
    return [
        " ".join(part.text for part in element.parts if part.kind is PartKind.SPEECH)
        for element in script.elements
        if isinstance(element, Dialogue)
    ]


def letters(text: str) -> int:
    return sum(map(str.isalnum, text))


@pytest.mark.parametrize(("pages", "roles"), [(1, 2), (1, 4), (10, 40), (40, 12), (150, 34)])
def test_it_has_the_pages_and_the_roles_that_were_asked_for(pages: int, roles: int) -> None:
    script = parse_fountain(make_screenplay(pages=pages, roles=roles, seed=7))
    assert len(script.characters) == roles
    assert abs(sum(map(printed_lines, script.elements)) / 55 - pages) < 1


def test_more_roles_than_fit_are_refused() -> None:
    for pages, roles in ((1, 5), (150, MAX_ROLES + 1), (10, 1), (0, 2)):
        with pytest.raises(ValueError, match="not between"):
            make_screenplay(pages=pages, roles=roles, seed=1)


def test_every_role_that_there_can_be_gets_a_name_of_its_own() -> None:
    assert len(parse_fountain(make_screenplay(pages=40, roles=MAX_ROLES, seed=3)).characters) == MAX_ROLES


def test_the_seed_alone_decides_the_text() -> None:
    first, again, other = (make_screenplay(pages=5, roles=6, seed=seed) for seed in (4, 4, 5))
    assert first == again
    assert first != other


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_feature_hardly_repeats_a_line(seed: int) -> None:
    said = speeches(parse_fountain(make_screenplay(pages=150, roles=34, seed=seed)))
    assert len(said) - len(set(said)) < 0.01 * len(said)


def test_a_feature_has_the_shape_of_a_screenplay(feature: Script) -> None:
    lines = Counter[type[Element]]()
    scenes = [0]
    for element in feature.elements:
        if isinstance(element, Heading):
            scenes.append(0)
        scenes[-1] += printed_lines(element)
        lines[type(element)] += printed_lines(element)
    assert 0.2 < lines[Action] / lines.total() < 0.45
    assert 0.5 < lines[Dialogue] / lines.total() < 0.8
    assert 45 <= len(scenes) - 1 <= 90
    assert max(scenes) < 4.7 * 55
    headings = {element.text for element in feature.elements if isinstance(element, Heading)}
    assert len(headings) > 0.9 * (len(scenes) - 1)
    assert {heading.partition(" ")[0] for heading in headings} == {"INT.", "EXT.", "INT./EXT."}


def test_a_feature_holds_everything_that_a_performance_must_cope_with(feature: Script) -> None:
    blocks = [element for element in feature.elements if isinstance(element, Dialogue)]
    extensions = Counter(extension for block in blocks for extension in block.extensions)
    assert set(extensions) == {"V.O.", "O.S.", "ON PHONE", "CONT'D"}
    assert sum(block.dual for block in blocks) >= 5
    assert sum(text.endswith("--") for text in speeches(feature)) >= 30
    parentheticals = {part.text for block in blocks for part in block.parts if part.kind is PartKind.PARENTHETICAL}
    assert {"beat", "whispering", "shouting"} <= parentheticals


def test_nobody_is_cut_off_at_the_end_of_a_scene(feature: Script) -> None:
    for element, following in pairwise(feature.elements):
        if isinstance(element, Dialogue) and element.parts[-1].text.endswith("--"):
            assert isinstance(following, Dialogue)
            assert role_key(following.character) != role_key(element.character)


def test_the_command_writes_the_screenplay_and_its_figures(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--pages", "3", "--roles", "5", "--seed", "2"]) == 0
    written = capsys.readouterr()
    assert written.out == make_screenplay(pages=3, roles=5, seed=2)
    assert written.err.strip() == describe(written.out)
    assert written.err.startswith("5 roles")


def test_the_command_says_what_is_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--pages", "1", "--roles", "80"]) == 2
    assert "80 roles are not between" in capsys.readouterr().err
    assert main(["--from-novel", "no-such-folder"]) == 2
    assert "no-such-folder" in capsys.readouterr().err


NOVEL = """A PAGE FROM NOWHERE

CHAPTER I.


"You took the boat," said Ada, "and you left
the _oars_."

Ben looked at the sea. "Oars," he said to himself. CUT TO:

"(I had a plan.)"

"What plan?" asked everybody.

CHAPTER II

It rained. "It rains," they say here.
"""
QUOTES = [
    (("You took the boat,", "and you left\nthe _oars_."), "Miss Ada Lund"),
    (("Oars,",), "Ben"),
    (("(I had a plan.)",), "ben"),
    (("What plan?",), "_group"),
    (("It rains,",), "_narr"),
]


@pytest.fixture
def novel(tmp_path: Path) -> Path:
    """A page in the corpus's form, written for this test."""
    folder = tmp_path / "APageFromNowhere"
    folder.mkdir()
    folder.joinpath("novel_text.txt").write_bytes(NOVEL.encode())
    with folder.joinpath("character_info.csv").open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["Character ID", "Main Name", "Aliases", "Gender", "Category"])
        rows.writerows(
            [[0, "Ada (the elder)", "{'Ada', 'Miss Ada Lund'}", "F", "major"], [1, "Ben", "{'Ben'}", "M", ""]]
        )
    with folder.joinpath("quotation_info.csv").open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["quoteID", "quoteByteSpans", "speaker"])
        for number, (texts, speaker) in enumerate(QUOTES):
            spans = [[NOVEL.index(text), NOVEL.index(text) + len(text)] for text in texts]
            rows.writerow([f"Q{number}", str(spans), speaker])
    return folder


def test_a_novel_becomes_scenes_action_and_dialogue(novel: Path) -> None:
    script = parse_fountain(from_novel(novel))
    assert script.title == "A Page From Nowhere"

    def speech(name: str, text: str, *extensions: str) -> Dialogue:
        return Dialogue(name, (Part(PartKind.SPEECH, text),), extensions)

    assert script.elements == (
        Action("A PAGE FROM NOWHERE"),
        Heading("CHAPTER I."),
        speech("ADA THE ELDER", "You took the boat,"),
        Action("said Ada,"),
        speech("ADA THE ELDER", "and you left the oars.", "CONT'D"),
        Action("Ben looked at the sea."),
        speech("BEN", "Oars,"),
        Action("he said to himself. CUT TO:"),
        speech("BEN", "I had a plan."),
        speech("SEVERAL VOICES", "What plan?"),
        Action("asked everybody."),
        Heading("CHAPTER II"),
        Action('It rained. "It rains," they say here.'),
    )


def test_a_file_in_another_form_is_refused(novel: Path) -> None:
    (novel / "quotation_info.csv").write_text("quoteID,quoteByteSpans,speaker\nQ0,here,Ben\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"quotation_info\.csv: not in the corpus's form"):
        from_novel(novel)


CORPUS = Path(__file__).parents[2] / "shared" / "data" / "pdnc"


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the corpus of annotated novels is not here")
@pytest.mark.parametrize("name", ["WinnieThePooh", "TheSportOfTheGods"])
def test_a_real_novel_keeps_every_quotation_and_every_letter(name: str) -> None:
    script = parse_fountain(from_novel(CORPUS / name))
    with (CORPUS / name / "quotation_info.csv").open(newline="", encoding="utf-8") as file:
        quotations = [row for row in csv.DictReader(file) if row["speaker"] != "_narr"]
    blocks = [element for element in script.elements if isinstance(element, Dialogue)]
    assert sum("CONT'D" not in block.extensions for block in blocks) == len(quotations)
    kept = sum(map(letters, [element.text for element in script.elements if isinstance(element, Action | Heading)]))
    kept += sum(letters(part.text) for block in blocks for part in block.parts)
    assert kept == letters((CORPUS / name / "novel_text.txt").read_text(encoding="utf-8"))
    assert len(script.characters) >= 10
    assert sum(isinstance(element, Heading) for element in script.elements) >= 10
