"""The course's rules: its file, lateness, extensions, totals."""
