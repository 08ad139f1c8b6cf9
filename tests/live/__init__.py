"""What mirrors `speechagents.agents`."""
