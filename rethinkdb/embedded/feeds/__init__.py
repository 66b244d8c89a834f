"""Changefeeds: from changes of tables to the rows that a client sees."""
