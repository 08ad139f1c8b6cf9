"""What a finished file says about itself, whatever its format.

Owns the values and their cleaning. Does not know how a format stores them (`containers`).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

from speechagents.production.timeline import Timeline

SYNTHETIC_FIELD = "SYNTHETIC_VOICES"
"""Name of the field that marks synthetic speech, the same in every format that takes names of our own."""

SOFTWARE = "SpeechAgents"
GENRE = "Audiobook"

MAX_TAG_CHARS = 4_000
MAX_TITLE_CHARS = 500


@dataclass(frozen=True, slots=True)
class Tags:
    """What a programme says about itself.

    Attributes:
        title: Title; control characters are removed and length is bounded, here as in every other field.
        author: Writer of the script, may be empty.
        language: BCP 47 tag.
        comment: Free text, may be empty and hold newlines.
        synthetic: Which synthetic voices speak, one line; stands in a field of its own and in the comment.
        cast: Roles and the names of their voices.
        date: ``YYYY`` or ``YYYY-MM-DD``; empty by default, so that the same script gives the same bytes tomorrow.
        album: What the file is a part of: the book of a chapter; empty where it is all of it.
        track: Which part, from 1; 0 for all of it.
        tracks: How many parts there are; 0 where nobody knows.
        narrator: Who reads, for people; stands where shops and players of audiobooks look for it. Empty where nobody
            narrates.
    """

    title: str
    author: str = ""
    language: str = "en"
    comment: str = ""
    synthetic: str = ""
    cast: tuple[tuple[str, str], ...] = ()
    date: str = ""
    album: str = ""
    track: int = 0
    tracks: int = 0
    narrator: str = ""

    def __post_init__(self) -> None:
        for name in ("title", "author", "language", "synthetic", "date", "album", "narrator"):
            object.__setattr__(self, name, one_line(getattr(self, name)))
        comment = "\n".join(one_line(line, MAX_TAG_CHARS) for line in self.comment.splitlines())
        object.__setattr__(self, "comment", comment[:MAX_TAG_CHARS])
        object.__setattr__(self, "cast", tuple((one_line(role), one_line(voice)) for role, voice in self.cast))

    def of_part(self, title: str, track: int, tracks: int) -> Self:
        """What a file says that holds one part of this: a chapter of a book.

        Args:
            title: Of the part.
            track: Which it is, from 1.
            tracks: How many there are.
        """
        return replace(self, title=title, album=self.album or self.title, track=track, tracks=tracks)

    @property
    def whole(self) -> str:
        """Title of what the file is a part of, or of itself where it is all of it."""
        return self.album or self.title

    @property
    def full_comment(self) -> str:
        """The comment with the mark of synthetic speech."""
        mark = f"Synthetic voices: {self.synthetic}" if self.synthetic else ""
        return "\n".join(part for part in (self.comment, mark) if part)

    @property
    def language_code(self) -> str:
        """ISO 639-2/T code of the language, which ID3 and MP4 demand; ``und`` if it is not known."""
        primary = self.language.partition("-")[0].casefold()
        if len(primary) == 3 and primary.isascii() and primary.isalpha():
            return primary
        return _ISO_639_2.get(primary, "und")


@dataclass(frozen=True, slots=True)
class Chapter:
    """A chapter: a scene as a player's menu shows it. Times in seconds."""

    title: str
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class Label:
    """Everything but sound that goes into an audio file.

    Attributes:
        tags: Texts.
        chapters: In order.
        cover: JPEG, or empty.
    """

    tags: Tags
    chapters: tuple[Chapter, ...] = ()
    cover: bytes = b""


def one_line(text: str, limit: int = MAX_TITLE_CHARS) -> str:
    """Text without control characters and repeated white space, cut to a length."""
    visible = "".join(c if unicodedata.category(c) not in {"Cc", "Cs", "Zl", "Zp"} else " " for c in text)
    return " ".join(visible.split())[:limit].rstrip()


def chapters(timeline: Timeline) -> tuple[Chapter, ...]:
    """One chapter for each scene; a scene without a title is numbered."""
    return tuple(
        Chapter(one_line(scene.title) or f"Scene {number}", scene.start_s, scene.end_s)
        for number, scene in enumerate(timeline.scenes, 1)
    )


def clock(seconds: float, *, separator: str = ".") -> str:
    """A time as ``HH:MM:SS.mmm``."""
    milliseconds = max(0, round(seconds * 1000))
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{rest // 1000:02d}{separator}{rest % 1000:03d}"


def cut_utf8(text: str, limit: int) -> bytes:
    """UTF-8 of the longest beginning of a text that fits into a number of bytes."""
    return text.encode("utf-8", "replace")[:limit].decode("utf-8", "ignore").encode("utf-8")


def cast_lines(cast: Sequence[tuple[str, str]]) -> str:
    """A cast as text: ``Role: voice`` separated by semicolons."""
    return "; ".join(f"{role}: {voice}" for role, voice in cast)


# ISO 639-1 to ISO 639-2/T, the languages that voices exist for.
_LANGUAGES = (
    "af:afr am:amh an:arg ar:ara as:asm az:aze ba:bak be:bel bg:bul bn:ben bs:bos ca:cat cs:ces cv:chv cy:cym "
    "da:dan de:deu el:ell en:eng eo:epo es:spa et:est eu:eus fa:fas fi:fin fo:fao fr:fra ga:gle gd:gla gn:grn "
    "gu:guj he:heb hi:hin hr:hrv ht:hat hu:hun hy:hye ia:ina id:ind io:ido is:isl it:ita ja:jpn ka:kat kk:kaz "
    "kl:kal kn:kan ko:kor ku:kur ky:kir la:lat lb:ltz lt:lit lv:lav mi:mri mk:mkd ml:mal mr:mar ms:msa mt:mlt "
    "my:mya nb:nob ne:nep nl:nld nn:nno no:nor om:orm or:ori pa:pan pl:pol ps:pus pt:por qu:que ro:ron ru:rus "
    "sd:snd si:sin sk:slk sl:slv so:som sq:sqi sr:srp sv:swe sw:swa ta:tam te:tel tg:tgk th:tha ti:tir tk:tuk "
    "tn:tsn tr:tur tt:tat ug:uig uk:ukr ur:urd uz:uzb vi:vie xh:xho yi:yid yo:yor zh:zho zu:zul"
)
_ISO_639_2 = dict(pair.split(":") for pair in _LANGUAGES.split())
