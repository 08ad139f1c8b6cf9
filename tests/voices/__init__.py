"""What mirrors `speechagents.voices`."""
