"""Models that act for roles."""
