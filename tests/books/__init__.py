"""What mirrors `speechagents.books`."""
