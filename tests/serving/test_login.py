"""Where a login leads; the page and its routes are asked in `test_serve`."""

from __future__ import annotations

import pytest

from speechagents.serving.login import _local, _page


@pytest.mark.parametrize("path", ["/", "/cast", "/second?view=api"])
def test_a_login_leads_on_to_a_page_of_ours(path: str) -> None:
    assert _local(path, "/home/") == path


@pytest.mark.parametrize("path", ["", "cast", "https://evil.example", "//evil.example", "/\\evil", "/a\\b", "/a\nb"])
def test_and_nowhere_else(path: str) -> None:
    assert _local(path, "/home/") == "/home/"


def test_what_was_typed_is_text_and_no_markup() -> None:
    page = _page('/"><script>x</script>', "/login", "<b>wrong</b>")
    assert "<script" not in page
    assert "<b>" not in page
