"""Many runs of one notebook: their settings, their folder, what runs them, and what comes of it."""
