"""Neural voices."""
