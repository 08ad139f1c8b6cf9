"""Teaching models to play roles: trajectories, tuning, merging, and what came of it."""
