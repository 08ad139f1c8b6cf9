"""What every `Listener` must pass.

Owns those terms, each as a function that takes a listener and what is particular about it. What it understands is not
judged, only how it answers. Needs no test runner and knows no back end.
"""

# ruff: noqa: ARG001 - all checks are called alike

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from speechagents.audio import Audio
from speechagents.errors import ListenerError
from speechagents.listeners.listener import ChecksLanguage, Listener, StreamingListener, Transcript
from speechagents.testing.checking import STRANGE_TEXTS, at_once, is_one_line, must, run_all

_RATES_HZ: Final = (8_000, 16_000, 22_050, 24_000, 44_100, 48_000)
_SLACK_S: Final = 0.5
"""So far behind the end of a clip a word may end: recognisers work in frames and pad what they hear."""


@dataclass(frozen=True, slots=True)
class ListenerTerms:
    """What is particular about a listener.

    Attributes:
        speech: Somebody speaking, mono, a few seconds.
        language: BCP 47 tag of that.
        languages: Tags that are tried, of which it may refuse any.
        repeats: The same sound gives the same text.
    """

    speech: Audio
    language: str = "en"
    languages: tuple[str, ...] = ("", "en-GB", "de", "cmn", "qaa")
    repeats: bool = True


Check = Callable[[Listener, ListenerTerms], None]


def check_listener(make: Callable[[], Listener], terms: ListenerTerms) -> None:
    """Check a listener by all `LISTENER_CHECKS`.

    Args:
        make: Makes it, once; it is closed in the end if it has a ``close``.
        terms: What is particular about it.

    Raises:
        AssertionError: It breaks the contract; the message says in what.
    """
    listener = make()
    try:
        run_all(
            (functools.partial(check, listener, terms) for check in LISTENER_CHECKS),
            type(listener).__name__,
        )
    finally:
        close = getattr(listener, "close", None)
        if close is not None:
            close()


def has_an_identity_that_stays(listener: Listener, terms: ListenerTerms) -> None:
    """`identity` is one line of text, and the same after it has listened."""
    before = listener.identity
    must(is_one_line(before), f"identity is {before!r}; it is to be one line that names back end, model and version")
    _heard(listener, [terms.speech])
    must(listener.identity == before, f"identity was {before!r} and is {listener.identity!r} after listening")


def transcribes_each_clip_once_in_order(listener: Listener, terms: ListenerTerms) -> None:
    """One transcript for each clip, in order; none for none."""
    _heard(listener, [])
    silence = Audio.silence(1.0, terms.speech.rate_hz)
    first, nothing, again, more = _heard(listener, [terms.speech, silence, terms.speech, silence])
    must(nothing.text == more.text == "", f"the silence between two clips became {nothing.text or more.text!r}")
    if terms.repeats:
        must(first.text == again.text, f"the same clip became {first.text!r} and {again.text!r}")


def hears_nothing_in_silence(listener: Listener, terms: ListenerTerms) -> None:
    """Silence has no words, however long and at whatever rate; nor has a hiss that nobody hears."""
    hiss = np.random.default_rng(1).standard_normal(32_000).astype(np.float32) * np.float32(1e-4)
    clips = [Audio.silence(seconds, 16_000) for seconds in (0.5, 3.0, 31.0)]
    for clip, transcript in zip(
        [*clips, Audio(hiss, 16_000)], _heard(listener, [*clips, Audio(hiss, 16_000)]), strict=True
    ):
        must(transcript.text == "", f"{clip.duration_s:g} s of silence became {transcript.text!r}")
        must(transcript.words == (), f"{clip.duration_s:g} s of silence has words")


def takes_any_rate(listener: Listener, terms: ListenerTerms) -> None:
    """Clips of any rate are taken, several rates in one call."""
    clips = [_brief(terms).resampled(rate_hz) for rate_hz in _RATES_HZ]
    for clip, transcript in zip(clips, _heard(listener, clips), strict=True):
        _check_words(transcript, clip)


def takes_stereo_or_says_no(listener: Listener, terms: ListenerTerms) -> None:
    """Stereo is mixed, or refused with a reason; it is no reason to break down."""
    samples = np.stack([terms.speech.samples, terms.speech.samples], axis=1)
    try:
        _heard(listener, [Audio(np.ascontiguousarray(samples), terms.speech.rate_hz)])
    except (ListenerError, ValueError) as error:
        must(bool(str(error)), "stereo is refused without a reason")


