"""Commands that print the measured figures which the README quotes, and what they measure with."""
