"""More than one machine: the same work, done by whoever is free."""
