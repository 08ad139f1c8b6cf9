"""Tests of speech units."""
