"""Finds, runs and checks the notebooks of the labs; knows nothing about grading."""
