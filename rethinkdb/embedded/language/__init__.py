"""ReQL: compiles wire JSON to nodes, and evaluates them. Term implementations build on it."""
