"""Excerpts of a small novel, and answers about them."""

import json

from speechagents.controllers.ascribing import Candidate, Excerpt, Join, Piece

HARMLESS = "Hello there."


def excerpt(
    narrated: str = "He came in.",
    said: str = "“It rains.”",
    known: str = "“So I see.”",
    *,
    names: tuple[str, ...] = ("Emma Hart", "Tom Reed", "Miss Lane"),
    alias: str = "Emma",
    speaker: str = "Tom Reed",
) -> Excerpt:
    """Two quotations that are asked about, one that is known and one that somebody says."""
    first, *others = names
    return Excerpt(
        pieces=(
            Piece(narrated, Join.PARAGRAPH, start=0),
            Piece(said, quoted=True, number=1, start=12),
            Piece(known, Join.PARAGRAPH, quoted=True, speaker=speaker, start=30),
            Piece("“Who told you?”", Join.GAP, quoted=True, start=60),
            Piece(said, Join.PARAGRAPH, quoted=True, number=2, start=80),
            Piece("she said.", start=100),
            Piece("“Go on.”", quoted=True, number=2, start=110),
        ),
        candidates=(Candidate(first, (alias,), "female"), *(Candidate(name) for name in others)),
        teller=first,
    )


def answer(*pairs: tuple[object, object], **fields: object) -> str:
    """An answer that gives quotations their speakers."""
    return json.dumps({"speakers": [{"quotation": number, "speaker": who} for number, who in pairs], **fields})
