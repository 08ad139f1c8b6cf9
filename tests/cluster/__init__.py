"""Tests of the floor that spreads work."""
