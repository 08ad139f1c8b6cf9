"""The process that holds espeak-ng: lines in on standard input, sound and events out on standard output.

espeak-ng is GPL-3, not thread-safe, and what it says depends on what it said before. So it lives in this
program of its own, which is run by path (``python -I -S worker.py LIBRARY DATA``), imports the standard library
only, and forks once per line: every line starts from the same state, and a crash or a hang costs that line
alone. Where there is no fork, the program ends after one line. It ends when standard input closes. Owns the
wire format and the private data folder; knows nothing of voices, styles or words.

Wire: each frame is a little-endian ``uint32`` length, then that many bytes. Requests are JSON objects (see
`Request`). Answers begin with one letter: ``H`` hello (JSON), ``A`` audio (see `pack_audio`), ``E`` refused or too
slow (text), ``C`` crashed (text), which is worth another try.
"""

# pathlib is avoided: it alone would add a third to the time this program takes to start.
# ruff: noqa: PTH103, PTH112, PTH113, PTH118, PTH123, PTH208, PTH211
from __future__ import annotations

import ctypes
import gc
import json
import mmap
import os
import shutil
import signal
import struct
import sys
import tempfile
from array import array

MAX_FRAME = 1 << 20
"""Longest request in bytes."""
MAX_PCM_FRAMES = 22_050 * 1_800
"""Longest line in samples (half an hour); a longer one is refused rather than filling the memory."""
MAX_DATA_PATH = 150
"""espeak-ng keeps the path of its data in 160 bytes, and appends to it."""

EVENT_WORD, EVENT_PAUSE = 1, 7
"""Types of the events that are passed on; an espeak-ng phoneme event is one when its phoneme is a pause."""
EVENT_PHONEME = 8
"""Where a request wants them, all phonemes: the eight bytes of the name stand in place of position and length."""

_SYNCHRONOUS = 2
_PHONEME_EVENTS, _DONT_EXIT = 1, 0x8000
_CHARS_UTF8 = 1
_PHONEME_INPUT = 0x100
_PARAMETERS = {"rate": 1, "volume": 2, "pitch": 3, "range": 4, "gap": 7}
_VARIANT_KEYS = frozenset(
    ("pitch", "formant", "flutter", "roughness", "voicing", "echo", "tone", "breath", "breathw", "consonants")
) | frozenset(("stressLength", "stressAdd", "stressAmp"))
_BUFFER_MS = 500
_NOISE_SEED = 1
# A name that began with a digit would be taken for the number of a variant of espeak-ng's own.
_VARIANT_NAME = "voice"


class _EventId(ctypes.Union):
    _fields_ = (("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8))


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _EventId),
    )


_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))


class RefusedError(Exception):
    """A request that cannot be spoken; the message is for people."""


class Request:
    """One line to speak, checked.

    Attributes:
        text: Plain text; control characters are the caller's to remove, and so are double brackets, between which
            stand phonemes.
        language: An espeak-ng language file, for example ``gmw/en-US``.
        variant: Lines of a voice variant file: pitch, formants, breath and so on.
        settings: espeak-ng parameters: ``rate``, ``pitch``, ``range``, ``volume``, ``gap``.
        limit_s: Wall-clock seconds that synthesis may take.
        phonemes: Every phoneme is wanted as an event.
    """

    def __init__(self, frame: bytes) -> None:
        fields = json.loads(frame)
        self.text = str(fields["text"])
        self.language = str(fields["language"])
        self.variant = str(fields["variant"])
        self.settings = {name: int(fields["settings"][name]) for name in _PARAMETERS}
        self.limit_s = float(fields["limit_s"])
        self.phonemes = fields.get("phonemes") is True


