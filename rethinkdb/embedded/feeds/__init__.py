"""Changefeeds: they turn changes of tables into the rows that a client sees."""
