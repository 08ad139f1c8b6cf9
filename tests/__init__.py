"""Tests of speechagents."""
