"""What a number is worth: the metrics of an ML system, measured, doubted, repaired and compared."""
