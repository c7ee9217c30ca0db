"""Lab 3: federated learning, experiments and a real deployment, and what it alone needs."""
