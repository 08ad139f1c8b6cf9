"""Role agents: who speaks when, what each remembers and hears, and the director."""
