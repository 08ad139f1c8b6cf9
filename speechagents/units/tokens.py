"""The vocabulary of speech-unit language models: pieces of text, marks, styles and units, as numbers and back.

Owns ``tokenizer.json``: how it is made of texts, what is accepted of one that comes with a model, and how strings
become tokens by it. It is a byte-level BPE (Sennrich et al. 2016, arXiv 1508.07909) in the form of the package
`tokenizers`, so that `transformers` and vLLM load it as well; reading, encoding and decoding need nothing but this
module, making one needs that package. Does not know in which order marks stand (`wording`).

A mark is one token, and only the marks of `MARKS`, ``<style:…>`` and ``<u…>`` are: `plain` takes from a text what could
be taken for one, and `decode` never gives one back where the model wrote its letters.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from speechagents.drama import MAX_PLAYERS
from speechagents.errors import WeightsMissing
from speechagents.styles import STYLES

PAD: Final = "<pad>"
END: Final = "<end>"
MARKS: Final = (
    PAD,
    END,
    "<scene>",
    "<about>",
    "<cast>",
    "<says>",
    "<to>",
    "<you>",
    "<who>",
    "<thinks>",
    "<answers>",
    "<next>",
    "<hear>",
    "<ask>",
    "<text>",
    "<read>",
    *(f"<r{role}>" for role in range(MAX_PLAYERS)),
)
"""All marks but those of styles and units; ``<r0>`` is whoever stands first in the cast of a prompt."""
PIECES: Final = 1_500
"""Pieces of text in a new vocabulary, the 256 bytes among them."""
MAX_UNITS: Final = 8_192
FILE: Final = "tokenizer.json"

_MAX_BYTES: Final = 16_000_000
_MAX_PIECES: Final = 200_000
_KEPT_WORDS: Final = 20_000
# A word with its apostrophe, digits one by one, all else sign by sign; the space before belongs to it. Written so that
# it means the same to Python and to the package `tokenizers`.
_WORD_PATTERN: Final = " ?[A-Za-zÀ-ÖØ-öø-ÿ]+(?:'[A-Za-zÀ-ÖØ-öø-ÿ]+)*| ?[^ A-Za-zÀ-ÖØ-öø-ÿ]| "
_WORD: Final = re.compile(_WORD_PATTERN)
_PRE_TOKENIZER: Final[Mapping[str, Any]] = {
    "type": "Sequence",
    "pretokenizers": [
        {"type": "Split", "pattern": {"Regex": _WORD_PATTERN}, "behavior": "Isolated", "invert": False},
        {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False},
    ],
}
_UNTYPOGRAPHIC: Final = str.maketrans(
    {"‘": "'", "’": "'", "“": '"', "”": '"', "…": "...", "–": "-", "—": "-", "<": "‹", ">": "›"}
)


def plain(text: str) -> str:
    """A text without anything that could be a mark, on one line, with plain quotation marks and dashes."""
    shown = unicodedata.normalize("NFC", text).translate(_UNTYPOGRAPHIC)
    return " ".join("".join(" " if unicodedata.category(one)[0] == "C" else one for one in shown).split())


def style_mark(tag: str) -> str:
    """The mark of a style."""
    return f"<style:{tag}>"


def role_mark(place: int) -> str:
    """The mark of a role, by its 0-based place in the cast; nothing beyond the most that a scene has."""
    return f"<r{place}>" if 0 <= place < MAX_PLAYERS else ""


def unit_marks(units: Iterable[int]) -> str:
    """The marks of units, one behind the other."""
    return "".join(f"<u{unit}>" for unit in units)


class UnitTokens:
    """Strings to tokens and back. Safe to use from several threads.

    Args:
        document: What stands in ``tokenizer.json``.

    Raises:
        ValueError: It is none of this kind; the message says why.
    """

    def __init__(self, document: Mapping[str, Any]) -> None:
        vocabulary, merges, added = _parts(document)
        self._document = document
        self._ids: Mapping[str, int] = vocabulary | added
        self._merges = {pair: rank for rank, pair in enumerate(merges)}
        self._marks: Mapping[str, int] = added
        self._texts = {number: piece for piece, number in self._ids.items()}
        if sorted(self._texts) != list(range(len(self._ids))):
            raise ValueError("its tokens are not numbered from 0 without gaps")
        if missing := [mark for mark in (*MARKS, *map(style_mark, STYLES)) if mark not in added]:
            raise ValueError(f"the mark {missing[0]} is missing")
        self._units = sum(1 for mark in added if re.fullmatch(r"<u\d+>", mark))
        if not 1 <= self._units <= MAX_UNITS or any(f"<u{unit}>" not in added for unit in range(self._units)):
            raise ValueError(f"its units are not numbered from 0 up to {MAX_UNITS - 1} at most")
        self._split = re.compile("(" + "|".join(map(re.escape, sorted(added))) + ")")
        self._word_ids = lru_cache(maxsize=_KEPT_WORDS)(self._encoded_word)

    @property
    def size(self) -> int:
        """How many tokens there are."""
        return len(self._ids)

    @property
    def units(self) -> int:
        """How many speech units there are."""
        return self._units

    @property
    def document(self) -> Mapping[str, Any]:
        """What stands in ``tokenizer.json``."""
        return self._document

    def id_of(self, mark: str) -> int:
        """The token of a mark.

        Raises:
            KeyError: There is no such mark.
        """
        return self._marks[mark]

    def style_ids(self) -> Mapping[int, str]:
        """Tokens of styles, with their tags."""
        return {self._marks[style_mark(tag)]: tag for tag in STYLES}

    def unit_ids(self) -> NDArray[np.int64]:
        """The token of each unit."""
        return np.array([self._marks[f"<u{unit}>"] for unit in range(self._units)], dtype=np.int64)

    def text_ids(self) -> NDArray[np.int64]:
        """Tokens of text that a model may write: all but those with which it could spell a mark."""
        marks = set(self._marks.values())
        texts = (number for number, piece in self._texts.items() if number not in marks and not set(piece) & set("<>"))
        return np.array(sorted(texts), dtype=np.int64)

    def encode(self, text: str) -> list[int]:
        """Tokens of a string: its marks, and pieces of what stands between them."""
        found: list[int] = []
        for part in self._split.split(text):
            if part in self._marks:
                found.append(self._marks[part])
            else:
                for word in _WORD.findall(part):
                    found += self._word_ids(word)
        return found

    def count(self, text: str) -> int:
        """How many tokens a string has."""
        return len(self.encode(text))

    def decode(self, ids: Iterable[int]) -> str:
        """The string of tokens.

        Bytes that are no character become one that says so; ``<`` and ``>`` that were written as text become others,
        so that a mark in the string was a mark.

        Raises:
            KeyError: There is no such token.
        """
        found: list[str] = []
        waiting = bytearray()

        def written() -> str:
            text = waiting.decode("utf-8", "replace").replace("<", "‹").replace(">", "›")
            waiting.clear()
            return text

        for number in ids:
            piece = self._texts[int(number)]
            if piece in self._marks:
                found += [written(), piece]
            else:
                waiting += bytes(_BYTES[one] for one in piece)
        return "".join([*found, written()])

    def save(self, folder: Path, *, context: int) -> None:
        """Write ``tokenizer.json`` and what `transformers` wants to know beside it.

        Args:
            folder: Of a model; it is there.
            context: Most tokens that the model takes.
        """
        about = {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "model_max_length": context,
            "pad_token": PAD,
            "eos_token": END,
            "clean_up_tokenization_spaces": False,
        }
        for name, values in ((FILE, self._document), ("tokenizer_config.json", about)):
            (folder / name).write_text(json.dumps(values, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")

    def _encoded_word(self, word: str) -> tuple[int, ...]:
        """Pieces of a word: the pair that was merged first when the vocabulary was made is merged first here."""
        pieces = [_SIGNS[byte] for byte in word.encode("utf-8", "replace")]
        while len(pieces) > 1:
            ranks = [self._merges.get(pair, len(self._merges)) for pair in pairwise(pieces)]
            if min(ranks) == len(self._merges):
                break
            first = min(ranks)
            joined, at = [], 0
            while at < len(pieces):
                whole = at < len(ranks) and ranks[at] == first
                joined.append("".join(pieces[at : at + 2]) if whole else pieces[at])
                at += 2 if whole else 1
            pieces = joined
        return tuple(self._ids[piece] for piece in pieces)


def train_tokens(texts: Iterable[str], *, units: int, pieces: int = PIECES) -> UnitTokens:
    """A vocabulary made of texts.

    Args:
        texts: Without marks; `plain` is applied.
        units: How many speech units there are.
        pieces: Pieces of text, at most; the 256 bytes are always among them.

    Raises:
        ModuleNotFoundError: The package `tokenizers` is not installed.
        ValueError: A number is out of range.
    """
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

    if not 1 <= units <= MAX_UNITS:
        raise ValueError(f"{units} units are not between 1 and {MAX_UNITS}")
    if not 256 <= pieces <= _MAX_PIECES:
        raise ValueError(f"{pieces} pieces of text are not between 256, one for each byte, and {_MAX_PIECES}")
    marks = (*MARKS, *map(style_mark, STYLES), *(f"<u{unit}>" for unit in range(units)))
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = _pre_tokenizer()
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=len(marks) + pieces,
        min_frequency=2,
        special_tokens=[AddedToken(mark, special=True, normalized=False) for mark in marks],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator((f" {text}" for text in map(plain, texts) if text), trainer)
    return UnitTokens(json.loads(tokenizer.to_str()))


def load_tokens(folder: Path) -> UnitTokens:
    """The vocabulary of a model's folder.

    Raises:
        WeightsMissing: It is not there, or damaged, or none of this kind.
    """
    path = folder / FILE
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise ValueError(f"is larger than {_MAX_BYTES // 1_000_000} MB")
        document = json.loads(path.read_bytes())
        if not isinstance(document, dict):
            raise ValueError("is no JSON object")
        return UnitTokens(document)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise WeightsMissing(
            f"{path}: is no vocabulary of a speech-unit language model ({error}); get the model's folder again"
        ) from error


def _parts(document: Mapping[str, Any]) -> tuple[dict[str, int], Sequence[tuple[str, str]], dict[str, int]]:
    """Pieces, merges in their order and marks of a ``tokenizer.json``.

    Raises:
        ValueError: It works otherwise than this module does, so other tokens would come out.
    """
    model = document["model"]
    if model["type"] != "BPE" or document.get("normalizer") is not None:
        raise ValueError("is no byte-level BPE without a normalizer")
    if document.get("pre_tokenizer") != _PRE_TOKENIZER:
        raise ValueError("cuts words otherwise than this version does")
    vocabulary = {str(piece): int(number) for piece, number in model["vocab"].items()}
    if len(vocabulary) > _MAX_PIECES + MAX_UNITS:
        raise ValueError(f"has more than {_MAX_PIECES} pieces")
    merges = [tuple(pair.split(" ") if isinstance(pair, str) else map(str, pair)) for pair in model["merges"]]
    added = {str(token["content"]): int(token["id"]) for token in document["added_tokens"]}
    letters = {piece: number for piece, number in vocabulary.items() if piece not in added}
    if any(len(pair) != 2 or "".join(pair) not in letters for pair in merges):
        raise ValueError("merges pieces that are none")
    if not set(_BYTES) <= set(letters) or any(set(piece) - set(_BYTES) for piece in letters):
        raise ValueError("does not spell with bytes")
    if any(not re.fullmatch(r"<[a-z0-9:_]{1,40}>", mark) for mark in added):
        raise ValueError("has marks that a text could hold")
    return letters, [(left, right) for left, right in merges], added


def _signs() -> dict[int, str]:
    """The printable sign that stands for each byte in byte-level BPE (Radford et al. 2019).

    It is the byte itself where that is printable in Latin-1, else one from 256 on, in order.
    """
    shown = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    hidden = [byte for byte in range(256) if byte not in shown]
    return {byte: chr(byte) for byte in shown} | {byte: chr(256 + at) for at, byte in enumerate(hidden)}


_SIGNS: Final[Mapping[int, str]] = _signs()
_BYTES: Final[Mapping[str, int]] = {sign: byte for byte, sign in _SIGNS.items()}


def _pre_tokenizer() -> Any:
    """How words are cut, as the package `tokenizers` does it; `_PRE_TOKENIZER` is what it writes of that."""
    from tokenizers import Regex, pre_tokenizers

    return pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_WORD_PATTERN), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
