"""What the embedded recogniser is made of."""
