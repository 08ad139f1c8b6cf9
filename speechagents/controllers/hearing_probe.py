"""Finding out whether a model behind a server hears: a question with a tone, and what its answers mean.

Owns the question and the judgement. Does not send anything (`openai`). Servers are of three kinds: those that take
sound, those that refuse it, and those that drop it without a word and answer the text alone.
"""

from __future__ import annotations

import math
import re

import numpy as np

from speechagents.audio import Audio
from speechagents.controllers.language_model import Part, Prompt, PromptMessage, Reply, Speaker

_TONE_HZ = 440.0
_TONE_S = 0.5
"""Long enough to become a token even in models with few tokens a second."""

_RATE_HZ = 16_000

_ABOUT_SOUND = re.compile(r"audio|modalit|multimodal|multi-modal")

_SAYS_IT_CANNOT = re.compile(
    r"unsupported|not support|n['’]t support|text-based"
    r"|(cannot|can['’]t|unable to|not able to|ability to|capable of)\s+(\w+\s+){0,2}"
    r"(process|listen|play|access|analy[sz]|interpret|handl)"
)

_STATUSES_OF_REFUSAL = frozenset({400, 413, 415, 422})


def probe_prompt() -> Prompt:
    """A small question with half a second of sound in it."""
    time_s = np.arange(round(_TONE_S * _RATE_HZ)) / _RATE_HZ
    tone = (0.3 * np.sin(2.0 * math.pi * _TONE_HZ * time_s)).astype(np.float32)
    question = Part("This message holds a short sound. Say in one word what you hear.", Audio(tone, _RATE_HZ))
    return Prompt((PromptMessage(Speaker.USER, (question,)),), schema={}, max_tokens=16, temperature=0.0)


def refuses_sound(status: int, said: str) -> bool:
    """Whether a server that refuses the question does so because of the sound.

    Args:
        status: HTTP status of the refusal.
        said: The server's words.
    """
    return status in _STATUSES_OF_REFUSAL or _ABOUT_SOUND.search(said.casefold()) is not None


def heard_sound(sounding: Reply, silent: Reply) -> bool:
    """Whether the model heard, by its replies to the question with the sound and without it."""
    if sounding.error and not silent.error:
        return False
    if _SAYS_IT_CANNOT.search(sounding.text.casefold()):
        return False
    # Sound costs tokens. Where it costs none, it was dropped on the way; where nobody counts, nobody knows.
    with_sound, without = sounding.usage.tokens_in, silent.usage.tokens_in
    return not with_sound or not without or with_sound > without
