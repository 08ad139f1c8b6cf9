"""Says which styles of a script its voices do not have.

Owns that sentence. A voice speaks such lines plainly, and nobody should have to find out by listening. Does not know
what a style sounds like, nor any synthesizer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from speechagents.drama import Style
from speechagents.styles import STYLES
from speechagents.voices.abilities import DeclaresAbilities

_PLAIN = "default"


def missing_styles(synthesizer: object, wanted: Iterable[Style]) -> tuple[str, ...]:
    """What people should know before lines are spoken.

    Args:
        synthesizer: Who speaks them; one that does not declare its abilities is asked nothing.
        wanted: The style of each line.

    Returns:
        One sentence, or none if every style is really done.
    """
    if not isinstance(synthesizer, DeclaresAbilities):
        return ()
    done = synthesizer.abilities.styles
    if all(tag in done for tag in STYLES if tag != _PLAIN):
        return ()  # the lines of a book are made anew whenever they are looked at
    plain = Counter(one.tag for one in wanted if one.tag != _PLAIN and one.strength > 0 and one.tag not in done)
    if not plain:
        return ()
    told = ", ".join(f"{tag} ({count} {'line' if count == 1 else 'lines'})" for tag, count in plain.most_common())
    return (f"these voices do not do every style; spoken plainly: {told}",)
