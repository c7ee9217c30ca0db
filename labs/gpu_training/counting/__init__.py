"""What a job for many ranks sends and holds, counted without running it."""
