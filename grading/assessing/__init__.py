"""Grading: student code behind walls, verdicts outside, many submissions at once."""
