"""A file or text of any kind becomes a `Script`.

Owns what every script file is checked for (size, kind, encoding) and how its kind is told from its content. Does
not know how a kind is parsed. The kind is told by these rules, the first that holds:

1. XML with a ``<FinalDraft`` element is FDX. Other XML and HTML, and files that are no text, are refused by name.
2. A text that begins with ``{`` is JSON.
3. A text that begins with a ``---`` fence is dialogue.
4. Dialogue, if more lines begin with a speaker (``Name:``) than are Fountain cues (capitals or ``@`` behind a
   blank line, text right below). Lines of the title page and scene headings count for neither.
5. Fountain.
"""

from __future__ import annotations

import codecs
import re
from enum import StrEnum
from pathlib import Path

from speechagents.errors import ScriptError
from speechagents.scripts.dialogue import FENCE, parse_dialogue, read_header
from speechagents.scripts.fdx import parse_fdx
from speechagents.scripts.fountain import parse_fountain, read_cue
from speechagents.scripts.inline import SourceLine, UnclosedMark, source_lines, unify
from speechagents.scripts.script import Script, is_natural_heading
from speechagents.scripts.script_json import script_from_json
from speechagents.scripts.title_page import KNOWN_KEYS, read_title_page

MAX_SCRIPT_BYTES = 20 * 1024 * 1024
"""Largest script file, in bytes: some forty feature-length screenplays."""

