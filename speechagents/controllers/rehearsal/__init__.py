"""The embedded controller: a planner over dialogue acts, without a language model. It understands nothing."""

from __future__ import annotations

from speechagents.controllers.rehearsal.acting import RehearsalController, make_rehearsal

__all__ = ["RehearsalController", "make_rehearsal"]
