"""What the text beside a quotation says of its speaker: tags, beats, vocatives.

Owns the little grammar: noun phrases, speech tags in front of and behind a quotation, subjects of sentences. Does not
choose a speaker.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import Final, NamedTuple

from speechagents.attribution.lexicon import Lexicon, word_set
from speechagents.attribution.mentions import Named
from speechagents.attribution.quotation import Gender
from speechagents.attribution.tokens import Tokens


class RefKind(IntEnum):
    """What a noun phrase is."""

    NONE = 0
    NAME = 1
    PRONOUN = 2
    NOUN = 3
    I = 4  # noqa: E741 - the word itself
    OTHER = 5


class Ref(NamedTuple):
    """A noun phrase that stands for somebody.

    Attributes:
        kind: What it is.
        token: Its first token.
        end: The token behind it.
        who: Index of the character that is named, -1 for none.
        also: Characters that bear the same name.
        gender: What a pronoun or noun tells.
        head: The noun of a description, with the words in front of it ("old man").
        rest: What follows the noun ("in the white waistcoat").
    """

    kind: RefKind
    token: int = -1
    end: int = -1
    who: int = -1
    also: tuple[int, ...] = ()
    gender: Gender = Gender.UNKNOWN
    head: tuple[str, ...] = ()
    rest: tuple[str, ...] = ()


NOBODY: Final = Ref(RefKind.NONE)


class Tag(NamedTuple):
    """A speech tag.

    Attributes:
        subject: Who is said to speak.
        strength: 2 for a verb of saying, 1 for one that is also plain action, 0 for no tag.
        place: 1 between two quotations, 2 behind one, 3 in front of one, 4 at the end of the paragraph before.
        objects: Characters named in it beside the subject.
        start: Its first token.
        end: The token behind it.
        verb: The verb.
    """

    subject: Ref = NOBODY
    strength: int = 0
    place: int = 0
    objects: tuple[int, ...] = ()
    start: int = -1
    end: int = -1
    verb: str = ""


NO_TAG: Final = Tag()

_STOPS: Final = frozenset({".", "!", "?", ";", ":", "...", "…"})
_DETERMINERS: Final = word_set(
    "the a an his her my their our your this that these those another one each some no any other poor dear "
    "old young little both either"
)
_BETWEEN: Final = word_set(
    "out again then back on up down off in aloud once at more only still just also here there now too next"
)
_PREPOSITIONS: Final = word_set(
    "of to with at by for from in on into upon over under after before behind beside between through against about "
    "towards toward near than like around across without among amongst beyond past as and"
)
_SAYINGS: Final = word_set(
    "reply answer thought exclamation comment response remark cry retort question words rejoinder verdict explanation "
    "view opinion amendment assurance information observation suggestion conclusion greeting advice order "
    "contribution protest whisper prayer objection quick honest artless first next only last sole"
)
_PRONOUNS: Final = {"he": Gender.MALE, "she": Gender.FEMALE}
_OTHERS: Final = word_set("they we you it who everybody everyone somebody someone nobody both all which")
_MAX_CLAUSE: Final = 36
_MAX_NOUN_PHRASE: Final = 6


class Grammar:
    """Reads noun phrases and tags in one novel's tokens.

    Args:
        tokens: The novel.
        mentions: Who is named, by first token; each resolved to one character.
        lexicon: The words.
        nouns: Further nouns for persons: those in the names of descriptive characters.
    """

    def __init__(
        self, tokens: Tokens, mentions: Mapping[int, Named], lexicon: Lexicon, nouns: Mapping[str, Gender]
    ) -> None:
        self._lower = tokens.lower
        self._mentions = mentions
        self._speech = lexicon.speech_verbs
        self._weak = lexicon.weak_verbs
        self._nouns = {**nouns, **lexicon.person_nouns}

    def phrase(self, at: int, end: int) -> Ref:
        """The noun phrase that begins at a token, if it stands for somebody."""
        if at >= end:
            return NOBODY
        word = self._lower[at]
        named = self._mentions.get(at)
        if named is not None:
            stop = at + named.length
            if stop < end and self._lower[stop] == "'s":
                return self._owned(at, stop + 1, end)
            return Ref(RefKind.NAME, at, stop, named.who, named.also)
        if word in _PRONOUNS:
            return Ref(RefKind.PRONOUN, at, at + 1, gender=_PRONOUNS[word])
        if word == "i":
            return Ref(RefKind.I, at, at + 1)
        if word in _OTHERS:
            return Ref(RefKind.OTHER, at, at + 1)
        if word in _DETERMINERS:
            return self._described(at, end)
        if word in self._nouns and at and self._lower[at - 1] in self._speech:
            # "said nanny"
            return Ref(RefKind.NOUN, at, at + 1, gender=self._nouns[word], head=(word,))
        return NOBODY

    def _owned(self, start: int, at: int, end: int) -> Ref:
        """“Emma's sister”, but not “Emma's hat”."""
        for index in range(at, min(end, at + 3)):
            word = self._lower[index]
            if word in self._nouns:
                return Ref(
                    RefKind.NOUN, start, index + 1, gender=self._nouns[word], head=tuple(self._lower[at : index + 1])
                )
            if not word.isalpha():
                break
        return NOBODY

    def _described(self, at: int, end: int) -> Ref:
        """“the old man”, “his wife”, “poor Emma”: a noun for a person, or a name, within a few words."""
        lower = self._lower
        last = min(end, at + _MAX_NOUN_PHRASE)
        for index in range(at + 1, last):
            named = self._mentions.get(index)
            if named is not None:
                stop = index + named.length
                if stop < end and lower[stop] == "'s":
                    return self._owned(at, stop + 1, end)
                return Ref(RefKind.NAME, index, stop, named.who, named.also)
            word = lower[index]
            if word in self._nouns:
                # "the gentleman's wife", "the old lady": the last noun of the run counts.
                stop = index + 1
                if stop < end and (lower[stop] == "'s" or lower[stop] in self._nouns):
                    continue
                named = self._mentions.get(stop) if stop < end else None
                if named is not None and not (stop + named.length < end and lower[stop + named.length] == "'s"):
                    # "her nephew Tobias" is Tobias.
                    return Ref(RefKind.NAME, stop, stop + named.length, named.who, named.also)
                if word == "voice" and stop + 1 < end and lower[stop] == "of":
                    # However long a chain of voices of voices is: a clause ends it.
                    owner = self.phrase(stop + 1, min(end, stop + 1 + _MAX_CLAUSE))
                    if owner.kind is not RefKind.NONE:
                        return owner
                return Ref(
                    RefKind.NOUN,
                    at,
                    stop,
                    gender=self._nouns[word],
                    head=tuple(lower[at + 1 : stop]),
                    rest=self._rest(stop),
                )
            if not (word.isalpha() or word in "-,'s") or word in _PREPOSITIONS or word in self._speech:
                break
        return NOBODY

    def subject(self, start: int, end: int) -> Ref:
        """The first noun phrase of a stretch that can be a subject."""
        return self._seek(start, end, last=False)

    def last_subject(self, start: int, end: int) -> Ref:
        """The last noun phrase of a stretch that can be a subject."""
        return self._seek(start, end, last=True)

    def _seek(self, start: int, end: int, *, last: bool) -> Ref:
        lower = self._lower
        found = NOBODY
        at = start
        while at < end:
            ref = self.phrase(at, end)
            if ref.kind is RefKind.NONE:
                at += 1
                continue
            before = lower[ref.token - 1] if ref.token > start else ""
            governed = before in _PREPOSITIONS and before != "and" and before != "as"
            # "Emma's hat" is no Emma; "he's late" is he.
            owned = ref.kind is not RefKind.PRONOUN and ref.end < end and lower[ref.end] == "'s"
            if not governed and not owned:
                found = ref
                if not last:
                    return found
            at = ref.end
        return found

    def tag_behind(self, start: int, end: int) -> Tag:
        """A tag that begins behind a quotation: “… ,” said Emma to Harriet."""
        lower = self._lower
        stop = start
        while stop < end and stop - start < _MAX_CLAUSE and lower[stop] not in _STOPS:
            stop += 1
        for at in range(start, stop):
            verb = lower[at]
            if verb not in self._speech:
                if at == start and verb.endswith("ed"):
                    # "hooted Aziz": whatever the verb, turned round like this it is one of saying.
                    turned = self.phrase(at + 1, stop)
                    if turned.kind not in (RefKind.NONE, RefKind.OTHER):
                        return Tag(turned, 2, 2, self._objects(start, stop, turned), start, stop, verb)
                elif (
                    verb == "'s"
                    and at + 1 < stop
                    and lower[at + 1] in _SAYINGS
                    and lower[start] in ("was", "were", "is")
                ):
                    # "was Lucy's reply"
                    owner = self._named_before(at)
                    if owner.kind is not RefKind.NONE:
                        return Tag(owner, 2, 2, (), start, stop, lower[at + 1])
                continue
            # "he said" before "said he": what stands in front of the verb is its subject if it can be one.
            subject = self._seek(start, at, last=True)
            if subject.kind in (RefKind.NONE, RefKind.OTHER):
                after = at + 1
                while (
                    after < stop
                    and after not in self._mentions
                    and (lower[after] in _BETWEEN or lower[after].endswith("ly"))
                ):
                    after += 1
                turned = self.phrase(after, stop)
                if turned.kind is RefKind.NONE:
                    turned = self._unusual(after, stop)
                subject = subject if turned.kind is RefKind.NONE else turned
            if subject.kind is RefKind.NONE:
                continue
            return Tag(
                subject, 1 if verb in self._weak else 2, 2, self._objects(start, stop, subject), start, stop, verb
            )
        return NO_TAG

    def _unusual(self, at: int, end: int) -> Ref:
        """What stands behind a verb of saying is a person: “said dour Major Callendar”, “said the missionary”."""
        lower = self._lower
        for index in range(at, min(end, at + 5)):
            word = lower[index]
            if word == "-" and at < index < end - 1 and lower[index + 1].isalpha():
                continue  # "the left-hand pan"
            if word in _PREPOSITIONS or word in _PRONOUNS or not word.isalpha() or word.endswith("ly"):
                if word == "of" and index > at:
                    break
                return self._bare(at, index) if index > at else NOBODY
            if index in self._mentions and index > at:
                return self.phrase(index, end)
        return self._bare(at, min(end, at + 5))

    def _bare(self, at: int, stop: int) -> Ref:
        """A description by a noun that no list holds."""
        if self._lower[at] not in ("the", "a", "an", "his", "her", "my", "their", "our", "another") or stop - at < 2:
            return NOBODY
        head = tuple(self._lower[at + 1 : stop])
        return Ref(RefKind.NOUN, at, stop, head=head, rest=self._rest(stop))

    def _rest(self, at: int) -> tuple[str, ...]:
        """The words behind a noun that may tell it from others."""
        lower = self._lower
        if at < len(lower) and lower[at] in ("in", "with", "of", "who", "at", "from"):
            return tuple(word for word in lower[at + 1 : at + 6] if word.isalpha())
        return ()

    def _named_before(self, at: int) -> Ref:
        """The name that ends in front of a token."""
        for first in range(at - 1, max(-1, at - 8), -1):
            named = self._mentions.get(first)
            if named is not None:
                return Ref(RefKind.NAME, first, at, named.who, named.also) if first + named.length == at else NOBODY
        return NOBODY

    def tag_ahead(self, start: int, end: int) -> Tag:
        """A tag that leads up to a quotation: Emma turned and said, “…”."""
        lower = self._lower
        if end <= start:
            return NO_TAG
        limit = end - 1 if lower[end - 1] in (",", ":", "-", "--", "—") else end
        begin = limit
        while begin > start and limit - begin < _MAX_CLAUSE and lower[begin - 1] not in _STOPS:
            begin -= 1
        for at in range(limit - 1, begin - 1, -1):
            verb = lower[at]
            if verb not in self._speech:
                continue
            subject = self._seek(begin, at, last=True)
            if subject.kind is RefKind.NONE:
                subject = self.phrase(at + 1, limit)
            if subject.kind is RefKind.NONE:
                continue
            return Tag(
                subject, 1 if verb in self._weak else 2, 3, self._objects(begin, limit, subject), begin, end, verb
            )
        return NO_TAG

    def _objects(self, start: int, end: int, subject: Ref) -> tuple[int, ...]:
        mentions = self._mentions
        return tuple(
            mentions[at].who
            for at in range(start, end)
            if at in mentions and at != subject.token and mentions[at].who != subject.who
        )

    def sentence_end(self, start: int, end: int) -> int:
        """The token behind the first sentence of a stretch."""
        lower = self._lower
        at = start
        while at < end and lower[at] not in _STOPS:
            at += 1
        return at

    def sentence_start(self, start: int, end: int) -> int:
        """The first token of the last sentence of a stretch."""
        lower = self._lower
        at = end - 1
        while at > start and lower[at - 1] not in _STOPS:
            at -= 1
        return max(at, start)
