"""The process that holds one pocketsphinx decoder: sound in on standard input, words out on standard output.

pocketsphinx keeps Python's lock while it decodes, for 0.9 s in a row where it is given 6 s of sound; in the process
that serves live sessions, everybody would fall silent for so long. So it lives in this program of its own, which is
run by path (``python -I worker.py``) and imports the standard library and pocketsphinx only. It ends when standard
input closes. Owns the wire format, the decoder's settings and how likely words get into its language model; does not
know who listens, or how a word outside the dictionary is pronounced (it is told).

Wire: each frame is a little-endian ``uint32`` length, then a letter, the number of the utterance (``uint32``) and a
body. Requests: ``O`` open (JSON: ``words``, a list of ``[word, weight, sounds]``; ``live``, whether to understand
before the end), ``F`` sound (16-bit samples at 16 kHz), ``E`` end, ``A`` abandon. Answers: ``P`` what is understood so
far (text), ``T`` the transcript (JSON: a list of ``[word, start_s, end_s]``), ``X`` it failed (text).
"""

from __future__ import annotations

import json
import os
import struct
import sys
from collections.abc import Sequence
from typing import Any, BinaryIO

from pocketsphinx import Decoder

MAX_FRAME = 4 << 20
"""Longest request in bytes."""
RATE_HZ = 16_000

_SETTINGS = {
    "samprate": RATE_HZ,
    # The second pass over an utterance costs three quarters of the time between its end and the transcript, and
    # betters nothing that was measured.
    "fwdflat": False,
    # A bound on the work for noise. Narrower beams would be twice as fast, with twice as many words wrong.
    "maxhmmpf": 3_000,
    "loglevel": "FATAL",
}
_MEAN_AT_S = (1.0,)
"""The decoder subtracts the mean of the sound, and the better that is known the less it mishears (over some noise, with
the mean of whole utterances 13 % of the words were wrong, with that of 1.5 s 17 %, of 0.5 s 22 %). So after so many
seconds it starts anew with the mean of what has come, and catches up. Once is enough: at 0.5 and 1.5 s the same words
of eight questions were right (62 %), and decoding was 3.1 x as fast as speech instead of 4.5 x."""

_SHORT_S = 0.3
"""The mean of less than this says nothing."""

# One that is usual with this acoustic model.
_USUAL_MEAN = "41.00,-5.29,-0.12,5.09,2.48,-4.07,-1.37,-1.78,-5.08,-2.05,-6.45,-1.42,1.17"
_LIKELY = "="
"""Marks the entries of likely words, in the dictionary and in the language model."""
_FRAME_S = 0.01


