"""The stored data: databases, tables, rows, indexes, users. Knows no ReQL term."""
