"""Books come in: EPUB, text, Markdown, HTML, DOCX and PDF, as one value with every character accounted for."""
