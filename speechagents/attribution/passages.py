"""A novel as passages: what is said in one go, with the clues around it.

Owns which quotations belong together, and the gathering of clues for each passage. Does not weigh them (`features`).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from speechagents.attribution.clues import NO_TAG, NOBODY, Grammar, Ref, RefKind, Tag
from speechagents.attribution.lexicon import Lexicon
from speechagents.attribution.mentions import Mention, Named, described_by
from speechagents.attribution.quotation import Character, Gender
from speechagents.attribution.quotes import QuoteSpan
from speechagents.attribution.tokens import Tokens

TELLER: Final = -1
"""Stands for whoever says “I” in the narration, until it is known who that is."""
_FORGOTTEN: Final = 60
"""Paragraphs after which it no longer counts who of two with one name was named last."""
_BEFORE_ADDRESS: Final = frozenset(
    {
        ",",
        "!",
        ".",
        "?",
        ";",
        "—",
        "--",
        "-",
        ":",
        "dear",
        "my",
        "oh",
        "ah",
        "o",
        "no",
        "yes",
        "well",
        "good",
        "poor",
        "'",
        "‘",
        "“",
        '"',
        "and",
        "_",
        "dearest",
        "old",
        "little",
        "you",
        "thank",
    }
)
_BEHIND_ADDRESS: Final = frozenset({",", "!", ".", "?", ";", "—", "--", "-", ":", "”", '"', "’", "'", "...", "…", "_"})


@dataclass(slots=True)
class Paragraph:
    """What the narrator says in a paragraph, as far as it matters here.

    Attributes:
        narration: Stretches of tokens outside quotations.
        first: Subject of its first sentence.
        last: Subject of its last sentence.
        he: How often ``he`` stands there.
        she: How often ``she`` stands there.
        i: How often ``I`` stands there.
        words: Number of its tokens outside quotations.
        named: Characters named outside quotations, in order; twice if twice. The first “I” stands there as `TELLER`.
        subjects: Those of them that are followed by a verb.
        quoted: Whether anything is said in it.
    """

    narration: list[tuple[int, int]]
    first: Ref = NOBODY
    last: Ref = NOBODY
    he: int = 0
    she: int = 0
    i: int = 0
    words: int = 0
    named: list[int] = field(default_factory=list)
    subjects: list[int] = field(default_factory=list)
    quoted: bool = False


@dataclass(slots=True)
class Passage:
    """What one character says in one go, and the clues that stand with it.

    Attributes:
        spans: Its quotations.
        first: Index of its first paragraph.
        last: Index of its last paragraph.
        tag: Its speech tag.
        ahead: Subject of the sentence in front of it, in the same paragraph.
        behind: Subject of the sentence behind it, in the same paragraph.
        spoken_to: Characters whose names it calls.
        spoken_of: Characters whose names it holds otherwise.
        calls: Gender that ways of address in it tell ("sir").
        words: The words said, in lower case.
        ends: The mark in front of its last closing quotation mark.
    """

    spans: list[QuoteSpan]
    first: int
    last: int
    tag: Tag = NO_TAG
    ahead: Ref = NOBODY
    behind: Ref = NOBODY
    spoken_to: list[int] = field(default_factory=list)
    spoken_of: list[int] = field(default_factory=list)
    calls: Gender = Gender.UNKNOWN
    words: list[str] = field(default_factory=list)
    ends: str = ""


def resolve(
    mentions: Sequence[Mention], paragraphs: Sequence[int], characters: Sequence[Character]
) -> dict[int, Named]:
    """Give each mention one character: of those who bear the name, the one named last by a name of their own.

    Args:
        mentions: In order.
        paragraphs: First tokens of the paragraphs.
        characters: All of them.

    Returns:
        What was decided, by first token.
    """
    counts = [0] * len(characters)
    for mention in mentions:
        for who in mention.who:
            counts[who] += 3 if len(mention.who) == 1 and mention.sure else 1
    last = [-_FORGOTTEN] * len(characters)
    resolved: dict[int, Named] = {}
    for mention in mentions:
        paragraph = bisect_right(paragraphs, mention.token)
        bearers = mention.who
        if len(bearers) == 1:
            last[bearers[0]] = paragraph
            resolved[mention.token] = Named(bearers[0], mention.length, mention.others)
            continue
        if mention.length == 1 and not mention.sure:
            # A bare surname is the man's: his wife is called Mrs.
            bearers = tuple(who for who in bearers if characters[who].gender is not Gender.FEMALE) or bearers
        who = max(bearers, key=lambda one: (max(last[one], paragraph - _FORGOTTEN), counts[one], -one))
        if mention.sure:
            last[who] = paragraph
        resolved[mention.token] = Named(who, mention.length, mention.who + mention.others)
    return resolved


def read_passages(
    tokens: Tokens,
    spans: Sequence[QuoteSpan],
    mentions: Mapping[int, Named],
    lexicon: Lexicon,
    characters: Sequence[Character],
) -> tuple[list[Paragraph], list[Passage]]:
    """Gather the clues of a whole novel.

    Args:
        tokens: The novel.
        spans: Its quotations, in order.
        mentions: Who is named, by first token.
        lexicon: The words.
        characters: Everybody.
    """
    reader = _Reader(
        tokens,
        Grammar(tokens, mentions, lexicon, described_by(characters)),
        mentions,
        lexicon,
        [one.gender for one in characters],
    )
    by_paragraph: dict[int, list[QuoteSpan]] = {}
    for span in spans:
        by_paragraph.setdefault(span.paragraph, []).append(span)
    paragraphs: list[Paragraph] = []
    passages: list[Passage] = []
    for index in range(len(tokens.paragraphs) - 1):
        quotes = by_paragraph.get(index, [])
        paragraph, said = reader.read(index, quotes, paragraphs[-1] if paragraphs else None)
        paragraphs.append(paragraph)
        if said and quotes[0].resumes and passages and passages[-1].last == index - 1:
            _join(passages[-1], said.pop(0))
        passages += said
    return paragraphs, passages


def _join(passage: Passage, more: Passage) -> None:
    """Go on with a quotation that runs over several paragraphs."""
    passage.spans += more.spans
    passage.last = more.last
    if more.tag.strength > passage.tag.strength:
        passage.tag = more.tag
    passage.behind = more.behind
    passage.spoken_to += more.spoken_to
    passage.spoken_of += more.spoken_of
    passage.words += more.words
    passage.ends = more.ends
    if passage.calls is Gender.UNKNOWN:
        passage.calls = more.calls


class _Reader:
    """Reads one paragraph after the other."""

    def __init__(
        self,
        tokens: Tokens,
        grammar: Grammar,
        mentions: Mapping[int, Named],
        lexicon: Lexicon,
        genders: Sequence[Gender],
    ) -> None:
        self._tokens = tokens
        self._lower = tokens.lower
        self._mentions = mentions
        self._lexicon = lexicon
        self._grammar = grammar
        self._genders = genders

    def read(
        self, index: int, quotes: Sequence[QuoteSpan], before: Paragraph | None
    ) -> tuple[Paragraph, list[Passage]]:
        """The narrator's part of a paragraph, and what is said in it."""
        tokens, grammar = self._tokens, self._grammar
        start, end = tokens.paragraphs[index], tokens.paragraphs[index + 1]
        inside = [(tokens.at(span.start), tokens.at(span.end)) for span in quotes]
        gaps: list[tuple[int, int]] = []
        at = start
        for first, last in inside:
            gaps.append((at, first))
            at = last
        gaps.append((at, end))
        paragraph = Paragraph([gap for gap in gaps if gap[0] < gap[1]], quoted=bool(quotes))
        self._narrate(paragraph)
        if not quotes:
            return paragraph, []
        own = [(self._tag(gaps, number, len(quotes)), number) for number in range(len(quotes))]
        if before is not None and not before.quoted and before.narration and gaps[0][0] == gaps[0][1]:
            last_gap = before.narration[-1]
            if self._lower[last_gap[1] - 1] in (":", ",", "-", "--", "—"):
                led = grammar.tag_ahead(*last_gap)
                if led.strength and not own[0][0].strength:
                    own[0] = (led._replace(place=4), 0)
        passages: list[Passage] = []
        group: list[int] = []
        held = NO_TAG
        for tag, number in own:
            if group and tag.strength and held.strength and self._differ(tag.subject, held.subject):
                passages.append(self._passage(index, quotes, inside, gaps, group, held))
                group, held = [], NO_TAG
            group.append(number)
            if (tag.strength, -tag.place) > (held.strength, -held.place) or not held.strength:
                held = tag
        passages.append(self._passage(index, quotes, inside, gaps, group, held))
        return paragraph, passages

    def _tag(self, gaps: Sequence[tuple[int, int]], number: int, count: int) -> Tag:
        """The tag of one quotation: behind it, else in front of it."""
        behind = self._grammar.tag_behind(*gaps[number + 1])
        if behind.strength and number + 1 < count:
            behind = behind._replace(place=1)
        if behind.strength == 2:
            return behind
        ahead = self._grammar.tag_ahead(*gaps[number]) if gaps[number][0] < gaps[number][1] else NO_TAG
        return ahead if ahead.strength > behind.strength else behind

    def _differ(self, one: Ref, other: Ref) -> bool:
        """Whether two subjects are surely two people."""
        kinds = {one.kind, other.kind}
        if kinds == {RefKind.NAME}:
            return one.who != other.who
        if kinds <= {RefKind.NAME, RefKind.PRONOUN}:
            genders = {self._gender(one), self._gender(other)}
            return len(genders) == 2 and Gender.UNKNOWN not in genders
        return kinds == {RefKind.I, RefKind.NAME}

    def _gender(self, ref: Ref) -> Gender:
        return self._genders[ref.who] if ref.kind is RefKind.NAME else ref.gender

    def _narrate(self, paragraph: Paragraph) -> None:
        lower, mentions = self._lower, self._mentions
        speech, verbs = self._lexicon.speech_verbs, self._lexicon.verbs
        for start, end in paragraph.narration:
            paragraph.words += end - start
            for at in range(start, end):
                word = lower[at]
                if word == "he":
                    paragraph.he += 1
                elif word == "she":
                    paragraph.she += 1
                elif word == "i":
                    if not paragraph.i:
                        paragraph.named.append(TELLER)
                        paragraph.subjects.append(TELLER)
                    paragraph.i += 1
                named = mentions.get(at)
                if named is not None:
                    paragraph.named.append(named.who)
                    follows = lower[at + named.length] if at + named.length < end else ""
                    if follows.endswith("ed") or follows in verbs or follows in speech:
                        paragraph.subjects.append(named.who)
        if paragraph.narration:
            first, last = paragraph.narration[0], paragraph.narration[-1]
            paragraph.first = self._grammar.subject(first[0], self._grammar.sentence_end(*first))
            paragraph.last = self._grammar.subject(self._grammar.sentence_start(*last), last[1])

    def _passage(
        self,
        index: int,
        quotes: Sequence[QuoteSpan],
        inside: Sequence[tuple[int, int]],
        gaps: Sequence[tuple[int, int]],
        group: Sequence[int],
        tag: Tag,
    ) -> Passage:
        grammar, lower = self._grammar, self._lower
        passage = Passage([quotes[number] for number in group], index, index, tag)
        front, back = gaps[group[0]], gaps[group[-1] + 1]
        if front[0] < front[1]:
            passage.ahead = grammar.subject(grammar.sentence_start(*front), front[1])
        for gap in (gaps[group[0] + 1], back):
            if gap[0] < gap[1] and passage.behind.kind is RefKind.NONE:
                passage.behind = grammar.subject(gap[0], grammar.sentence_end(*gap))
        for number in group:
            self._listen(passage, *inside[number])
        last = inside[group[-1]][1] - 1
        passage.ends = lower[last - 1] if last > inside[group[-1]][0] else ""
        return passage

    def _listen(self, passage: Passage, start: int, end: int) -> None:
        """What is said: words, names called and names mentioned."""
        lower, mentions, addresses = self._lower, self._mentions, self._lexicon.addresses
        for at in range(start, end):
            word = lower[at]
            if word.isalpha() or "'" in word:
                passage.words.append(word)
            named = mentions.get(at)
            length = named.length if named is not None else 1
            if named is None and word not in addresses:
                continue
            before = lower[at - 1] if at > start else ","
            follows = lower[at + length] if at + length < end else ","
            called = before in _BEFORE_ADDRESS and follows in _BEHIND_ADDRESS
            if named is not None:
                (passage.spoken_to if called else passage.spoken_of).append(named.who)
            elif called and addresses[word] is not Gender.UNKNOWN:
                passage.calls = addresses[word]
