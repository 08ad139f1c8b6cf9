"""Speech units: sound as short rows of numbers, and back."""
