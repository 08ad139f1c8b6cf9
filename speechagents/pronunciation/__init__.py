"""How words are to be said: lexicons, respellings in the text, and numbers, dates and abbreviations in words."""
