"""Making labs: one source, two notebooks, checks that are fair."""
