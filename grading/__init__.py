"""Everything for instructors: building labs from their one source, later grading them."""
