"""What mirrors `speechagents.controllers`."""
