"""What is measured of a scene as it was played: one module for each kind of property."""
