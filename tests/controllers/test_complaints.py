"""What servers say about errors."""

import pytest

from speechagents.controllers.complaints import MAX_CHARS, complaint_of, shown, without_secret


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"error": {"message": "no such model", "type": "x", "param": "model"}}, "no such model; model"),
        ({"error": {"message": "no such model", "param": None}}, "no such model"),
        ({"error": "'response_format.type' must be 'json_schema'"}, "'response_format.type' must be 'json_schema'"),
        (
            {"detail": [{"loc": ["body", "seed"], "msg": "not permitted"}]},
            '[{"loc": ["body", "seed"], "msg": "not permitted"}]',
        ),
        ({"detail": "Not Found"}, "Not Found"),
        ({"object": "error", "message": "too long", "code": 400}, "too long"),
        ({"error": None, "message": "too long"}, "too long"),
        ({"error": 17}, ""),
        ({"error": {"message": 17}}, ""),
        ({}, ""),
        (["error"], ""),
        (None, ""),
    ],
)
def test_words_are_found_however_a_server_wraps_them(value: object, words: str) -> None:
    assert complaint_of(value) == words


def test_what_is_shown_is_one_visible_line_that_ends() -> None:
    assert shown("a\n\x1b[31mb\u202e  c") == "a [31mb c"
    assert len(shown("word " * 100_000)) <= MAX_CHARS
    assert shown("word " * 100).endswith("…")


def test_a_secret_is_struck_out_wherever_it_stands() -> None:
    said = {"secret-key": ["a secret-key b", {"x": "secret-key"}, 3, None]}
    assert without_secret("secret-key", said) == {"***": ["a *** b", {"x": "***"}, 3, None]}


@pytest.mark.parametrize("made_up", ["", "none", "ollama"])
def test_a_made_up_key_is_no_secret_and_spoils_no_answer(made_up: str) -> None:
    assert without_secret(made_up, {"text": "There is none, ollama."}) == {"text": "There is none, ollama."}
