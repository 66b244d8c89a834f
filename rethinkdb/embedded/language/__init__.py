"""ReQL: from wire JSON to nodes, their evaluation, and what implementations see of it."""
