"""The whole studio, as a visitor meets it in a real browser."""
