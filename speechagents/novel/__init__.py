"""A book and its speakers become a play: lines with styles and pauses, a cast sheet, credits."""
