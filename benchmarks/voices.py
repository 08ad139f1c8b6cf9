"""Measure the embedded voices: how they sound, how far they are apart, how fast they speak.

::

    python benchmarks/voices.py             print the table, write benchmarks/results/voices.json
    python benchmarks/voices.py --write     also store f0_hz and fingerprint in models/voices/espeak.yaml
    python benchmarks/voices.py --spectrum  the long-term average spectrum against that of natural speech
    python benchmarks/voices.py --styles    what each style does, measured over several voices
    python benchmarks/voices.py --speed     CPU time per line, split into synthesis, process and finishing
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from speechagents.audio import Audio
from speechagents.drama import Style
from speechagents.resources import resource
from speechagents.styles import STYLES
from speechagents.voices import measure
from speechagents.voices.espeak import EspeakSynthesizer
from speechagents.voices.espeak.catalogue import EmbeddedVoice, load_catalogue
from speechagents.voices.synthesizer import SpokenLine, Take, Voice

# Written for this project. The first half describes a voice, the second half tests the description.
SENTENCES = {
    "en": (
        "The baker's daughter carried seven loaves across the frozen river before anyone was awake.",
        "You could have told me that the meeting had been moved to Thursday afternoon.",
        "Under the old stone bridge a family of otters had made a rather comfortable home.",
        "I never said he stole it; I said that he knew where the thing was hidden.",
        "Please put the blue jug by the window and shut the garden gate behind you.",
        "Nobody at the party had noticed that the clock was running backwards.",
        "Every morning she walks past the theatre, humming the tune of a song she has forgotten.",
        "When the fog lifts we shall see the harbour, the lighthouse, and all of our mistakes.",
        "He asked for a cup of tea and was given a map of the northern islands.",
        "Three thieves and a judge shared the last carriage of the evening train.",
        "If you are looking for the doctor, she has gone to measure the mountain.",
        "My brother keeps his good ideas in a shoe box underneath the stairs.",
    ),
    "de": (
        "Der alte Bäcker zog seine Jacke an und ging ohne ein Wort hinaus in den Regen.",
        "Wir hatten uns am Bahnhof verabredet, doch die Uhr stand seit Wochen still.",
        "Meine Schwester sammelt blaue Knöpfe und schreibt jedem einen Namen auf.",
        "Hinter dem Haus wächst ein Baum, den niemand gepflanzt haben will.",
    ),
    "fr": (
        "Le vieux boulanger a mis sa veste et il est sorti sous la pluie sans dire un mot.",
        "Nous devions nous retrouver à la gare, mais l'horloge ne marchait plus depuis longtemps.",
        "Ma sœur garde ses bonnes idées dans une boîte bleue sous l'escalier.",
        "Derrière la maison pousse un arbre que personne ne se souvient d'avoir planté.",
    ),
    "es": (
        "El viejo panadero se puso la chaqueta y salió bajo la lluvia sin decir una palabra.",
        "Habíamos quedado en la estación, pero el reloj llevaba semanas parado.",
        "Mi hermana guarda sus buenas ideas en una caja azul debajo de la escalera.",
        "Detrás de la casa crece un árbol que nadie recuerda haber plantado.",
    ),
    "it": (
        "Il vecchio fornaio si mise la giacca e uscì sotto la pioggia senza dire una parola.",
        "Dovevamo incontrarci alla stazione, ma l'orologio era fermo da settimane.",
        "Mia sorella conserva le sue idee migliori in una scatola blu sotto le scale.",
        "Dietro la casa cresce un albero che nessuno ricorda di avere piantato.",
    ),
    "pt": (
        "O velho padeiro vestiu o casaco e saiu para a chuva sem dizer uma palavra.",
        "Tínhamos combinado na estação, mas o relógio estava parado havia semanas.",
        "A minha irmã guarda as suas boas ideias numa caixa azul debaixo da escada.",
        "Atrás da casa cresce uma árvore que ninguém se lembra de ter plantado.",
    ),
    "cmn": (
        "老面包师穿上外套，一句话也没说就走进了雨里。",
        "我们约好在车站见面，可是那里的钟已经停了好几个星期。",
        "我姐姐把她的好主意都放在楼梯下面的一个蓝色盒子里。",
        "房子后面长着一棵树，没有人记得是谁种下的。",
    ),
}

# Byrne et al. (1994), "An international comparison of long-term average speech spectra", J. Acoust. Soc. Am. 96,
# table II: men and women together, third-octave levels in dB at these centres.
LTASS = {
    100: 54.4, 125: 57.7, 160: 56.8, 200: 60.2, 250: 60.3, 315: 59.0, 400: 62.1, 500: 62.1, 630: 60.5, 800: 56.8,
    1000: 53.7, 1250: 53.0, 1600: 52.0, 2000: 48.7, 2500: 48.1, 3150: 46.8, 4000: 45.6, 5000: 44.5, 6300: 44.3,
    8000: 43.7,
}  # fmt: skip

Floats = NDArray[np.float64]


def speak(
    synthesizer: EspeakSynthesizer,
    voices: Sequence[Voice],
    texts: Sequence[str],
    style: Style = Style(),
    language: str = "",
) -> list[list[Audio]]:
    """Every voice with every text: recordings by voice."""
    lines = [SpokenLine(text, voice, style, language) for voice in voices for text in texts]
    recordings = []
    for take in synthesizer.speak(lines):
        assert isinstance(take, Take), take
        recordings.append(take.audio)
    return [recordings[at : at + len(texts)] for at in range(0, len(recordings), len(texts))]


def prints_of(recordings: Sequence[Sequence[Audio]]) -> Floats:
    """The fingerprint of every single recording, shape (voices, texts, features)."""
    return np.array([[measure.fingerprint([audio]) for audio in row] for row in recordings])


def distances(centres: Floats) -> Floats:
    """Distance of every pair."""
    return np.array([[measure.voice_distance(a, b) for b in centres] for a in centres])


def identify(centres: Floats, held_out: Floats) -> tuple[float, list[tuple[int, int]]]:
    """Share of held-out sentences that are nearest to their own voice, and the confusions."""
    wrong = []
    for own, row in enumerate(held_out):
        for one in row:
            guess = int(np.argmin([measure.voice_distance(one, centre) for centre in centres]))
            if guess != own:
                wrong.append((own, guess))
    return 1.0 - len(wrong) / (held_out.shape[0] * held_out.shape[1]), wrong


def table(synthesizer: EspeakSynthesizer, catalogue: Sequence[EmbeddedVoice], language: str) -> dict[str, Any]:
    """Measure all voices in a language; print and return the result."""
    names = [entry.voice.id for entry in catalogue]
    texts = SENTENCES[language]
    recordings = speak(synthesizer, synthesizer.voices, texts, language=language)
    single = prints_of(recordings)
    half = len(texts) // 2
    learnt, held_out = single[:, :half].mean(axis=1), single[:, half:]
    accuracy, wrong = identify(learnt, held_out)
    apart = distances(held_out.mean(axis=1))
    np.fill_diagonal(apart, np.inf)
    rows = {}
    for at, entry in enumerate(catalogue):
        near = int(apart[at].argmin())
        f0 = statistics.median(measure.pitch(audio).median_hz for audio in recordings[at])
        rows[names[at]] = {
            "f0_hz": round(f0, 1),
            "nearest": names[near],
            "distance": round(float(apart[at, near]), 2),
            "fingerprint": [round(float(x), 3) for x in single[at].mean(axis=0)],
        }
        if language == "en":
            voice = entry.voice
            print(
                f"{voice.id:10} {voice.gender:7} {voice.age:6} {voice.accent:16} {f0:6.1f} Hz  "
                f"nearest {names[near]:10} {apart[at, near]:5.2f}"
            )
    least = np.unravel_index(int(apart.argmin()), apart.shape)
    pair = (names[int(least[0])], names[int(least[1])])
    print(
        f"{language}: nearest neighbour median {np.median(apart.min(axis=1)):.2f}, "
        f"least {apart.min():.2f} {pair}; "
        f"identified {accuracy:.1%} of {held_out.shape[0] * held_out.shape[1]} held-out sentences; "
        f"confused {[(names[a], names[b]) for a, b in wrong]}"
    )
    spread = np.sqrt(np.mean(single.var(axis=1, ddof=1), axis=0))
    if language == "en":
        print("SD between sentences of a voice:", [round(float(x), 3) for x in spread])
        print("SD between voices:              ", [round(float(x), 3) for x in single.mean(axis=1).std(axis=0)])
    return {"identified": round(accuracy, 4), "least": round(float(apart.min()), 3), "voices": rows}


def write_catalogue(rows: dict[str, Any]) -> None:
    """Store the measured values in the catalogue, leaving the rest of the file as it is."""
    path = resource("models", "voices", "espeak.yaml")
    entries = re.split(r"(?m)^(?=  - id: )", path.read_text(encoding="utf-8"))
    for at, entry in enumerate(entries[1:], 1):
        row = rows[entry.split()[2]]
        entry = re.sub(r"(?m)^    f0_hz: .*$", f"    f0_hz: {row['f0_hz']}", entry)
        numbers = ", ".join(f"{x:g}" for x in row["fingerprint"])
        entries[at] = re.sub(r"(?m)^    fingerprint: .*$", f"    fingerprint: [{numbers}]", entry)
    path.write_text("".join(entries), encoding="utf-8")
    print(f"wrote {path}")


def third_octaves(audio: Audio) -> Floats:
    """Third-octave levels in dB at the centres of `LTASS`."""
    power = np.abs(np.fft.rfft(audio.samples)) ** 2
    frequency = np.fft.rfftfreq(audio.frames, 1.0 / audio.rate_hz)
    edges = [(f / 2 ** (1 / 6), f * 2 ** (1 / 6)) for f in LTASS]
    return np.array([10 * np.log10(power[(frequency >= a) & (frequency < b)].sum() + 1e-12) for a, b in edges])


def spectrum(synthesizer: EspeakSynthesizer) -> None:
    """Print the average spectrum of the grown-up voices beside natural speech, both relative to their mean."""
    voices = [voice for voice in synthesizer.voices if voice.age == "adult"]
    levels = [np.mean([third_octaves(a) for a in row], axis=0) for row in speak(synthesizer, voices, SENTENCES["en"])]
    natural = np.array(list(LTASS.values()))
    of_gender = {
        gender: np.mean([lv for lv, v in zip(levels, voices, strict=True) if v.gender == gender], axis=0)
        for gender in ("male", "female")
    }
    mean = np.mean(list(of_gender.values()), axis=0)
    offset = np.mean(natural - mean)
    for at, centre in enumerate(LTASS):
        men, women = of_gender["male"][at] + offset, of_gender["female"][at] + offset
        here = mean[at] + offset
        print(
            f"{centre:6} Hz  natural {natural[at]:5.1f}  here {here:5.1f}  lacking {natural[at] - here:5.1f}"
            f"  men {men:5.1f}  women {women:5.1f}"
        )
    error = natural - mean - offset
    print(f"RMS deviation {np.sqrt(np.mean(error**2)):.2f} dB")


def styles(synthesizer: EspeakSynthesizer) -> dict[str, Any]:
    """Print what each style changes against the default, as means over some voices."""
    voices = synthesizer.voices[::5]
    texts = SENTENCES["en"][:4]
    result = {}
    plain: list[float] = []
    print("style        rate    F0 st  spread  level  voiced  HNR dB")
    for tag in STYLES:
        recordings = [audio for row in speak(synthesizer, voices, texts, Style(tag)) for audio in row]
        tracks = [measure.pitch(audio) for audio in recordings]
        values = [
            float(np.mean([1.0 / audio.duration_s for audio in recordings])),
            float(np.mean([12 * np.log2(max(track.median_hz, 40.0)) for track in tracks])),
            float(np.mean([track.spread_st for track in tracks])),
            float(np.mean([measure.speech_level_db(audio) for audio in recordings])),
            float(np.mean([track.voiced for track in tracks])),
            float(np.mean([track.harmonicity_db for track in tracks])),
        ]
        plain = plain or values
        row = (values[0] / plain[0], values[1] - plain[1], values[2], values[3], values[4], values[5])
        result[tag] = [round(x, 3) for x in row]
        print(f"{tag:11} {row[0]:5.2f}  {row[1]:6.2f}  {row[2]:5.2f}  {row[3]:6.1f}  {row[4]:5.2f}  {row[5]:6.1f}")
    return result


def speed(synthesizer: EspeakSynthesizer) -> dict[str, Any]:
    """CPU time per line of the whole path; the engine's own share is measured without any fork."""
    from speechagents.voices.espeak.finish import finished
    from speechagents.voices.espeak.process import WorkerPool, request_frame
    from speechagents.voices.espeak.recipe import instruction

    texts = SENTENCES["en"]
    lines = [SpokenLine(texts[i % 12], synthesizer.voices[i % len(synthesizer.voices)]) for i in range(240)]
    result: dict[str, Any] = {}
    for jobs in (1, 2):
        fresh = EspeakSynthesizer(jobs=jobs)
        list(fresh.speak(lines[: 2 * jobs]))
        before, start = os.times(), time.perf_counter()
        audio_s = sum(take.audio.duration_s for take in fresh.speak(lines) if isinstance(take, Take))
        wall_s = time.perf_counter() - start
        own_s = os.times().user + os.times().system - before.user - before.system
        fresh.close()
        after = os.times()
        children_s = after.children_user + after.children_system - before.children_user - before.children_system
        result[f"{jobs} workers"] = {
            "realtime": round(audio_s / wall_s),
            "realtime_per_core": round(audio_s / (own_s + children_s)),
            "audio_s_per_line": round(audio_s / len(lines), 2),
            "own_cpu_ms_per_line": round(own_s / len(lines) * 1e3, 2),
            "worker_cpu_ms_per_line": round(children_s / len(lines) * 1e3, 2),
        }
        print(jobs, "workers:", result[f"{jobs} workers"])
    entry = load_catalogue()[0]
    how = instruction(entry.recipe, Style())
    pool = WorkerPool(1)
    frame = request_frame(
        text=texts[0], language=entry.language, variant=how.variant, settings=how.settings, limit_s=10
    )
    raw = pool.submit(frame, limit_s=10, finish=lambda utterance: utterance).result()
    pool.close()
    start = time.perf_counter()
    for _ in range(50):
        finished(raw.samples, raw.rate_hz, how)
    result["finishing_ms_per_line"] = round((time.perf_counter() - start) / 50 * 1e3, 2)
    print("finishing", result["finishing_ms_per_line"], f"ms for {raw.samples.size / raw.rate_hz:.1f} s")
    return result


def main() -> None:
    """Run what the options ask for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--spectrum", action="store_true")
    parser.add_argument("--styles", action="store_true")
    parser.add_argument("--speed", action="store_true")
    parser.add_argument("--languages", default=",".join(SENTENCES))
    options = parser.parse_args()
    path = Path(__file__).parent / "results" / "voices.json"
    stored = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    with EspeakSynthesizer() as synthesizer:
        stored["engine"] = synthesizer.identity
        if options.spectrum:
            spectrum(synthesizer)
        elif options.styles:
            stored["styles"] = styles(synthesizer)
        elif options.speed:
            stored["speed"] = speed(synthesizer)
        else:
            for language in options.languages.split(","):
                measured = table(synthesizer, load_catalogue(), language)
                if language == "en" and options.write:
                    write_catalogue(measured["voices"])
                stored[language] = measured
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(stored, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
