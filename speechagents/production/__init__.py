"""From lines to files: takes, timeline, mix, master, exports."""
