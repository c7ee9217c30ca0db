"""What Moodle gives and takes: downloads, worksheets, feedback; and hostile archives."""
