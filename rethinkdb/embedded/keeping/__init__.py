"""Data that stays: the file under a server, what is written to it, and how it is read again."""
