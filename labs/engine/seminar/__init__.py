"""What the commands do with the files of a seminar: one-pagers, sheets, topics, new projects."""
