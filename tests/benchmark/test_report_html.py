"""The page is whole, loads nothing, runs nothing, and says what the report says."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from speechagents.benchmark.document import Commands, Items, Paragraph, Pictures, Report, Section, Table
from speechagents.benchmark.metrics.metric import Better
from speechagents.benchmark.report import make_report
from speechagents.benchmark.report_html import html_of
from tests.benchmark.made_up_runs import metric, run_of, spread, with_turns

HOSTILE = "<script>alert('x')</script>\"&\x00\u202e</td></table></style><img src=x onerror=y>"
SHOWN = "<script>alert('x')</script>\"& </td></table></style><img src=x onerror=y>"
EMPTY = {"meta", "br", "img", "link", "input"}


class Page(HTMLParser):
    """What stands in a page, and that all its elements are closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in EMPTY:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def tags(self, name: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.seen if tag == name]


@pytest.fixture(scope="module")
def text() -> str:
    runs = [
        run_of(
            {"quality": with_turns(spread(mean, seed=seed)), "gap_s": with_turns(spread(0.2, seed=seed))},
            name=name,
            problems=[HOSTILE],
        )
        for seed, (name, mean) in enumerate((("one", 0.9), (HOSTILE, 0.5)))
    ]
    metrics = (metric("quality", title=HOSTILE), metric("gap_s", Better.NEITHER, group="Turn-taking"))
    return html_of(make_report(runs, metrics))


@pytest.fixture(scope="module")
def page(text: str) -> Page:
    return Page(text)


def test_the_page_loads_nothing_and_runs_nothing(text: str, page: Page) -> None:
    assert {tag for tag, _ in page.seen}.isdisjoint(
        {"script", "img", "link", "iframe", "object", "embed", "form", "base"}
    )
    assert not [name for _, attributes in page.seen for name in attributes if name.startswith("on") or name == "src"]
    assert all((link.get("href") or "").startswith("#") for link in page.tags("a"))
    assert not re.search(r"url\(|@import|@font-face", text)
    (policy,) = [one["content"] for one in page.tags("meta") if one.get("http-equiv") == "Content-Security-Policy"]
    assert policy is not None
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'")


def test_names_and_problems_are_shown_as_they_are(page: Page) -> None:
    assert SHOWN[:59] in "".join(page.texts)
    assert "\x00" not in "".join(page.texts)


def test_ids_are_unique_and_every_link_leads_somewhere(page: Page) -> None:
    ids = [attributes["id"] for _, attributes in page.seen if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {(link.get("href") or "")[1:] for link in page.tags("a")} <= set(ids)
    named = [word for _, attributes in page.seen for word in (attributes.get("aria-labelledby") or "").split()]
    assert set(named) <= set(ids)


def test_the_plots_stand_inside(page: Page) -> None:
    assert len(page.tags("svg")) == len(page.tags("figure")) == 4
    assert all(one["role"] == "img" for one in page.tags("svg"))


def test_it_suits_phones_paper_and_the_dark(text: str, page: Page) -> None:
    assert {"name": "viewport", "content": "width=device-width, initial-scale=1"} in page.tags("meta")
    assert "@media print" in text
    assert "prefers-color-scheme: dark" in text
    assert page.tags("html") == [{"lang": "en"}]
    assert len(page.tags("table")) == len([one for one in page.tags("div") if one.get("role") == "region"])


def test_every_kind_of_block_is_written() -> None:
    report = Report(
        "Title",
        (
            Section(
                "Same",
                (
                    Paragraph("a < b"),
                    Items((("term", "said"), ("", "alone"))),
                    Table("Caption", ("", "x"), (("row", "1"), ("long", "y" * 40)), ("A note.",)),
                    Commands(("one --two", "three")),
                    Pictures(("<svg></svg>",)),
                ),
            ),
            Section("Same", ()),
        ),
    )
    text = html_of(report)
    Page(text)
    for part in (
        "<p>a &lt; b</p>",
        "<li><strong>term</strong>: said</li>\n<li>alone</li>",
        '<thead><tr><th scope="col"></th><th scope="col">x</th></tr></thead><tbody>\n<tr><th scope="row">row</th>',
        f"<td class=long>{'y' * 40}</td>",
        '<p class="note">A note.</p>',
        "<pre><code>one --two\nthree</code></pre>",
        "<figure><svg></svg></figure>",
        '<h2 id="1-same">Same</h2>',
        '<h2 id="2-same">Same</h2>',
    ):
        assert part in text, part


def test_a_row_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="'Caption' has not 2 cells"):
        Table("Caption", ("a", "b"), (("1",),))
