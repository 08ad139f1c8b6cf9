"""A speech server on loopback that misbehaves as it is told, built on the one for completions.

Speaks tones whose pitch is the voice's and whose length is the text's, and writes down how long what it is sent lasts,
unless its `answers`, `otherwise` or `rule` say something else.
"""

from __future__ import annotations

import io
import re
import struct
from collections.abc import Mapping
from email.parser import BytesParser
from email.policy import HTTP

import numpy as np
import soundfile as sf

from speechagents.audio import Audio
from tests.controllers.fault_server import Answer, FaultServer, Line, Received, complains, head, sends

RATE_HZ = 24_000
LETTER_S = 0.06
VOICES = ("af_heart", "am_onyx", "bf_emma")


class SpeechServer(FaultServer):
    """A `FaultServer` for speech and transcriptions.

    Attributes:
        voices: Answer to the list of voices.
        asked_for_voices: All requests for that list.
    """

    def __init__(self, *answers: Answer) -> None:
        super().__init__(*answers)
        self.voices: Answer = sends({"voices": list(VOICES)})
        self.asked_for_voices: list[Received] = []
        self.otherwise: Answer = does_its_work
        self.models = sends({"data": [{"id": "gpt-tiny"}, {"id": "kokoro"}, {"id": "whisper-tiny"}]})

    @property
    def texts(self) -> list[str]:
        """What was to be said, in order of arrival."""
        return [received.json["input"] for received in self.received]

    def _choose(self, received: Received) -> Answer:
        if received.path.endswith("/audio/voices"):
            self.asked_for_voices.append(received)
            return self.voices
        return super()._choose(received)


def does_its_work(line: Line) -> None:
    """A good answer to any request for speech or a transcription."""
    if line.received.path.endswith("/audio/transcriptions"):
        transcribes(line)
    else:
        speaks(line)


def speaks(line: Line) -> None:
    """A tone for the text that was sent."""
    asked = line.received.json
    sound = tone(len(asked["input"]), voice=asked["voice"], seed=asked.get("seed", 0))
    form = asked.get("response_format", "mp3")
    sends(encoded(sound, form), kind=f"audio/{form}")(line)


def transcribes(line: Line) -> None:
    """How long the file lasts, in words; in as much detail as was asked for."""
    form = form_of(line.received)
    clip = Audio.read(io.BytesIO(form["file"][0]))
    words = f"It lasts {clip.duration_s:.1f} seconds.".split()
    step = clip.duration_s / len(words)
    answer: dict[str, object] = {"text": " ".join(words)}
    if form["response_format"] == [b"verbose_json"]:
        answer |= {"task": "transcribe", "language": "english", "duration": clip.duration_s}
        answer["segments"] = [segment(" ".join(words), 0.0, clip.duration_s)]
        if b"word" in form.get("timestamp_granularities[]", []):
            answer["words"] = [
                {"word": word, "start": at * step, "end": (at + 1) * step} for at, word in enumerate(words)
            ]
    sends(answer)(line)


def segment(text: str, start_s: float, end_s: float, **fields: object) -> dict[str, object]:
    """A segment of a verbose answer."""
    return {
        "id": 0,
        "seek": 0,
        "start": start_s,
        "end": end_s,
        "text": text,
        "tokens": [],
        "temperature": 0.0,
        "avg_logprob": -0.2,
        "compression_ratio": 1.1,
        "no_speech_prob": 0.01,
        **fields,
    }


def tone(letters: int, *, voice: str = "", seed: int = 0, rate_hz: int = RATE_HZ) -> Audio:
    """A tone with silence around it: its pitch tells the voice, its phase the seed."""
    length = max(0.2, letters * LETTER_S)
    at = np.arange(round(length * rate_hz)) / rate_hz
    hz = 120.0 + 40.0 * (sum(map(ord, voice)) % 10)
    note = 0.2 * np.sin(2.0 * np.pi * hz * at + seed % 7) * np.minimum(1.0, 20.0 * np.hanning(at.size))
    quiet = np.zeros(rate_hz // 20)
    return Audio(np.concatenate([quiet, note, quiet]).astype(np.float32), rate_hz)


def encoded(sound: Audio, form: str = "wav") -> bytes:
    """A file in memory."""
    if form == "pcm":
        return (sound.samples * 32_767.0).astype("<i2").tobytes()
    file = io.BytesIO()
    with sf.SoundFile(file, "w", sound.rate_hz, 1, format=form.upper(), subtype=_SUBTYPES[form]) as out:
        out.write(sound.samples)
    return file.getvalue()


_SUBTYPES = {"wav": "PCM_16", "flac": "PCM_16", "mp3": "MPEG_LAYER_III"}


def with_length(wav: bytes, riff: int, data: int) -> bytes:
    """A WAV file whose header tells other lengths."""
    at = wav.index(b"data")
    return wav[:4] + struct.pack("<I", riff) + wav[8 : at + 4] + struct.pack("<I", data) + wav[at + 8 :]


def form_of(received: Received) -> Mapping[str, list[bytes]]:
    """The fields of a form that was sent, a file's bytes among them."""
    head_bytes = f"Content-Type: {received.headers['content-type']}\r\n\r\n".encode()
    message = BytesParser(policy=HTTP).parsebytes(head_bytes + received.body)
    fields: dict[str, list[bytes]] = {}
    for part in message.iter_parts():
        name = re.search(r'name="([^"]*)"', part["content-disposition"])
        content = part.get_payload(decode=True)
        assert name is not None
        assert isinstance(content, bytes)
        fields.setdefault(name[1], []).append(content)
    return fields


def refuses(field: str, message: str) -> Answer:
    """A server that does not take a field of a speech request, and does its work without it."""

    def answer(line: Line) -> None:
        received = line.received
        names = received.json if "json" in received.headers["content-type"] else form_of(received)
        (complains(400, message) if field in names else does_its_work)(line)

    return answer


def breaks_off(line: Line) -> None:
    """Half a sound, then the end of the connection."""
    body = encoded(tone(40))
    line.send(head(200, {"Content-Type": "audio/wav", "Content-Length": str(len(body))}) + body[: len(body) // 2])
    line.hang_up()


def speaks_for_ever(line: Line) -> None:
    """A sound without end, as fast as it is taken."""
    line.send(head(200, {"Content-Type": "audio/wav"}) + with_length(encoded(tone(40)), 0xFFFFFFFF, 0xFFFFFFFF))
    while not line.closing.is_set():
        line.send(bytes(65_536))
    line.hang_up()
