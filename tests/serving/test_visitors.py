"""Who is who."""

from __future__ import annotations

import pytest

from speechagents.serving.tokens import Signer
from speechagents.serving.visitors import Visitor


def test_strangers_are_all_different() -> None:
    assert len({Visitor.stranger().id for _ in range(100)}) == 100
    assert not Visitor.stranger().known


def test_a_name_is_always_the_same_visitor_and_no_two_names_are(signer: Signer) -> None:
    assert Visitor.named("anna", signer) == Visitor.named("anna", signer)
    assert Visitor.named("anna", signer).id != Visitor.named("ben", signer).id
    assert Visitor.named("anna", signer).known


@pytest.mark.parametrize("text", ["", "..", "a" * 31, "A" * 32, "a" * 32 + "\n", "../" + "a" * 29])
def test_an_id_is_nothing_but_digits(text: str) -> None:
    with pytest.raises(ValueError, match="no visitor"):
        Visitor(text)
