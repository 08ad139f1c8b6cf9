"""Tests of proofing, with a language of tones that voices and listeners share."""