def pack_audio(rate_hz: int, events: array[int], pcm: list[bytes]) -> list[bytes]:
    """An answer: ``A``, rate, number of events, events as (type, position, length, sample) int32, 16-bit PCM."""
    return [b"A" + struct.pack("<II", rate_hz, len(events) // 4) + events.tobytes(), *pcm]


class Engine:
    """espeak-ng, initialised once on a private data folder.

    The folder holds links to the installed data and a ``voices`` folder of its own, into which variants are
    written.
    """

    def __init__(self, library: str, data: str) -> None:
        self.folder = tempfile.mkdtemp(prefix="sa-")
        try:
            root = os.path.join(self.folder, "espeak-ng-data")
            if len(os.fsencode(root)) > MAX_DATA_PATH:
                raise RefusedError(f"the temporary folder {self.folder} has too long a path for espeak-ng; set TMPDIR")
            self._data = data
            self._variants = os.path.join(root, "voices", "!v")
            os.makedirs(self._variants)
            for name in os.listdir(data):
                if name != "voices":
                    _link(os.path.join(data, name), os.path.join(root, name))
            self._library = ctypes.CDLL(library)
            self._library.espeak_Info.restype = ctypes.c_char_p
            options = _PHONEME_EVENTS | _DONT_EXIT
            self.rate_hz = self._library.espeak_Initialize(_SYNCHRONOUS, _BUFFER_MS, os.fsencode(root), options)
            if self.rate_hz <= 0:
                raise RefusedError("espeak-ng cannot be initialised; reinstall espeakng-loader")
        except BaseException:
            self.close()
            raise
        self.version = self._library.espeak_Info(None).decode().split()[0]
        # Breath and flutter are random, and initialising seeds them with the time of day.
        self._library.espeak_ng_SetRandSeed(ctypes.c_long(_NOISE_SEED))
        self._variant: str | None = None

    def close(self) -> None:
        """Remove the private folder."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def prepare(self, request: Request) -> str:
        """Check language and variant, which espeak-ng would silently ignore, and return the voice's name.

        The variant is written to the private folder.
        """
        parts = request.language.split("/")
        if not 1 <= len(parts) <= 2 or not all(p.replace("-", "").isalnum() and p.isascii() for p in parts):
            raise RefusedError(f"{request.language!r} is no espeak-ng language")
        if not os.path.isfile(os.path.join(self._data, "lang", *parts)):
            raise RefusedError(f"espeak-ng has no language {request.language!r}")
        for line in request.variant.splitlines():
            key, *values = line.split()
            if key not in _VARIANT_KEYS or not all(v.lstrip("-").isdigit() and v.isascii() for v in values):
                raise RefusedError(f"voice variant line not understood: {line!r}")
        if request.variant != self._variant:
            # One file that is written over: espeak-ng lists the folder, and gives up at 350 voices.
            with open(os.path.join(self._variants, _VARIANT_NAME), "w", encoding="ascii") as file:
                file.write(f"language variant\nname {_VARIANT_NAME}\n{request.variant}\n")
            self._variant = request.variant
        return f"{request.language}+{_VARIANT_NAME}"

    def speak(self, voice: str, request: Request) -> tuple[array[int], list[bytes]]:
        """Synthesise one line: events and 16-bit PCM in pieces."""
        chunks: list[bytes] = []
        events = array("i")
        spoken = 0

        def on_audio(samples: ctypes._Pointer[ctypes.c_short], count: int, event: ctypes._Pointer[_Event]) -> int:
            nonlocal spoken
            if count > 0:
                chunks.append(ctypes.string_at(samples, 2 * count))
                spoken += count
            at = 0
            while event[at].type:
                one = event[at]
                if one.type == EVENT_WORD or (one.type == EVENT_PAUSE and one.id.string.startswith(b"_:")):
                    events.extend((one.type, one.text_position, one.length, one.sample))
                if one.type == EVENT_PAUSE and request.phonemes:
                    events.extend((EVENT_PHONEME, *struct.unpack("=ii", bytes(one.id)), one.sample))
                at += 1
            return int(spoken > MAX_PCM_FRAMES)

        callback = _Callback(on_audio)  # must live as long as espeak-ng may call it
        self._library.espeak_SetSynthCallback(callback)
        if self._library.espeak_SetVoiceByName(voice.encode()) != 0:
            raise RefusedError(f"espeak-ng cannot load {voice!r}")
        for name, number in _PARAMETERS.items():
            self._library.espeak_SetParameter(number, request.settings[name], 0)
        text = request.text.encode() + b"\0"
        flags = _CHARS_UTF8 | (_PHONEME_INPUT if b"[[" in text else 0)
        status = self._library.espeak_Synth(text, len(text), 0, 1, 0, flags, None, None)
        if status != 0:
            raise RefusedError(f"espeak-ng refused the line (status {status})")
        if spoken > MAX_PCM_FRAMES:
            raise RefusedError(f"the line is longer than {MAX_PCM_FRAMES // self.rate_hz // 60} minutes; split it")
        return events, chunks


def _link(source: str, target: str) -> None:
    """A link to a file or folder, a copy where links are not allowed."""
    try:
        os.symlink(source, target)
    except (OSError, NotImplementedError):
        if os.path.isdir(source):
            shutil.copytree(source, target)
        else:
            shutil.copyfile(source, target)


def _read_exactly(stream: int, count: int) -> bytes:
    """That many bytes, fewer at the end of the stream."""
    parts: list[bytes] = []
    while count and (part := os.read(stream, count)):
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


def _write_frame(stream: int, *pieces: bytes) -> None:
    """Write pieces as one frame. They are not joined: a new page costs more here than a system call."""
    for piece in (struct.pack("<I", sum(map(len, pieces))), *pieces):
        rest = memoryview(piece)
        while rest:
            rest = rest[os.write(stream, rest) :]


def _answer(engine: Engine, request: Request, voice: str) -> list[bytes]:
    try:
        events, pcm = engine.speak(voice, request)
    except RefusedError as error:
        return [b"E" + str(error).encode()]
    return pack_audio(engine.rate_hz, events, pcm)


def _answer_in_child(engine: Engine, request: Request, voice: str, out: int) -> bytes | None:
    """Fork, speak and answer there. Returns an error for the parent to write if the child wrote nothing.

    Raises:
        BrokenPipeError: The child died while it wrote, so the stream is beyond repair.
    """
    with mmap.mmap(-1, 1) as writing:  # one byte that both processes share
        pid = os.fork()
        if pid == 0:
            try:
                # The default action of SIGALRM ends the process even while it is inside the C library.
                signal.setitimer(signal.ITIMER_REAL, request.limit_s)
                answer = _answer(engine, request, voice)
                signal.setitimer(signal.ITIMER_REAL, 0)
                writing[0] = 1
                _write_frame(out, *answer)
                os._exit(0)
            finally:
                os._exit(1)
        _, status = os.waitpid(pid, 0)
        if status == 0:
            return None
        if writing[0]:
            raise BrokenPipeError
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        if number == signal.SIGALRM:
            return f"Eespeak-ng took longer than {request.limit_s:g} s".encode()
        return f"Cespeak-ng crashed ({signal.Signals(number).name})".encode()
    return b"Cespeak-ng ran out of memory or failed"


def serve(library: str, data: str, source: int, out: int) -> None:
    """Answer requests until the source closes (one request where there is no fork)."""
    try:
        engine = Engine(library, data)
    except (RefusedError, OSError) as error:
        _write_frame(out, b"E" + str(error).encode())
        return
    try:
        gc.disable()
        hello = {"version": engine.version, "rate_hz": engine.rate_hz, "folder": engine.folder}
        _write_frame(out, b"H" + json.dumps(hello).encode())
        while len(head := _read_exactly(source, 4)) == 4:
            (length,) = struct.unpack("<I", head)
            if length > MAX_FRAME:
                _write_frame(out, b"Ethe request is too long")
                return
            answer: bytes | None
            try:
                request = Request(_read_exactly(source, length))
                voice = engine.prepare(request)
            except (RefusedError, ValueError, KeyError, TypeError) as error:
                answer = b"E" + str(error).encode()
            else:
                if hasattr(os, "fork"):
                    answer = _answer_in_child(engine, request, voice, out)
                else:
                    _write_frame(out, *_answer(engine, request, voice))
                    return
            if answer is not None:
                _write_frame(out, answer)
    except BrokenPipeError:
        pass  # nobody listens any more, or nobody could understand what follows
    finally:
        engine.close()


def main() -> None:
    """Serve standard input and output; what espeak-ng prints goes to standard error."""
    library, data = sys.argv[1:3]
    if sys.platform == "win32":
        import msvcrt

        msvcrt.setmode(0, os.O_BINARY)
        msvcrt.setmode(1, os.O_BINARY)
    out = os.dup(1)
    os.dup2(2, 1)
    serve(library, data, 0, out)


if __name__ == "__main__":
    main()
