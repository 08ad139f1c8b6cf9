"""What a book is to many workers: how the driver's part is reckoned, and a short novel read once."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.cluster_books import measure_driver, measure_novels, per_1000_words
from benchmarks.made_up_novel import CHAPTER_WORDS, make_novel


def test_what_1000_words_more_cost_leaves_the_start_out() -> None:
    rows = [
        {"words": 10_000, "before_s": 2.0, "between_s": 1.0, "after_s": 0.5},
        {"words": 40_000, "before_s": 5.0, "between_s": 4.0, "after_s": 0.5},
    ]
    assert per_1000_words(rows) == {"before_s": 0.1, "between_s": 0.1, "after_s": 0.0}
    assert per_1000_words(rows[:1]) == {"before_s": 0.2, "between_s": 0.1, "after_s": 0.05}


def test_novels_are_divided_as_the_product_reads_them(tmp_path: Path) -> None:
    for name, words in (("One", 3_000), ("Three", 9_000), ("Two", 6_000)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "novel_text.txt").write_text(make_novel(words, seed=1), "utf-8")
    found = measure_novels(tmp_path)
    assert [row["novel"] for row in found["rows"]] == ["One", "Three", "Two"]
    assert found["median_words"] == pytest.approx(6_000, abs=150)
    assert found["median_chapters"] == pytest.approx(6_000 / CHAPTER_WORDS, abs=1.5)
    assert all(row["longest_chapter_words"] == pytest.approx(CHAPTER_WORDS, abs=200) for row in found["rows"])


def test_a_folder_without_novels_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="no novels"):
        measure_novels(tmp_path)


def test_a_novel_is_read_by_workers_and_its_drivers_part_measured() -> None:
    (row,) = measure_driver([400])["rows"]
    assert row["words"] == pytest.approx(400, abs=150)
    assert row["before_s"] > 0.1  # the package is imported, the speakers are found
    assert row["between_s"] > 0.0
    assert row["files"]["take"]["count"] <= row["lines"]
    assert row["files"]["sound"]["count"] == 2 * row["chapters"]  # M4B and MP3
    assert row["files"]["export"]["bytes"] > 100_000
