"""What people get to see: feedback, the table of grades, the report."""
