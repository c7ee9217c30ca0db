"""The lab on inference performance: forests and a small network, compiled, counted and loaded."""
