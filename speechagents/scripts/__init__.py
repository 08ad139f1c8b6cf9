"""Text in: screenplays and plain dialogues become a `Script`, a `Script` becomes scenes of lines."""
