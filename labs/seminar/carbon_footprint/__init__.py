"""Carbon of computing: making and running hardware, per unit of work, and when to replace it."""
