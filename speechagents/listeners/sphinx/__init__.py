"""What the embedded recogniser is made of: its processes, how it is told likely words, how names are pronounced."""
