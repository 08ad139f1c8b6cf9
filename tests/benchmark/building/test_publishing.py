"""The folder of a benchmark: whole at any moment, and read back before it counts."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from pathlib import Path

import pytest
import yaml

from speechagents.benchmark.building.publishing import PROVENANCE_FILE, SHARES, Publication, scene_id_of, split_of
from speechagents.benchmark.building.settings import BuildSettings
from speechagents.benchmark.facts import Fact, FactKind
from speechagents.benchmark.scene_set import Facets, Split, read_scene_set
from speechagents.benchmark.script_file import SceneScript, ScriptLine
from speechagents.errors import BenchmarkError
from tests.benchmark.building.authors import whole_scene

FACETS = Facets("lift", "anywhere", "present", "casual", "a goat: whose?", ("calm", "angry"))
SCENE = whole_scene("A goat in the lift.", 25, 1)


@pytest.fixture
def publication(tmp_path: Path) -> Publication:
    return Publication(tmp_path, BuildSettings("CC-BY-4.0", name="goats: v1"), "author 1")


def script(text: str = "Is this your goat?", style: str = "calm") -> SceneScript:
    lines = (ScriptLine(SCENE.roles[0].name, style, text), ScriptLine(SCENE.roles[1].name, "calm", "No -- 'tis: hers."))
    return SceneScript("001-goat", 2, "author 1", lines)


def test_shares_of_the_splits_are_kept_and_an_id_has_one_side_for_good() -> None:
    counts = Counter(split_of(f"{number:03}-scene") for number in range(5_000))
    for split, share in SHARES.items():
        assert counts[split] / 5_000 == pytest.approx(share, abs=0.03)
    assert [split_of(f"00{number}-goat") for number in (1, 2, 3)] == [Split.TEST, Split.TRAIN, Split.TEST]


@pytest.mark.parametrize(
    ("title", "scene_id"),
    [
        ("The Goat's Lift", "007-the-goats-lift"),
        ("Ça va, où?", "007-ca-va-ou"),
        ("../../etc/passwd", "007-etc-passwd"),
        ("深夜", "007-scene"),
        ("A " * 40, "007-a-a-a-a-a-a"),
        ("x" * 300, "007-" + "x" * 20),
    ],
)
def test_an_id_is_what_every_file_system_holds(title: str, scene_id: str) -> None:
    assert scene_id_of(7, title) == scene_id


def test_what_is_added_is_read_back_by_the_reader_of_benchmarks(tmp_path: Path, publication: Publication) -> None:
    fact = Fact(("lamps",), FactKind.NUMBER, "forty")
    publication.add_scene("001-goat", SCENE, FACETS, [fact], idea="line 1 of ideas.txt", seed=3)
    publication.add_script(script(), seed=4)
    found = read_scene_set(tmp_path)
    (scene,) = found.scenes.values()
    assert found.name == "goats: v1"
    assert (scene.brief, scene.facets, scene.facts) == (SCENE, FACETS, (fact,))
    assert (scene.licence, scene.source) == ("CC-BY-4.0", "line 1 of ideas.txt; made by author 1")
    assert scene.split is split_of("001-goat")
    assert found.scripts["001-goat", 2] == script()


def test_every_file_has_a_record_of_what_made_it(tmp_path: Path, publication: Publication) -> None:
    publication.add_scene("001-goat", SCENE, FACETS, [], idea="line 1 of ideas.txt", seed=3)
    publication.add_script(script(), seed=4)
    rows = [json.loads(line) for line in (tmp_path / PROVENANCE_FILE).read_text("utf-8").splitlines()]
    assert [(row["item"], row["kind"], row["seed"]) for row in rows] == [
        ("001-goat", "scene", 3),
        ("001-goat-2", "script", 4),
    ]
    for row in rows:
        assert (row["made_by"], row["licence"]) == ("author 1", "CC-BY-4.0")
        assert row["sha256"] == hashlib.sha256((tmp_path / row["file"]).read_bytes()).hexdigest()


def test_a_script_is_read_back_before_it_counts(tmp_path: Path, publication: Publication) -> None:
    publication.add_scene("001-goat", SCENE, FACETS, [])
    assert publication.checked_script(script("A\tgoat\u200b  here.")).lines[0].text == "A goat here."
    with pytest.raises(BenchmarkError, match="bleating"):
        publication.checked_script(script(style="bleating"))
    assert not (tmp_path / "scripts").exists()
    assert not (tmp_path / ".work").exists()


@pytest.mark.parametrize("text", ["!!python/object:os.system x", "- a: [b, {c: &d e}]", '"], [x', "# no", "yes", "\\n"])
def test_text_that_looks_like_yaml_stays_text(tmp_path: Path, publication: Publication, text: str) -> None:
    publication.add_scene("001-goat", SCENE, FACETS, [], idea=text)
    publication.add_script(publication.checked_script(script(text)))
    found = read_scene_set(tmp_path)
    assert found.scripts["001-goat", 2].lines[0].text == text
    assert found.scenes["001-goat"].source == f"{text}; made by author 1"
    assert set(yaml.safe_load((tmp_path / "index.yaml").read_text("utf-8"))) == {"name", "source", "licence", "scenes"}