_REMEDY = "export the script as Fountain, Final Draft (FDX) or plain text"
_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"%PDF", "a PDF"),
    (b"PK\x03\x04", "a ZIP archive, as DOCX, ODT, EPUB and Highland files are"),
    (b"\xd0\xcf\x11\xe0", "an old Word document (DOC)"),
    (b"{\\rtf", "an RTF document"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"\x89PNG", "a picture (PNG)"),
    (b"\xff\xd8\xff", "a picture (JPEG)"),
    (b"RIFF", "a sound or film (RIFF)"),
    (b"ID3", "a sound (MP3)"),
    (b"OggS", "a sound (Ogg)"),
    (b"fLaC", "a sound (FLAC)"),
)
_BYTE_ORDER_MARKS = (
    # UTF-32 first: its little-endian mark begins with that of UTF-16.
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_XML_PROLOGUE_CHARS = 4_000
_XML_DECLARATION = re.compile(r"<\?xml[^>]*\?>")
_SAMPLE_BYTES = 65_536
_DENSE_ENCODINGS = (("shift_jis", "SHIFT_JIS"), ("gb18030", "GB18030"), ("cp1251", "WINDOWS-1251"))
_CP1252_PUNCTUATION = frozenset(b"\x80\x85\x91\x92\x93\x94\x95\x96\x97\x99")


class ScriptKind(StrEnum):
    """The forms a script is read from."""

    FOUNTAIN = "fountain"
    DIALOGUE = "dialogue"
    FDX = "fdx"
    JSON = "json"


def load_script(path: Path) -> Script:
    """Read a script file of any kind.

    Raises:
        ScriptError: It cannot be opened, is empty, larger than `MAX_SCRIPT_BYTES`, no text, in an encoding other
            than UTF-8 or marked UTF-16, or wrong in the way of its kind. The message names file, line and remedy.
    """
    source = path.name
    try:
        with path.open("rb") as file:
            data = file.read(MAX_SCRIPT_BYTES + 1)
    except IsADirectoryError:
        raise ScriptError("a folder, not a script; name the file in it", source=source) from None
    except FileNotFoundError:
        raise ScriptError(f"no such file: {path}; check its name", source=source) from None
    except OSError as error:
        raise ScriptError(f"cannot be read ({error.strerror or error}); check its permissions", source=source) from None
    if len(data) > MAX_SCRIPT_BYTES:
        reason = f"larger than {MAX_SCRIPT_BYTES // 1024**2} MB; split it into several scripts"
        raise ScriptError(reason, source=source)
    return parse_script(_decode(data, source), source=source)


def parse_script(text: str, *, source: str = "") -> Script:
    """Read a script of any kind from a text.

    Args:
        text: The whole of it.
        source: Name for messages.

    Raises:
        ScriptError: It is empty, too large or wrong in the way of its kind.
    """
    text = text.removeprefix("\ufeff")
    if not text.strip():
        raise ScriptError("empty; write a line such as ANNA: Hello.", source=source)
    if len(text) > MAX_SCRIPT_BYTES:
        reason = f"longer than {MAX_SCRIPT_BYTES // 1024**2} million characters; split it into several scripts"
        raise ScriptError(reason, source=source)
    if "\0" in text:
        raise ScriptError(f"binary data, no text; {_REMEDY}", source=source)
    match detect_kind(text, source=source):
        case ScriptKind.FDX:
            # The text is decoded already: a declaration of another encoding would mislead the XML parser.
            return parse_fdx(_XML_DECLARATION.sub("", text, count=1).lstrip().encode(errors="replace"), source=source)
        case ScriptKind.JSON:
            return script_from_json(text, source=source)
        case ScriptKind.DIALOGUE:
            return parse_dialogue(text, source=source)
        case ScriptKind.FOUNTAIN:
            return parse_fountain(text, source=source)


def detect_kind(text: str, *, source: str = "") -> ScriptKind:
    """Tell the kind of a script by its content, see the module's rules.

    Raises:
        ScriptError: It is XML or HTML of another kind, or a note or boneyard is not closed.
    """
    head = text.lstrip()[:_XML_PROLOGUE_CHARS]
    if head.startswith("<"):
        if "<FinalDraft" in head:
            return ScriptKind.FDX
        if re.match(r"<(?:!doctype\s+html|html|\?xml|!--)", head, re.IGNORECASE):
            raise ScriptError(f"XML or HTML, but not a Final Draft script; {_REMEDY}", source=source)
    if head.startswith("{"):
        return ScriptKind.JSON
    try:
        lines = source_lines(unify(text))
    except UnclosedMark as error:
        raise ScriptError(str(error), source=source, line=error.line) from None
    except ValueError as error:
        raise ScriptError(str(error), source=source) from None
    if head.split("\n", 1)[0].strip() == FENCE:
        return ScriptKind.DIALOGUE
    speakers, cues = _count(lines)
    return ScriptKind.DIALOGUE if speakers > cues else ScriptKind.FOUNTAIN


def _count(lines: list[SourceLine]) -> tuple[int, int]:
    """Lines that begin with a speaker, and lines that are Fountain cues."""
    title_page, body = read_title_page(lines)
    start = body if any(key.casefold() in KNOWN_KEYS for key, _ in title_page) else 0
    speakers = cues = 0
    after_blank = True
    for index in range(start, len(lines)):
        text = lines[index].text.strip()
        if text and not is_natural_heading(text):
            header = read_header(text)
            if header is not None and (text[header.length :].strip() or _filled(lines, index + 1)):
                speakers += 1
            elif after_blank and read_cue(lines[index : index + 2], 0, after_blank) is not None:
                cues += 1
        after_blank = not text
    return speakers, cues


def _filled(lines: list[SourceLine], index: int) -> bool:
    return index < len(lines) and bool(lines[index].text.strip())


def _decode(data: bytes, source: str) -> str:
    """The text of a file."""
    encoding = next((name for mark, name in _BYTE_ORDER_MARKS if data.startswith(mark)), "")
    if not encoding:
        stripped = data.lstrip()
        for magic, name in _MAGIC:
            if stripped.startswith(magic):
                raise ScriptError(f"{name}, not a script; {_REMEDY}", source=source)
        if b"\0" in data:
            raise ScriptError(_about_zeros(data), source=source)
    try:
        return data.decode(encoding or "utf-8")
    except UnicodeDecodeError as error:
        if encoding.startswith(("utf-16", "utf-32")):
            reason = f"broken {encoding.upper()} at byte {error.start + 1}; save it as UTF-8"
            raise ScriptError(reason, source=source) from None
        line = data.count(b"\n", 0, error.start) + 1
        likely = _likely_encoding(data, error.start)
        reason = f"byte 0x{data[error.start]:02x} (byte {error.start + 1} of the file) is not UTF-8; "
        if likely:
            reason += f"it looks like {likely}: save it as UTF-8, or run iconv -f {likely} -t UTF-8"
        else:
            reason += "save it as UTF-8 in the program that wrote it"
        raise ScriptError(reason, source=source, line=line) from None


def _about_zeros(data: bytes) -> str:
    """What a file with zero bytes may be."""
    sample = data[:4096]
    for first, name in ((0, "UTF-16BE"), (1, "UTF-16LE")):
        zeros, others = sample[first::2].count(0), sample[1 - first :: 2].count(0)
        if zeros > len(sample) // 4 and others == 0:
            return f"looks like {name} without a byte order mark; save it as UTF-8, or run iconv -f {name} -t UTF-8"
    return f"binary data, no text; {_REMEDY}"


def _likely_encoding(data: bytes, first_bad: int) -> str:
    """Best guess at the encoding of a text that is not UTF-8, empty without one; for messages only."""
    around = data[max(0, first_bad - _SAMPLE_BYTES) : first_bad + _SAMPLE_BYTES]
    high = [byte for byte in around if byte >= 0x80]
    letters = sum(map(str.isalpha, around.decode("ascii", "ignore")))
    if len(high) * 3 < letters:
        # Scattered accents: letters of the Western code page lie from 0xA0 on, most of the old Macintosh's below.
        low = sum(1 for byte in high if byte < 0xA0 and byte not in _CP1252_PUNCTUATION)
        return "MACINTOSH" if low * 2 > len(high) else "WINDOWS-1252"
    # Up to the end of a line, so that no character is cut.
    sample = data[first_bad : first_bad + _SAMPLE_BYTES].rpartition(b"\n")[0] or data[first_bad:]
    for encoding, name in _DENSE_ENCODINGS:
        try:
            text = sample.decode(encoding)
        except UnicodeDecodeError:
            continue
        # Almost any bytes pass for Shift-JIS; Japanese is not written without kana.
        if encoding != "shift_jis" or any("\u3040" <= character <= "\u30ff" for character in text):
            return name
    return ""
