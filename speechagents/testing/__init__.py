"""What every synthesizer, listener and controller must pass, of this package or of another.

A plugin's test is three lines, with any test runner::

    from speechagents.testing import check_synthesizer

    def test_contract() -> None:
        check_synthesizer(MyVoices)

Each check is also a function of its own (`SYNTHESIZER_CHECKS`, `LISTENER_CHECKS`, `CONTROLLER_CHECKS`), to be run one
by one. A broken contract is an `AssertionError` that says what was done and what came of it. What is particular about a
back end, such as a server that draws, is said in its terms.
"""

from __future__ import annotations

from speechagents.testing.controllers import CONTROLLER_CHECKS, ControllerTerms, check_controller
from speechagents.testing.listeners import LISTENER_CHECKS, ListenerTerms, check_listener
from speechagents.testing.synthesizers import SYNTHESIZER_CHECKS, SynthesizerTerms, check_synthesizer

__all__ = [
    "CONTROLLER_CHECKS",
    "LISTENER_CHECKS",
    "SYNTHESIZER_CHECKS",
    "ControllerTerms",
    "ListenerTerms",
    "SynthesizerTerms",
    "check_controller",
    "check_listener",
    "check_synthesizer",
]
