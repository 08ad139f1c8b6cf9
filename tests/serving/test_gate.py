"""Which origins and host names may come, and tokens of the live stage."""

from __future__ import annotations

from pathlib import Path

import pytest

from speechagents.serving.gate import Gate
from speechagents.serving.settings import ServeSettings
from speechagents.serving.tokens import Signer

from .conftest import Clock

EVERYWHERE = "0.0.0.0"  # noqa: S104


@pytest.fixture
def gate(signer: Signer, tmp_path: Path) -> Gate:
    return Gate(signer, ServeSettings(data=tmp_path, origins=("https://studio.example.org",)))


@pytest.mark.parametrize(
    ("headers", "allowed"),
    [
        ({"host": "localhost:7860"}, True),
        ({"host": "localhost:7860", "origin": "http://localhost:7860"}, True),
        ({"host": "localhost:7860", "origin": "https://studio.example.org"}, True),
        ({"host": "localhost:7860", "origin": "http://localhost:7861"}, False),
        ({"host": "localhost:7860", "origin": "https://evil.example"}, False),
        ({"host": "localhost:7860", "origin": "null"}, False),
        ({"host": "localhost:7860", "origin": ""}, False),
        ({"host": "", "origin": "http://"}, False),
        ({"host": "localhost:7860", "origin": "file://localhost:7860"}, False),
        ({"host": "localhost:7860", "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"}, False),
        (
            {
                "host": "localhost",
                "sec-fetch-site": "cross-site",
                "sec-fetch-mode": "navigate",
                "sec-fetch-dest": "document",
            },
            True,
        ),
        (
            {
                "host": "localhost",
                "sec-fetch-site": "cross-site",
                "sec-fetch-mode": "navigate",
                "sec-fetch-dest": "embed",
            },
            False,
        ),
    ],
)
def test_only_our_own_pages_may_act(gate: Gate, headers: dict[str, str], allowed: bool) -> None:
    assert gate.origin_allowed(headers) is allowed


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("localhost:7860", True),
        ("127.0.0.1:7860", True),
        ("[::1]:7860", True),
        ("studio.example.org", True),
        ("evil.example:7860", False),
        ("localhost.evil.example", False),
        ("", False),
    ],
)
def test_a_server_for_this_machine_has_this_machine_s_names(gate: Gate, host: str, allowed: bool) -> None:
    assert gate.host_allowed({"host": host}) is allowed


def test_a_server_for_all_has_any_name(signer: Signer, tmp_path: Path) -> None:
    assert Gate(signer, ServeSettings(data=tmp_path, host=EVERYWHERE)).host_allowed({"host": "studio.example.org"})


def test_a_token_of_the_stage_is_its_visitor_s_for_ten_minutes(gate: Gate, clock: Clock) -> None:
    token, expires_at = gate.issue_token("a" * 32)
    assert expires_at == clock.now + 600
    assert gate.visitor_of_token(token) == "a" * 32
    assert gate.visitor_of_token(token + "x") is None
    clock.now += 601
    assert gate.visitor_of_token(token) is None
