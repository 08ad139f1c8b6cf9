"""Languages as models name them, and sentences to hear their voices with.

Owns the way from names and three-letter codes (ISO 639-3) to primary BCP 47 tags. Knows no model.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

_TWO_LETTERS: Final[Mapping[str, str]] = MappingProxyType(
    dict(
        pair.split("=")
        for pair in (  # noqa: SIM905 - a list would be three times as long
            "afr=af amh=am ara=ar asm=as aze=az bel=be ben=bn bod=bo bos=bs bul=bg cat=ca ces=cs cmn=zh cym=cy dan=da "
            "deu=de ell=el eng=en epo=eo est=et eus=eu fas=fa fin=fi fra=fr gle=ga glg=gl guj=gu hau=ha heb=he hin=hi "
            "hrv=hr hun=hu hye=hy ibo=ig ind=id isl=is ita=it jav=jv jpn=ja kan=kn kat=ka kaz=kk khm=km kir=ky kor=ko "
            "lao=lo lat=la lav=lv lit=lt mal=ml mar=mr mkd=mk mlg=mg mlt=mt mon=mn mya=my nep=ne nld=nl nor=no ory=or "
            "pan=pa pol=pl por=pt pus=ps ron=ro rus=ru sin=si slk=sk slv=sl sna=sn som=so spa=es sqi=sq srp=sr sun=su "
            "swe=sv swa=sw swh=sw tam=ta tat=tt tel=te tgk=tg tgl=tl tha=th tir=ti tur=tr tuk=tk uig=ug ukr=uk urd=ur "
            "uzb=uz vie=vi wol=wo xho=xh yor=yo zho=zh zul=zu"
        ).split()
    )
)
_PRIMARY: Final = re.compile(r"[a-z]{2,3}")
_SAMPLES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "en": "The lamp went out, and then we heard somebody laugh on the stairs.",
        "de": "Die Lampe ging aus, und dann hörten wir jemanden auf der Treppe lachen.",
        "fr": "La lampe s'est éteinte, puis nous avons entendu quelqu'un rire dans l'escalier.",
        "es": "Se apagó la lámpara, y entonces oímos a alguien reír en la escalera.",
        "it": "La lampada si spense, e poi sentimmo qualcuno ridere per le scale.",
        "pt": "A lâmpada apagou-se, e depois ouvimos alguém a rir na escada.",
        "nl": "De lamp ging uit, en toen hoorden we iemand lachen op de trap.",
        "pl": "Lampa zgasła, a potem usłyszeliśmy, jak ktoś śmieje się na schodach.",
        "ru": "Лампа погасла, и тут мы услышали, как кто-то засмеялся на лестнице.",
        "zh": "灯灭了，然后我们听见有人在楼梯上笑。",
        "ja": "明かりが消えて、それから階段で誰かが笑うのが聞こえた。",
        "ko": "불이 꺼지고, 곧 계단에서 누군가 웃는 소리가 들렸다.",
    }
)


def primary_tag(name: str) -> str:
    """The primary BCP 47 tag of a language that a model names by a code; empty where it is none."""
    code = re.split(r"[-_]", name.strip().lower(), maxsplit=1)[0]
    code = _TWO_LETTERS.get(code, code)
    return code if _PRIMARY.fullmatch(code) else ""


def sample_sentence(tag: str) -> str:
    """A sentence in a language; in English where there is none."""
    return _SAMPLES.get(primary_tag(tag), _SAMPLES["en"])
