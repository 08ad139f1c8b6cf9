"""Novels read aloud: a book and who says what in it become lines, a cast and a ledger of every character.

Owns the way from a `Book` and an `Attribution` to what is performed. Does not know file formats (`books`), how
speakers are found (`attribution`) or how lines become sound (`production`).
"""
