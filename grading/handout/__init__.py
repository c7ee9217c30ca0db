"""What goes out to students, without any answer."""
