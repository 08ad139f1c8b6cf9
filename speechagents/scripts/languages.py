"""Which language a script is in, as a BCP 47 tag.

Owns the reading of tags and of the names of the most spoken languages. Does not know which voices speak them.
"""

from __future__ import annotations

import re

from speechagents.errors import ScriptError, SettingsError
from speechagents.scripts.script import Script

DEFAULT_LANGUAGE = "en"

_TAG = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8}|-x(?:-[A-Za-z0-9]{1,8})+){0,4}")
_NAMED = {
    name: tag
    for tag, names in (
        ("en", "english"),
        ("de", "german|deutsch"),
        ("fr", "french|français|francais"),
        ("es", "spanish|español|espanol|castellano"),
        ("it", "italian|italiano"),
        ("pt", "portuguese|português|portugues"),
        ("nl", "dutch|nederlands"),
        ("pl", "polish|polski"),
        ("ru", "russian|русский"),
        ("ja", "japanese|日本語"),
        ("cmn", "mandarin|chinese|中文|汉语|普通话|zh"),
        ("ko", "korean|한국어"),
        ("ar", "arabic|العربية"),
        ("hi", "hindi|हिन्दी"),
        ("sv", "swedish|svenska"),
        ("tr", "turkish|türkçe"),
    )
    for name in names.split("|")
}


def script_language(script: Script, asked: str = "") -> str:
    """The language of a script: what is asked for, else what its title page says, else English.

    Raises:
        SettingsError: What is asked for is no tag or known name.
        ScriptError: What the title page says is none.
    """
    if asked.strip():
        tag = language_tag(asked)
        if not tag:
            raise SettingsError(f"“{asked.strip()[:40]}” is no language; give a tag such as en, de, fr-CA or cmn")
        return tag
    named = script.title_value("language") or script.title_value("lang")
    if not named:
        return DEFAULT_LANGUAGE
    tag = language_tag(named)
    if not tag:
        reason = f"“{named[:40]}” on the title page is no language; write a tag such as Language: de"
        raise ScriptError(reason, source=script.source)
    return tag


def language_tag(text: str) -> str:
    """A tag in its usual spelling from a tag or a language's name, empty for anything else."""
    text = text.strip()
    if text.casefold() in _NAMED:
        return _NAMED[text.casefold()]
    if not _TAG.fullmatch(text):
        return ""
    primary, *others = text.replace("_", "-").split("-")
    spelled = [primary.lower()]
    for part in others:
        if "x" in spelled:
            spelled.append(part.lower())
        else:
            spelled.append(part.upper() if len(part) == 2 else part.title() if len(part) == 4 else part.lower())
    return "-".join(spelled)
