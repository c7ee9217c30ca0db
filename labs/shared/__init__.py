"""What two labs share and neither measures nor plots: networks, later features and boards."""
