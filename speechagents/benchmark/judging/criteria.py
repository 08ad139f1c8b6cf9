"""What is judged: six criteria, each with five bands that say in words what they look like.

Owns the criteria and where each comes from. Does not know how they are asked about (`judge_prompt`).

Five bands, each with words for what belongs into it, are the form of Kim et al. 2023 (Prometheus, arXiv 2310.08491).
The words are this project's own; nobody has calibrated them on people yet.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

LEAST: Final = 1
MOST: Final = 5
"""Worst and best band."""


@dataclass(frozen=True, slots=True)
class Criterion:
    """One thing to judge.

    Attributes:
        name: Short, unique, ``[a-z]+``.
        title: For people, as the head of a column.
        about: What is asked; read by judges and people.
        source: Where the criterion comes from: author, year, and where to find it.
        bands: What scenes of each band are like, from `LEAST` to `MOST`.
    """

    name: str
    title: str
    about: str
    source: str
    bands: tuple[str, str, str, str, str]

    @property
    def metric(self) -> str:
        """Name of the metric that its scores become."""
        return f"judged_{self.name}"


CRITERIA: Final = (
    Criterion(
        "consistency",
        "Consistency",
        "Does what people say and do agree with the scene, with who they are, and with what was said before?",
        "Consistency with scene and characters in Zhang et al. 2024 (SpeechAgents, arXiv 2401.03945); contradiction as "
        "in Welleck et al. 2019 (arXiv 1811.00671)",
        (
            "Again and again lines contradict the scene, the people or each other, in names, jobs, places, knowledge.",
            "Two or three clear contradictions, or a single one that the scene depends on.",
            "One clear contradiction in a detail; or none, but many lines belong to some other scene.",
            "Nothing is contradicted; some lines could be said by anybody anywhere.",
            "Nothing is contradicted, and lines draw on this scene and on these people, each said by whom it suits.",
        ),
    ),
    Criterion(
        "quality",
        "Quality",
        "Is it well-made dialogue: coherent, specific, and worth hearing?",
        "Quality and logical coherence of the script in Zhang et al. 2024 (SpeechAgents, arXiv 2401.03945); coherence, "
        "diversity and interest as qualities of a dialogue in Mehri and Eskenazi 2020 (FED, arXiv 2006.12719)",
        (
            "It cannot be followed: lines have nothing to do with each other, or the same is said over and over.",
            "It can be followed in places; most lines ignore what was just said, repeat it, or are stock phrases.",
            "It can be followed, but goes in circles or explains itself; nothing in it surprises.",
            "Lines take each other up and lead somewhere; only a few are stiff or empty.",
            "Every line does something: it wants, hides, answers or changes something, in words one would remember.",
        ),
    ),
    Criterion(
        "believability",
        "Believability",
        "Do they behave like people, and like these people, in this situation?",
        "Believability in Zhou et al. 2023 (SOTOPIA, arXiv 2310.11667): natural, realistic, and in line with the "
        "profile; there from 0 to 10 for one agent, here in bands for a scene",
        (
            "Nobody would talk like this: they speak like machines or in each other's place, or forget who they are.",
            "Mostly unnatural: announcements, needless politeness, thanks and summaries; all of them sound alike.",
            "Natural in parts; who speaks can be told from what is said, but hardly from how it is said.",
            "Natural throughout, with one or two lines out of character.",
            "Each is a person of their own, with reasons; with the names covered one could still tell who speaks.",
        ),
    ),
    Criterion(
        "relationship",
        "Relationship",
        "Do they treat each other as what they are to each other, and does that change for reasons that can be seen? A "
        "quarrel is as good as a reconciliation if it follows from both.",
        "Relationship in Zhou et al. 2023 (SOTOPIA, arXiv 2310.11667), which rates from -5 to 5 whether relations got "
        "better; in drama a rupture may be right, so that here the rating is whether relations are kept and moved",
        (
            "They treat each other as strangers or as what they are not: kin as clients, enemies as friends.",
            "What they are to each other is named once or twice, but not to be seen in how they talk.",
            "They treat each other rightly, but all in the same way, and nothing between them moves.",
            "Different people are treated differently, and between some of them something moves.",
            "Every exchange shows what they are to each other, and what moves between them comes from what was said.",
        ),
    ),
    Criterion(
        "rhythm",
        "Rhythm",
        "Is the talk paced like talk: who comes next, how soon, how long, and who breaks in?",
        "Authentic rhythm in Zhang et al. 2024 (SpeechAgents, arXiv 2401.03945); turn-taking after Sacks, Schegloff "
        "and Jefferson 1974 (doi 10.2307/412243), gaps after Stivers et al. 2009 (doi 10.1073/pnas.0903616106)",
        (
            "Speeches one after the other, all of one length in a fixed order; or all talk over each other.",
            "Mostly like reading aloud in turn; replies do not come when or where something calls for them.",
            "Turns come in a plausible order, but evenly: long and short, fast and slow hardly alternate.",
            "Lengths and tempo follow what happens, with a few turns that come too early, too late or too long.",
            "It breathes: quick exchanges, hesitation, breaking in and silence are where people would have them.",
        ),
    ),
    Criterion(
        "emotion",
        "Emotion",
        "Are feelings right for what happens, told apart, and do they rise and fall for reasons?",
        "Rich emotions in Zhang et al. 2024 (SpeechAgents, arXiv 2401.03945); feelings as answers to what an event "
        "means to somebody after Scherer 2003 (vocal communication of emotion, doi 10.1016/S0167-6393(02)00084-5)",
        (
            "No feelings at all, or ones that are wrong for what happens.",
            "Feelings are named or put on, the same one throughout, and nothing causes them.",
            "Feelings suit the situation in general, but stay as they are whatever is said.",
            "Feelings suit what happens and change with it; one or two come from nowhere or go too far.",
            "Everyone feels something of their own, it can be told what caused it, and it changes as things happen.",
        ),
    ),
)
"""In the order in which reports list them."""
