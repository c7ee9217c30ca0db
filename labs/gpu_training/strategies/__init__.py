"""Ways to spread one training job over ranks, each the same in result as one process."""
