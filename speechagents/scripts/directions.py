"""What brackets in a script ask of a speech: a pause, a way it reaches the ear, a manner.

Owns the words for pauses and places, in the languages that are tested, and their figures. Words for manners belong
to `speechagents.styles`, which reads what is left here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from speechagents.drama import Delivery

BEAT_S = 0.8
PAUSE_S = 1.4
LONG_PAUSE_S = 2.5
SILENCE_S = 3.5
"""Silences that directors mean by these words, in seconds, on top of the usual gap. Our choice: a beat is longer
than any gap between turns in talk (about 0.2 s), a silence is felt as one."""

# Whole clauses, folded as `_folded` does.
_PAUSES = {
    word: pause_s
    for pause_s, words in (
        (BEAT_S, "beat|short pause|brief pause|small pause|then|...|…|kurze pause|un temps|temps"),
        (BEAT_S, "battuta|tiempo|tempo|片刻"),
        (PAUSE_S, "pause|beats|two beats|long beat|hesitates|pausiert|pausa|停顿|间"),
        (LONG_PAUSE_S, "long pause|very long beat|very long pause|lange pause|longue pause|long temps"),
        (LONG_PAUSE_S, "pausa larga|pausa lunga|pausa longa|长时间停顿"),
        (SILENCE_S, "silence|long silence|un silence|stille|schweigen|silencio|silenzio|silêncio|沉默"),
    )
    for word in words.split("|")
}
_PLACES = {
    word: delivery
    for delivery, words in (
        (Delivery.VOICE_OVER, "vo|v o|voice over|voiceover|narration|voix off|voz en off|voz off|画外音|旁白"),
        (Delivery.OFF_SCREEN, "os|o s|oc|o c|off|offscreen|off screen|off camera|offstage|off stage"),
        (Delivery.OFF_SCREEN, "outside|from outside|next room|from next room|from the next room|hors champ"),
        (
            Delivery.OFF_SCREEN,
            "through door|through the door|from another room|from the other room|en off",
        ),
        (Delivery.OFF_SCREEN, "from off|im off|aus dem off|fuori campo|fc|fuera de campo|fora de campo"),
        (Delivery.PHONE, "filtered|filter|filtered voice|voice filtered"),
    )
    for word in words.split("|")
}
_NEUTRAL = frozenset({"contd", "cont", "cont d", "continued", "continuing", "more", "pre lap", "prelap", "subtitled"})
_PHONE_WORDS = (
    "phone|telephone|cell|cell phone|cellphone|mobile|mobile phone|smartphone|speakerphone|handset|receiver|call|"
    "line|phone call|voicemail|voice mail|answering machine|answerphone|video call|telefon|handy|téléphone|"
    "portable|teléfono|móvil|telefono|cellulare|telefone|celular|telemóvel|电话|手机"
)
_RADIO_WORDS = (
    "radio|tv|television|telly|intercom|walkie|walkie talkie|speaker|speakers|loudspeaker|pa|pa system|tannoy|"
    "megaphone|bullhorn|headset|earpiece|comm|comms|comlink|monitor|screen|recording|tape|tape recorder|computer|"
    "baby monitor|fernseher|lautsprecher|funk|télé|télévision|haut parleur|televisión|altavoz|televisione|"
    "altoparlante|televisão|rádio|广播|电视|收音机"
)
_CHANNEL = re.compile(
    r"(?:(?:voice )?(?:on|over|through|via|from|by|am|im|über|aus dem|par|sur|por|al|alla|ao) )?"
    r"(?:the |a |an |his |her |their |my |le |la |l |el |il |lo |o |au |à la )*"
    rf"(?:(?P<phone>{_PHONE_WORDS})|(?P<radio>{_RADIO_WORDS}))(?: voice| filter| filtered)?"
)


@dataclass(frozen=True, slots=True)
class Direction:
    """What one bracket asks for.

    Attributes:
        pause_s: Silence before what comes next, in seconds.
        delivery: From where it is heard, None when the bracket says nothing about it.
        manner: The words that are left, for `speechagents.styles`.
    """

    pause_s: float = 0.0
    delivery: Delivery | None = None
    manner: str = ""


def read_direction(text: str) -> Direction:
    """Read a parenthetical or a cue's extension, clause by clause.

    A clause counts as a pause or a place only as a whole: "off" is off screen, "off her look" is not, and "into
    phone" is somebody present who speaks into it.
    """
    pause_s, delivery = 0.0, None
    manner: list[str] = []
    for clause in re.split(r"[,;/&+，、；]| - | – | — ", text.replace("O/S", "O.S.").replace("V/O", "V.O.")):
        words = _folded(clause)
        if words in _PAUSES:
            pause_s = max(pause_s, _PAUSES[words])
        elif (place := _delivery(words)) is not None:
            delivery = place
        elif words and words not in _NEUTRAL:
            manner.append(clause.strip())
    return Direction(pause_s, delivery, ", ".join(manner))


def is_pause(text: str) -> bool:
    """Whether a bracket asks for a pause and nothing else."""
    return _folded(text) in _PAUSES


def _folded(clause: str) -> str:
    """A clause for comparison: small letters, no dots, hyphens or apostrophes, no article in front."""
    if not clause.strip(".… "):
        return clause.strip()
    words = re.sub(r"[.'’]", "", clause.casefold()).replace("-", " ")
    return re.sub(r"^(?:a|an|another|the|eine|une|una|uno|uma) ", "", " ".join(words.split()))


def _delivery(words: str) -> Delivery | None:
    if words in _PLACES:
        return _PLACES[words]
    if match := _CHANNEL.fullmatch(words):
        return Delivery.PHONE if match["phone"] else Delivery.RADIO
    return None
