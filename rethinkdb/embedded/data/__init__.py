"""The values of queries: plain data and its rules, tables, selections, streams, functions."""
