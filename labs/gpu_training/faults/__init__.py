"""Data-parallel jobs with one silent fault each, and the evidence that they leave."""
