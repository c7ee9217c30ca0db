"""Lab 1: a keyword-spotting network, trained, counted, made small and run on a microcontroller."""
