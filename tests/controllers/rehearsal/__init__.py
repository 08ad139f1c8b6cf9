"""The embedded controller."""
