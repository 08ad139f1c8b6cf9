"""What mirrors `speechagents.pronunciation`."""
