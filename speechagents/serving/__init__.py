"""Serving the studio: visitors, what is theirs, and the wall around it."""
