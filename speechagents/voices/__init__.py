"""Voices: the protocol of speech synthesis, the catalogue, styles, casting and the back ends."""
