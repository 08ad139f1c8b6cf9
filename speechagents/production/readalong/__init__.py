"""Read-along books: EPUB 3 with Media Overlays, text and sound of each chapter side by side."""
