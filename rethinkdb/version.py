"""The version of this distribution; the one place that says it."""

__version__ = "3.0.0.dev0"
