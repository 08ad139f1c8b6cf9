"""Bytes of a text become characters, and never silently the wrong ones.

Owns the guess at an encoding. Does not know what the text is.
"""

from __future__ import annotations

import codecs
import re
from typing import Final

from speechagents.errors import ScriptError

_BYTE_ORDER_MARKS: Final = (
    # UTF-32 first: its little-endian mark begins with that of UTF-16.
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_DECLARED: Final = re.compile(
    rb"""<\?xml[^>]{0,200}?encoding\s*=\s*["']([\w.:-]{1,40})["']|<meta[^>]{0,300}?charset\s*=\s*["']?([\w.:-]{1,40})""",
    re.IGNORECASE,
)
_DECLARED_WITHIN: Final = 4_096
_SAMPLE_BYTES: Final = 200_000
_SMALL_LETTERS: Final = {
    "cp1251": range(0x0430, 0x0450),
    "koi8-r": range(0x0430, 0x0450),
    "cp1253": range(0x03AC, 0x03CF),
    "cp1255": range(0x05D0, 0x05EB),
}
_WORDS: Final = frozenset("àèéòùìóíáâêôÀÈÉ")
_MARKS: Final = frozenset("–—‘’‚“”„•…‹›€«»£§©®°·¡¿¢¥½¼¾×\xa0™†‡´¨\xad")
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f]")


def decode(data: bytes, source: str) -> tuple[str, str]:
    """Characters of a text, and a warning if its encoding was guessed (empty otherwise).

    A byte order mark stays in the text as a character. Newlines are untouched.

    Raises:
        ScriptError: It is no text, or in an encoding that cannot be told.
    """
    for mark, encoding in _BYTE_ORDER_MARKS:
        if data.startswith(mark):
            try:
                return data.decode(encoding), ""
            except UnicodeDecodeError as error:
                reason = f"broken {encoding[:6].upper()} at byte {error.start + 1}; save it as UTF-8"
                raise ScriptError(reason, source=source) from None
    declared = _declared(data)
    if declared:
        try:
            return data.decode(declared), ""
        except (UnicodeDecodeError, LookupError):
            pass
    if b"\0" in data:
        return _without_mark(data, source)
    try:
        return data.decode("utf-8"), ""
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        encoding = _guessed(data, error.start)
        if not encoding:
            reason = (
                f"byte 0x{data[error.start]:02x} (byte {error.start + 1} of the file) is not UTF-8, and what it is "
            )
            reason += "cannot be told; save it as UTF-8 in the program that wrote it"
            raise ScriptError(reason, source=source, line=line) from None
    name = encoding.upper().replace("CP", "WINDOWS-")
    return data.decode(encoding), f"not UTF-8 (line {line}): read as {name}; if letters look wrong, save it as UTF-8"


def _declared(data: bytes) -> str:
    match = _DECLARED.search(data[:_DECLARED_WITHIN])
    name = (match[1] or match[2]).decode("ascii", "ignore") if match else ""
    if not name:
        return ""
    try:
        found = codecs.lookup(name).name
    except LookupError:
        return ""
    # Pages that say Latin-1 are written in Windows' superset of it; a name such as "hex" is no text's.
    if found in ("iso8859-1", "ascii"):
        return "" if _is_utf8(data) else "cp1252"
    return found if found.startswith(("utf-8", "iso", "cp", "koi8", "mac", "gb", "big5", "shift", "euc")) else ""


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _without_mark(data: bytes, source: str) -> tuple[str, str]:
    """A text with zero bytes: UTF-16 whose mark was lost, or no text."""
    sample = data[:_SAMPLE_BYTES]
    for first, name in ((0, "utf-16-be"), (1, "utf-16-le")):
        zeros, others = sample[first::2].count(0), sample[1 - first :: 2].count(0)
        if zeros > len(sample) // 4 and others == 0:
            try:
                return data.decode(name), f"read as {name.upper()}, although its byte order mark is missing"
            except UnicodeDecodeError:
                break
    raise ScriptError("binary data, no text; read an EPUB, DOCX, PDF, HTML, Markdown or text file", source=source)


def _guessed(data: bytes, first_bad: int) -> str:
    """An encoding of one byte per character that fits, empty without one."""
    sample = data[max(0, first_bad - _SAMPLE_BYTES // 2) : first_bad + _SAMPLE_BYTES]
    high = sum(byte >= 0x80 for byte in sample)
    letters = sum(map(str.isalpha, sample.decode("ascii", "ignore")))
    if 2 * high < letters:
        for encoding in ("cp1252", "mac-roman"):
            text = _decoded(data, encoding)
            if text and _looks_western(text):
                return encoding
        return ""
    best, share = "", 0.6
    for encoding, small in _SMALL_LETTERS.items():
        text = _decoded(sample, encoding)
        strange = [ord(char) for char in text if ord(char) >= 0x80]
        here = sum(code in small for code in strange) / max(1, len(strange))
        if here > share:
            best, share = encoding, here
    return best if best and _decoded(data, best) else ""


def _decoded(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return ""


def _looks_western(text: str) -> bool:
    """Whether what is not ASCII in it are letters inside words and marks of punctuation, as prose has them."""
    strange = [(place, char) for place, char in enumerate(text) if ord(char) >= 0x80]
    odd = len(_CONTROLS.findall(text))
    for place, char in strange:
        if char.isalpha():
            # "Ò" for a quotation mark: a capital with an accent in front of a small word or behind one.
            before, behind = text[place - 1 : place], text[place + 1 : place + 2]
            odd += (char.isupper() and before.islower()) or (
                char not in _WORDS and not before.isalpha() and not behind.isalpha()
            )
            odd += char.isupper() and char in "ÒÓÔÕÐÉÑ" and not before.isalpha() and behind.isupper()
        else:
            odd += char not in _MARKS
    return 10 * odd <= len(strange)