def takes_clips_that_are_hardly_any(listener: Listener, terms: ListenerTerms) -> None:
    """A clip may be a click, a sample or nothing at all."""
    samples = terms.speech.mono().samples
    clips = [Audio(samples[:count].copy(), terms.speech.rate_hz) for count in (0, 1, terms.speech.rate_hz // 100)]
    nothing = _heard(listener, clips)[0]
    must(nothing.text == "", f"a clip without a sample became {nothing.text!r}")


def takes_any_hints(listener: Listener, terms: ListenerTerms) -> None:
    """Hints are a help and never a harm, whatever is in them."""
    for hints in ([], [""], list(STRANGE_TEXTS), ["Grisha", "Grisha"], [f"Name{number}" for number in range(500)]):
        _, nothing = _heard(listener, [_brief(terms), Audio.silence(1.0, 16_000)], hints=hints)
        must(nothing.text == "", f"silence became {nothing.text[:40]!r} by hints")


def refuses_languages_as_it_says(listener: Listener, terms: ListenerTerms) -> None:
    """A language is understood, guessed at or refused with a `ListenerError`, and `check_language` says so before."""
    for tag in terms.languages:
        try:
            _heard(listener, [_brief(terms)], language=tag)
        except ListenerError as error:
            refused = str(error)
            must(is_one_line(refused), f"language {tag!r} is refused without a reason")
        else:
            refused = ""
        if isinstance(listener, ChecksLanguage):
            must(_refuses(listener, tag) == bool(refused), f"check_language and transcribe disagree about {tag!r}")


def tells_times_inside_the_clip(listener: Listener, terms: ListenerTerms) -> None:
    """Words come in order, inside their clip, with a confidence from 0 to 1."""
    pause = np.zeros(3 * terms.speech.rate_hz, np.float32)
    late = Audio(np.concatenate([pause, terms.speech.mono().samples]), terms.speech.rate_hz)
    for clip, transcript in zip([terms.speech, late], _heard(listener, [terms.speech, late]), strict=True):
        _check_words(transcript, clip)
        must(transcript.text == " ".join(transcript.text.split()), f"{transcript.text!r} is not tidy")


def serves_several_threads(listener: Listener, terms: ListenerTerms) -> None:
    """Callers in several threads get their own transcripts."""
    silence = Audio.silence(1.0, 16_000)
    calls = [[terms.speech, silence], [silence, terms.speech], [silence, silence]]
    found = at_once([functools.partial(_heard, listener, clips) for clips in calls])
    for clips, transcripts in zip(calls, found, strict=True):
        for clip, transcript in zip(clips, transcripts, strict=True):
            must(clip is not silence or transcript.text == "", "a transcript went to another caller")


def can_be_left_in_the_middle(listener: Listener, terms: ListenerTerms) -> None:
    """Whoever stops reading, before the first transcript or after it, leaves nothing broken behind."""
    clips = [_brief(terms)] * 4
    iter(listener.transcribe(clips))
    listening = iter(listener.transcribe(clips))
    next(listening)
    del listening
    _heard(listener, [_brief(terms)])


def understands_while_somebody_speaks(listener: Listener, terms: ListenerTerms) -> None:
    """A listener that streams takes sound piece by piece, and gives a transcript at the end, of nothing too."""
    if not isinstance(listener, StreamingListener):
        return
    hearer = listener.open(language=terms.language)
    samples = terms.speech.mono().samples
    step = terms.speech.rate_hz // 10
    for at in range(0, len(samples), step):
        said = hearer.feed(Audio(samples[at : at + step].copy(), terms.speech.rate_hz))
        must(isinstance(said, str), f"a piece of an utterance gave {said!r}, not the text so far")
    _check_words(hearer.finish(), terms.speech)
    must(listener.open().finish().text == "", "an utterance without sound has words")


def _brief(terms: ListenerTerms) -> Audio:
    """The first second, where what is understood does not matter."""
    return Audio(terms.speech.mono().samples[: terms.speech.rate_hz].copy(), terms.speech.rate_hz)


def _heard(
    listener: Listener, clips: Sequence[Audio], *, hints: Sequence[str] = (), language: str = ""
) -> list[Transcript]:
    """The transcripts of clips, of which there must be one for each."""
    found = list(listener.transcribe(clips, hints=hints, language=language))
    must(len(found) == len(clips), f"{len(clips)} clips gave {len(found)} transcripts")
    for transcript in found:
        must(isinstance(transcript, Transcript), f"{transcript!r} is no transcript")
        must(transcript.text == "" or is_one_line(transcript.text), f"{transcript.text!r} is not one line")
    return found


def _check_words(transcript: Transcript, clip: Audio) -> None:
    before_s = 0.0
    for word in transcript.words:
        must(bool(word.text.strip()), "a word has no text")
        must(0.0 <= word.confidence <= 1.0, f"the word {word.text!r} has a confidence of {word.confidence}")
        must(
            0.0 <= word.start_s <= word.end_s <= clip.duration_s + _SLACK_S,
            f"the word {word.text!r} is said from {word.start_s} s to {word.end_s} s of {clip.duration_s:.2f} s",
        )
        must(word.start_s >= before_s - 1e-6, f"the word {word.text!r} begins before the one before it")
        before_s = word.start_s


def _refuses(listener: ChecksLanguage, tag: str) -> bool:
    try:
        listener.check_language(tag)
    except ListenerError:
        return True
    return False


LISTENER_CHECKS: Final[tuple[Check, ...]] = (
    has_an_identity_that_stays,
    transcribes_each_clip_once_in_order,
    hears_nothing_in_silence,
    takes_any_rate,
    takes_stereo_or_says_no,
    takes_clips_that_are_hardly_any,
    takes_any_hints,
    refuses_languages_as_it_says,
    tells_times_inside_the_clip,
    serves_several_threads,
    can_be_left_in_the_middle,
    understands_while_somebody_speaks,
)
"""Every term, in an order in which the first that breaks says most."""
