"""Databases, tables, rows, indexes, users: what is kept, without any ReQL term."""
