"""Consistency: does what is said agree with the scene, with who says it, and with itself.

Owns six measures. Each is a lower bound of what a reader would find: it sees names, closed-class facts and repeated
words, and nothing that needs understanding. Does not know how facts are read (`facts`), names found (`naming`), or
contradictions seen (`contradiction`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import combinations
from math import fsum, sqrt
from typing import Final

from speechagents.benchmark.facts import Verdict
from speechagents.benchmark.metrics.contradiction import contradictions
from speechagents.benchmark.metrics.metric import Better, Looked, Measured, Metric, Needs
from speechagents.benchmark.metrics.naming import Company
from speechagents.benchmark.metrics.words import content, stem, tokens, weights
from speechagents.benchmark.played import Played
from speechagents.drama import Role, SceneBrief

_GROUP: Final = "Consistency"
_SMALL: Final = re.compile(r"(?<![^\W\d_])[^\W\d_A-Z][^\W\d_]*")
_CLAIM: Final = re.compile(
    r"\b(?:I['’]m|I am|[Mm]y name is|[Mm]y name['’]s|[Tt]he name['’]s|[Cc]all me|[Tt]hey call me)\s+"
    r"([^\W\d_a-z][\w-]*(?:\s[^\W\d_a-z][\w-]*)*)(?=\s*(?:[,.!?;:…—–]|--|$|and\b|the\b))"
)
_INTRODUCED: Final = re.compile(r"^\W*[\w' ’-]{1,40}?[.,]")


def _facts_kept(looked: Looked) -> Measured:
    by_line = [_verdicts(looked.played, text) for text in _texts(looked.played)]
    found = [(place, verdicts) for place, verdicts in enumerate(by_line) if verdicts]
    said = [verdict is Verdict.SAYS for _, verdicts in found for verdict in verdicts]
    by_turn = tuple((place, _share(verdicts.count(Verdict.SAYS), len(verdicts)) or 0.0) for place, verdicts in found)
    return Measured(_share(sum(said), len(said)), len(said), by_turn)


def _facts_mentioned(looked: Looked) -> Measured:
    texts = _texts(looked.played)
    mentions = sum(len(_verdicts(looked.played, text)) for text in texts)
    if not texts or not looked.played.facts:
        return Measured(None)
    return Measured(100.0 * mentions / len(texts), mentions)


def _strangers(looked: Looked) -> Measured:
    played = looked.played
    company = Company.of(played.scene.roles)
    known = _known_words(played)
    return _of_lines([bool(company.strangers(text, known)) for text in _texts(played)])


def _identity(looked: Looked) -> Measured:
    company = Company.of(looked.played.scene.roles)
    return _of_lines(
        [
            _claims_another(company, looked.played.role_of(line), line.text)
            or _calls_itself(company, looked.played.role_of(line), line.text)
            for line in looked.played.lines
        ]
    )


def _contradiction(looked: Looked) -> Measured:
    played = looked.played
    found = contradictions([(played.role_of(line), line.text) for line in played.lines])
    return _of_lines([place in found for place in range(len(played.lines))])


def _role_fit(looked: Looked) -> Measured:
    """Own and exchanged parts of every two who speak, compared."""
    played = looked.played
    names = frozenset(stem(word) for role in played.scene.roles for word in tokens(role.name))
    written = {role.key: frozenset(_role_stems(role)) - names for role in played.scene.roles}
    lines = [(played.role_of(line), frozenset(content(line.text)) - names) for line in played.lines]
    of = weights([*written.values(), *(stems for _, stems in lines)])
    said: dict[str, frozenset[str]] = {}
    for key, stems in lines:
        said[key] = said.get(key, frozenset()) | stems
    speaking = [key for key in written if said.get(key)]
    fit = {(one, two): _cosine(said[one], written[two], of) for one in speaking for two in speaking}
    wins = [
        0.5 + 0.5 * _sign(fit[one, one] + fit[two, two] - fit[one, two] - fit[two, one])
        for one, two in combinations(speaking, 2)
    ]
    return Measured(fsum(wins) / len(wins) if wins else None, len(wins))


def _verdicts(played: Played, text: str) -> Sequence[Verdict]:
    found = [fact.verdict(text) for fact in played.facts]
    return [verdict for verdict in found if verdict is not Verdict.SILENT]


def _known_words(played: Played) -> AbstractSet[str]:
    """Words of the scene, and words that somebody writes small, which are no names."""
    facts = " ".join(" ".join((*fact.about, fact.value)) for fact in played.facts)
    scene = frozenset(word.removesuffix("'s") for word in tokens(f"{_scene_text(played.scene)} {facts}"))
    return scene | {word.casefold() for text in _texts(played) for word in _SMALL.findall(text)}


def _scene_text(scene: SceneBrief) -> str:
    roles = " ".join(
        " ".join((role.name, role.profile, *role.goals, *role.secrets, *(" ".join(one) for one in role.relations)))
        for role in scene.roles
    )
    return " ".join((scene.title, scene.setting, scene.background, *scene.beats, roles))


def _role_stems(role: Role) -> Sequence[str]:
    return content(" ".join((role.profile, *role.goals, *role.secrets, *(word for _, word in role.relations))))


def _claims_another(company: Company, key: str, text: str) -> bool:
    claimed = {company.resolve(match.group(1)) for match in _CLAIM.finditer(text)}
    return bool(claimed - {None, key})


def _calls_itself(company: Company, key: str, text: str) -> bool:
    """Whether a line calls its own speaker; "Kemi. It was my rice." introduces her, and does not."""
    introduced = _INTRODUCED.match(text)
    rest = text[introduced.end() :] if introduced and company.resolve(introduced.group().strip(" .,")) == key else text
    return key in company.called(rest)


def _cosine(one: AbstractSet[str], other: AbstractSet[str], of: Mapping[str, float]) -> float:
    def squares(words: AbstractSet[str]) -> float:
        return fsum(of[word] ** 2 for word in words)

    both = squares(one) * squares(other)
    return squares(one & other) / sqrt(both) if both else 0.0


def _sign(value: float) -> float:
    return 0.0 if abs(value) < 1e-12 else 1.0 if value > 0.0 else -1.0


def _texts(played: Played) -> Sequence[str]:
    return [line.text for line in played.lines]


def _of_lines(found: Sequence[bool]) -> Measured:
    """Share of lines of which something is true."""
    return Measured(
        _share(sum(found), len(found)), len(found), tuple((place, float(one)) for place, one in enumerate(found))
    )


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


METRICS: Final[tuple[Metric, ...]] = (
    Metric(
        name="facts_kept",
        title="Facts kept",
        about="Of all mentions of a fact that everybody in the scene knows, the share that say it and do not break it.",
        group=_GROUP,
        better=Better.HIGHER,
        needs=Needs.TEXT,
        unit="",
        source="Slot accuracy: Budzianowski et al. 2018, arXiv 1810.00278",
        measure=_facts_kept,
    ),
    Metric(
        name="facts_mentioned",
        title="Facts mentioned",
        about="How often lines mention a fact of the scene, rightly or wrongly, per 100 lines; shows how much is "
        "behind facts kept.",
        group=_GROUP,
        better=Better.NEITHER,
        needs=Needs.TEXT,
        unit="per 100 lines",
        source="Slot mentions: Budzianowski et al. 2018, arXiv 1810.00278",
        measure=_facts_mentioned,
    ),
    Metric(
        name="strangers_named",
        title="Strangers named",
        about="Share of lines that speak to or of a person by a name that neither a role nor the scene has.",
        group=_GROUP,
        better=Better.LOWER,
        needs=Needs.TEXT,
        unit="",
        source="Hallucinated entities: Nan et al. 2021, arXiv 2102.09130",
        measure=_strangers,
    ),
    Metric(
        name="identity_slips",
        title="Takes itself for another",
        about="Share of lines in which a role gives another role's name as its own, or calls itself by name.",
        group=_GROUP,
        better=Better.LOWER,
        needs=Needs.TEXT,
        unit="",
        source="Persona contradictions: Zhang et al. 2018, arXiv 1801.07243; Welleck et al. 2019, arXiv 1811.00671",
        measure=_identity,
    ),
    Metric(
        name="self_contradiction",
        title="Contradicts itself",
        about="Share of lines that deny what the same role said before, or change a number, weekday, month or colour "
        "in it.",
        group=_GROUP,
        better=Better.LOWER,
        needs=Needs.TEXT,
        unit="",
        source="Negation and numeric contradictions: de Marneffe, Rafferty & Manning 2008, ACL P08-1118",
        measure=_contradiction,
    ),
    Metric(
        name="role_fit",
        title="Words fit the role",
        about="Share of all pairs of speakers whose words are closer to their own profiles, goals, secrets and "
        "relations than to each other's; 0.5 by chance.",
        group=_GROUP,
        better=Better.HIGHER,
        needs=Needs.TEXT,
        unit="",
        source="Persona overlap of words: P-F1, Lian et al. 2019, arXiv 1902.04911; as an area under the ROC curve: "
        "Hanley & McNeil 1982, Radiology 143:29",
        measure=_role_fit,
    ),
)
