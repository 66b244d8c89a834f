"""What queries compute with: plain data and its rules; tables, selections, streams, functions."""
