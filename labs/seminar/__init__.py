"""The labs of the seminar."""
