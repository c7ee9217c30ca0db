"""A lab on saving many related models: snapshots, updates, recipes, and what each one costs."""