class Recogniser:
    """One decoder, made anew when the likely words change: what was added to a language model cannot be taken out."""

    def __init__(self) -> None:
        self._decoder = Decoder(**_SETTINGS)
        self._words: list[Any] = []
        self._sound = bytearray()
        self._means_at: list[int] = []
        self._going = False

    def open(self, words: list[Any], *, means_at_s: Sequence[float]) -> None:
        """Begin an utterance.

        Args:
            words: What is likely to be said.
            means_at_s: When to start anew with a better mean; never means at its end, with that of all of it.
        """
        self.abandon()
        if words != self._words:
            if self._words:
                self._decoder = Decoder(**_SETTINGS)
            self._add(words)
        # Else what it learnt of the noise stays, and an utterance would depend on those before it.
        self._decoder.reinit_feat()
        self._means_at = [round(2 * RATE_HZ * at_s) for at_s in means_at_s]

    def feed(self, sound: bytes) -> str:
        """Hear more; what is understood so far."""
        if self._means_at or not self._going:
            self._sound += sound
        if self._means_at and len(self._sound) >= self._means_at[0]:
            self._start()
        elif self._going:
            self._decoder.process_raw(sound)
        else:
            return ""
        found = self._decoder.hyp()
        return " ".join(map(_plain, found.hypstr.split())) if found else ""

    def end(self) -> list[tuple[str, float, float]]:
        """Words with times in seconds."""
        if self._sound and not self._going:
            self._start()
        if not self._going:
            return []
        self._going = False
        self._decoder.end_utt()
        return [
            (_plain(one.word), one.start_frame * _FRAME_S, (one.end_frame + 1) * _FRAME_S)
            for one in self._decoder.seg() or ()
            if one.word[:1] not in "<[+"
        ]

    def abandon(self) -> None:
        """End an utterance that nobody wants."""
        self._sound.clear()
        if self._going:
            self._going = False
            self._decoder.end_utt()

    def _start(self) -> None:
        """Decode what has come, with its mean."""
        decoder, sound = self._decoder, bytes(self._sound)
        self._means_at = [at for at in self._means_at if at > len(sound)]
        if self._going:
            decoder.end_utt()
        decoder.set_cmn(_USUAL_MEAN)
        if len(sound) >= 2 * RATE_HZ * _SHORT_S:
            decoder.start_utt()
            decoder.process_raw(sound, no_search=True)
            mean = decoder.get_cmn(True)
            decoder.end_utt()
            decoder.set_cmn(mean)
        decoder.start_utt()
        self._going = True
        decoder.process_raw(sound)
        if not self._means_at:
            self._sound.clear()

    def _add(self, words: list[Any]) -> None:
        """Give likely words entries of their own, which are more probable than those that they have already."""
        model = self._decoder.get_lm()
        entries: list[tuple[str, str]] = []
        for word, weight, sounds in words:
            entry = word + _LIKELY
            model.add_word(entry, float(weight))
            if model.prob([word]) > model.prob([entry]):
                continue
            for number, one in enumerate(self._sounds(word) or [sounds], 1):
                entries.append((entry if number == 1 else f"{entry}({number})", one))
        for entry, sounds in entries:
            # Rebuilding the search takes 0.1 s, so it is done once, with the last.
            self._decoder.add_word(entry, sounds, entry == entries[-1][0])
        self._words = words

    def _sounds(self, word: str) -> list[str]:
        """How the dictionary says it is pronounced."""
        found = [self._decoder.lookup_word(word)]
        while found[-1]:
            found.append(self._decoder.lookup_word(f"{word}({len(found) + 1})"))
        return [one for one in found if one]


def _plain(entry: str) -> str:
    return entry.partition("(")[0].rstrip(_LIKELY)


def main() -> None:
    """Serve requests until standard input ends."""
    out, inp = sys.stdout.buffer, sys.stdin.buffer
    # What a library prints must not get between the answers.
    sys.stdout = sys.stderr
    recogniser = Recogniser()
    said = ""
    failed = -1
    while len(head := inp.read(9)) == 9:
        length, kind, number = struct.unpack("<IcI", head)
        if not 5 <= length <= MAX_FRAME:
            break
        body = inp.read(length - 5)
        if number == failed:
            continue
        try:
            if kind == b"O":
                said = ""
                wanted = json.loads(body)
                recogniser.open(wanted["words"], means_at_s=_MEAN_AT_S if wanted["live"] else ())
            elif kind == b"F":
                text = recogniser.feed(body)
                if text != said:
                    said = text
                    _send(out, b"P", number, text.encode())
            elif kind == b"E":
                _send(out, b"T", number, json.dumps(recogniser.end()).encode())
            elif kind == b"A":
                recogniser.abandon()
        except (RuntimeError, ValueError, KeyError, TypeError) as error:
            failed = number
            _send(out, b"X", number, str(error).encode())


def _send(out: BinaryIO, kind: bytes, number: int, body: bytes) -> None:
    out.write(struct.pack("<IcI", len(body) + 5, kind, number) + body)
    out.flush()


if __name__ == "__main__":
    try:
        main()
    except (BrokenPipeError, KeyboardInterrupt):
        os._exit(0)
