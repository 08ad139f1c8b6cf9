"""The process that turns text into sounds by espeak-ng's rules, for neural models that read phonemes.

espeak-ng is GPL-3, so it lives in this program of its own, which is run by path (``python -I -S ipa_worker.py LIBRARY
DATA``), imports the standard library only, reads one JSON object from standard input, writes one to standard output and
ends. So nothing that it said before can change what it says. Owns those objects; knows nothing of models.

In: ``{"language": "gmw/en-US", "tie": "^", "texts": […]}``. Out: ``{"ipa": […]}``, a string for each text with spaces
between words, or ``{"error": "…"}``.
"""

# pathlib is avoided: it alone would add a third to the time this program takes to start.
# ruff: noqa: PTH113, PTH118, PTH120
from __future__ import annotations

import ctypes
import json
import os
import sys

_RETRIEVAL = 1  # AUDIO_OUTPUT_RETRIEVAL: no sound is made
_DONT_EXIT = 0x8000
_CHARS_UTF8 = 1
_IPA, _TIED = 0x02, 0x80


class _Engine:
    def __init__(self, library: str, data: str) -> None:
        # espeak-ng keeps the path of its data in 160 bytes, so it is given one of one character.
        os.chdir(os.path.dirname(data))
        self._data = data
        self._library = ctypes.CDLL(library)
        if self._library.espeak_Initialize(_RETRIEVAL, 0, b".", _DONT_EXIT) <= 0:
            raise ValueError("espeak-ng cannot be initialised; reinstall espeakng-loader")
        self._library.espeak_TextToPhonemes.restype = ctypes.c_char_p
        self._library.espeak_TextToPhonemes.argtypes = (ctypes.POINTER(ctypes.c_void_p), ctypes.c_int, ctypes.c_int)

    def choose(self, language: str) -> None:
        parts = language.split("/")
        named = all(part.replace("-", "").isalnum() and part.isascii() for part in parts)
        if not named or not os.path.isfile(os.path.join(self._data, "lang", *parts)):
            raise ValueError(f"espeak-ng has no language {language!r}")
        if self._library.espeak_SetVoiceByName(language.encode()) != 0:
            raise ValueError(f"espeak-ng cannot load the language {language!r}")

    def ipa(self, text: str, mode: int) -> str:
        buffer = ctypes.create_string_buffer(text.encode("utf-8", "replace"))
        rest = ctypes.c_void_p(ctypes.addressof(buffer))
        said = []
        # It reads a clause at a time and moves the pointer, to nothing at the end.
        while rest.value:
            part = self._library.espeak_TextToPhonemes(ctypes.byref(rest), _CHARS_UTF8, mode)
            said.append((part or b"").decode("utf-8", "replace"))
        return " ".join(" ".join(said).split())


def answer(asked: dict[str, object], library: str, data: str) -> dict[str, object]:
    """The answer to a request."""
    texts, language, tie = asked["texts"], str(asked["language"]), str(asked["tie"])
    if not isinstance(texts, list) or len(tie) > 1:
        raise ValueError("the request is none")
    engine = _Engine(library, data)
    engine.choose(language)
    mode = _IPA | (_TIED | ord(tie) << 8 if tie else 0)
    return {"ipa": [engine.ipa(str(text), mode) for text in texts]}


if __name__ == "__main__":
    try:
        made = answer(json.load(sys.stdin.buffer), sys.argv[1], sys.argv[2])
    except (ValueError, KeyError, TypeError, OSError) as error:
        made = {"error": str(error)}
    sys.stdout.buffer.write(json.dumps(made).encode())
