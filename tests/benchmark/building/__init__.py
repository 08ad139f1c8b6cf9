"""Tests of building benchmarks."""
