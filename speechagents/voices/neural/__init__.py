"""Neural voices: what their back ends share, and the back ends."""
