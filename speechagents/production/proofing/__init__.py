"""Proofing: every take is heard, judged, and where its voice can, spoken again."""
