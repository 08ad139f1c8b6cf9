"""The chat completions format: prompts as request bodies, answers as replies.

Owns the JSON that OpenAI and those compatible with it exchange, and what differs between them (`Dialect`). Does not
know how it travels (`exchange`). Everything that comes back is untrusted: each field is checked for what it is.
"""

from __future__ import annotations

import base64
import io
import re
import wave
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from speechagents.audio import Audio
from speechagents.controllers.complaints import complaint_of, shown
from speechagents.controllers.controller import Usage
from speechagents.controllers.language_model import Prompt, PromptMessage, Reply, Speaker
from speechagents.drama import clean_name

SOUND_HZ = 16_000
"""Rate of sound that is sent, in hertz: what speech encoders work at."""

MAX_MODELS = 200
"""Names of models that are read from one server."""

_MAX_MODEL_CHARS = 200
_MAX_TOKENS = 10**9
_SEEDS = 2**31
"""Some servers keep seeds in 32 bits with a sign."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """What a server takes of the format; the first thing tried is the newest.

    Attributes:
        answer_format: ``json_schema`` holds the answer to a schema, ``json_object`` to JSON of any kind; empty to
            nothing.
        limit_field: Name of the field with the most tokens.
        seeded: It takes a seed.
        tempered: It takes a temperature.
    """

    answer_format: str = "json_schema"
    limit_field: str = "max_tokens"
    seeded: bool = True
    tempered: bool = True

    def without(self, complaint: str) -> Dialect | None:
        """The next one to try after a server's complaint; None if it is not about what it takes.

        Every step gives something up for good, so that there are few of them.
        """
        words = complaint.casefold()
        if self.limit_field == "max_tokens" and _disowns_limit(words):
            return replace(self, limit_field="max_completion_tokens")
        if self.answer_format and re.search(
            r"response_format|json_schema|json_object|schema|grammar|structured", words
        ):
            return replace(self, answer_format="json_object" if self.answer_format == "json_schema" else "")
        if self.tempered and "temperature" in words:
            return replace(self, tempered=False)
        if self.seeded and re.search(r"\bseed\b", words):
            return replace(self, seeded=False)
        return None


def _disowns_limit(words: str) -> bool:
    # A complaint that the number is too large names the field as well.
    named = "max_tokens" in words or "max_completion_tokens" in words
    return named and re.search(r"not supported|unsupported|not permitted|instead|unknown|unrecogni", words) is not None


def request_body(
    prompt: Prompt, *, model: str, seed: int, dialect: Dialect, encode: Callable[[Audio], str] | None
) -> dict[str, Any]:
    """What is sent for a prompt.

    Args:
        prompt: An empty schema asks for free text.
        model: Its name there.
        seed: Any whole number; what is sent has 31 bits.
        dialect: What the server takes.
        encode: Makes Base64 of sound; None leaves sound out.
    """
    body: dict[str, Any] = {
        "model": model,
        "messages": [_message(message, encode) for message in prompt.messages],
        dialect.limit_field: prompt.max_tokens,
        "stream": False,
    }
    if dialect.tempered:
        body["temperature"] = prompt.temperature
    if dialect.seeded:
        body["seed"] = seed % _SEEDS
    if prompt.schema and dialect.answer_format == "json_schema":
        schema = {"name": "answer", "strict": True, "schema": prompt.schema}
        body["response_format"] = {"type": "json_schema", "json_schema": schema}
    elif prompt.schema and dialect.answer_format == "json_object":
        body["response_format"] = {"type": "json_object"}
    return body


def _message(message: PromptMessage, encode: Callable[[Audio], str] | None) -> dict[str, Any]:
    speaker = message.speaker.value
    # The format has sound from users alone.
    sounds = message.speaker is Speaker.USER and any(part.audio is not None for part in message.parts)
    if encode is None or not sounds:
        # One string, which every server takes; many know no lists of parts.
        return {"role": speaker, "content": "".join(part.text for part in message.parts)}
    content: list[dict[str, Any]] = []
    for part in message.parts:
        if part.text:
            content.append({"type": "text", "text": part.text})
        if part.audio is not None:
            content.append({"type": "input_audio", "input_audio": {"data": encode(part.audio), "format": "wav"}})
    return {"role": speaker, "content": content}


def sound_base64(audio: Audio) -> str:
    """A WAV file of mono 16-bit samples at `SOUND_HZ`, in Base64."""
    mono = audio.mono().resampled(SOUND_HZ)
    samples = np.round(np.clip(mono.samples, -1.0, 1.0) * 32767.0).astype("<i2")
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(SOUND_HZ)
        out.writeframes(samples.tobytes())
    return base64.b64encode(file.getvalue()).decode("ascii")


def read_reply(data: object) -> Reply:
    """The reply in an answer; one without usable text has an error."""
    if not isinstance(data, dict):
        return Reply("", error="the answer is no JSON object")
    usage = _usage(data.get("usage"))
    choices = data.get("choices")
    if not (isinstance(choices, list) and choices and isinstance(choices[0], dict)):
        said = complaint_of(data)
        return Reply("", usage, f"the server answers with an error: {said}" if said else "the answer holds no choice")
    message = choices[0].get("message")
    if not isinstance(message, dict):
        return Reply("", usage, "the answer's choice holds no message")
    refusal = message.get("refusal")
    if isinstance(refusal, str) and refusal:
        return Reply("", usage, f"the model refuses: {shown(refusal)}")
    text = _text(message.get("content"))
    if text:
        return Reply(text, usage)
    return Reply("", usage, _why_empty(choices[0].get("finish_reason")))


def _why_empty(finish_reason: object) -> str:
    if finish_reason == "length":
        return "the answer ended at its token limit before any text; a model that reasons first needs a higher one"
    if finish_reason == "content_filter":
        return "the server's content filter took the answer away"
    return "the answer is empty"


def _text(content: object) -> str:
    if isinstance(content, list):
        texts = (part.get("text") for part in content if isinstance(part, dict))
        content = "".join(text for text in texts if isinstance(text, str))
    if not isinstance(content, str) or not content.strip():
        return ""
    # JSON can hold halves of surrogate pairs, which no file can.
    return content.encode("utf-8", "replace").decode("utf-8")


def _usage(value: object) -> Usage:
    if not isinstance(value, dict):
        return Usage()
    return Usage(_count(value.get("prompt_tokens")), _count(value.get("completion_tokens")))


def _count(value: object) -> int:
    whole = isinstance(value, int) and not isinstance(value, bool)
    return value if isinstance(value, int) and whole and 0 <= value <= _MAX_TOKENS else 0


def model_names(data: object) -> tuple[str, ...]:
    """The names in a list of models, those that cannot chat last; a name that cannot be shown as it is, is left out."""
    rows = data.get("data") if isinstance(data, Mapping) else None
    if not isinstance(rows, list):
        return ()
    found = [row.get("id") for row in rows[:MAX_MODELS] if isinstance(row, dict)]
    names = [name for name in found if isinstance(name, str) and 0 < len(name) <= _MAX_MODEL_CHARS]
    return tuple(sorted(dict.fromkeys(name for name in names if clean_name(name) == name), key=_cannot_chat))


def _cannot_chat(name: str) -> bool:
    return re.search(r"embed|rerank|whisper|tts|dall-e|moderation|image", name.casefold()) is not None
