"""The Human-Communication Simulation benchmark: scenes, runs over them, metrics, judges and reports."""
