"""Words of English lines: tokens, stems, words of content, and how much each of them tells.

Owns what counts as a word, a word without content, and the same word. Does not know scenes, speakers or metrics. The
scenes of the benchmark are English; on another language the lists do nothing and stems lose some endings.

**Stems.** A few endings are cut, in the manner of Harman's S stemmer (1991, "How effective is suffixing?", J. American
Society for Information Science 42:7) for plurals and of step 1 of Porter (1980, "An algorithm for suffix stripping",
Program 14:130) for *-ed* and *-ing*; a last *e* goes, so that *promise* and *promised* meet. Strong verbs that dramas
use often are listed. It is cautious: words that differ in meaning seldom meet, some forms of one word do not.

**Weights.** Inverse document frequency with lines as documents (Spärck Jones 1972, J. Documentation 28:11), smoothed so
that a word of every line still weighs a little.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import lru_cache
from typing import Final

from speechagents.attribution.lexicon import word_set

_WORD: Final = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_ENDING: Final = re.compile(r"(?:n't|'(?:s|re|ve|ll|d|m))$")
_VOWEL: Final = re.compile(r"[aeiouy]")
_DOUBLED: Final = re.compile(r"([bdgmnprt])\1$")

_STOP: Final = word_set(
    """
    a about above after again all almost already also although always am an and another any anybody anyone anything
    anyway are aren as at away back be because been before being below best better between both but by came can cannot
    come comes coming could couldn did didn do does doesn doing done don down each either else enough even ever every
    everybody everyone everything far few first for from further gave get gets getting give given gives go goes going
    gone gonna good got had hadn has hasn have haven having he hello her here hers herself hey him himself his how i if
    in indeed instead into is isn it its itself just keep kept knew know known knows last least less let like little
    look looks made make makes many may maybe me mean means might mightn mine more most much must mustn my myself near
    need neither never next no nobody none nor not nothing now of off often oh ok okay old on once one only onto or
    other others ought our ours ourselves out over own perhaps please put quite rather really right said same saw say
    saying says see seen shall shan she should shouldn since so some somebody someone something sometimes sorry still
    such sure take taken takes tell tells than thank thanks that the their theirs them themselves then there therefore
    these they thing things think this those though thought through till to today together told tomorrow tonight too
    took toward towards try under until up upon us use used very want wanted wants was wasn way we well went were weren
    what whatever when where whether which while who whom whose why will with without won would wouldn yes yeah yet you
    your yours yourself yourselves ah aye eh er hm mm mhm nay oi right uh um wow ll re ve mr mrs miss ms dr sir madam
    """
)
"""Words that tell nothing of what a line is about: grammar, and verbs, adverbs and answers that fit any talk."""

_STRONG: Final = {
    form: verb
    for verb, forms in {
        "break": "broke broken",
        "bring": "brought",
        "build": "built",
        "buy": "bought",
        "catch": "caught",
        "choose": "chose chosen",
        "die": "died dying",
        "draw": "drew drawn",
        "drink": "drank drunk",
        "drive": "drove driven",
        "eat": "ate eaten",
        "fall": "fell fallen",
        "feel": "felt",
        "fight": "fought",
        "find": "found",
        "fly": "flew flown flies",
        "forget": "forgot forgotten",
        "forgive": "forgave forgiven",
        "freeze": "froze frozen",
        "hear": "heard",
        "hide": "hid hidden",
        "hold": "held",
        "lead": "led",
        "learn": "learnt",
        "leave": "left",
        "lend": "lent",
        "lie": "lain lying lies",
        "lose": "lost",
        "marry": "married",
        "meet": "met",
        "pay": "paid",
        "ride": "rode ridden",
        "ring": "rang rung",
        "rise": "rose risen",
        "run": "ran",
        "sell": "sold",
        "send": "sent",
        "sing": "sang sung",
        "sink": "sank sunk",
        "sit": "sat",
        "sleep": "slept",
        "speak": "spoke spoken",
        "stand": "stood",
        "steal": "stole stolen",
        "swear": "swore sworn",
        "swim": "swam swum",
        "teach": "taught",
        "throw": "threw thrown",
        "wake": "woke woken",
        "wear": "wore worn",
        "win": "won",
        "write": "wrote written",
        "child": "children",
        "foot": "feet",
        "man": "men",
        "tooth": "teeth",
        "wife": "wives",
        "woman": "women",
    }.items()
    for form in forms.split()
}


def tokens(text: str) -> Sequence[str]:
    """The words of a text in small letters, with straight apostrophes; hyphens divide, marks are left out."""
    return _WORD.findall(text.casefold().replace("’", "'"))


@lru_cache(maxsize=65_536)
def stem(token: str) -> str:
    """What a token has in common with its other forms."""
    word = _ENDING.sub("", token)
    word = _STRONG.get(word, word)
    if len(word) < 4:
        return word
    if word.endswith(("ies", "ied")):
        word = word[:-3] + "y"
    elif word.endswith(("sses", "shes", "ches", "xes")):
        word = word[:-2]
    elif word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    for ending in ("ing", "ed"):
        if word.endswith(ending) and len(word) - len(ending) >= 3 and _VOWEL.search(word[: -len(ending)]):
            word = _DOUBLED.sub(r"\1", word[: -len(ending)])
            break
    if len(word) > 4 and word.endswith("ly"):
        word = word[:-2]
    return word[:-1] if len(word) > 3 and word.endswith("e") else word


def content(text: str) -> Sequence[str]:
    """Stems of the words that tell what a text is about, in order, each as often as it is there."""
    return [stem(token) for token in tokens(text) if _ENDING.sub("", token) not in _STOP]


def weights(documents: Sequence[AbstractSet[str]]) -> Mapping[str, float]:
    """How much each stem tells: ``ln((1 + N) / (1 + n)) + 0.1`` for one in n of N documents."""
    seen = Counter(word for document in documents for word in document)
    return {word: math.log((1 + len(documents)) / (1 + count)) + 0.1 for word, count in seen.items()}


def weight(words: Iterable[str], of: Mapping[str, float]) -> float:
    """Sum of the weights of some stems; one without a weight counts nothing."""
    # `fsum` rounds once, so that the order of a set does not matter.
    return math.fsum(of.get(word, 0.0) for word in words)
