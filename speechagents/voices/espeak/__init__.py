"""The embedded voices: espeak-ng in worker processes of its own.

`EspeakSynthesizer` is the back end, `load_catalogue` what is known of its voices, `languages` what they speak.
"""

from speechagents.voices.espeak.catalogue import EmbeddedVoice, load_catalogue
from speechagents.voices.espeak.languages import language_file, languages
from speechagents.voices.espeak.synthesizer import EspeakSynthesizer

__all__ = ["EmbeddedVoice", "EspeakSynthesizer", "language_file", "languages", "load_catalogue"]
