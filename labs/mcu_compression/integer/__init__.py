"""The network in whole numbers: its arithmetic, where it comes from, and what is done to it."""
