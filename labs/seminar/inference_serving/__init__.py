"""Serving a language model: its cache, its batches, who waits how long, and who is turned away."""
