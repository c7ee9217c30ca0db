"""Starts a function as several ranks and brings their results back as plain data."""
