"""Who says what in a novel: quotations, characters, and a speaker for each quotation."""
