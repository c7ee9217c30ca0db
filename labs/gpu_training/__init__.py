"""Lab 2: training on one and on many devices, and the parts that only this lab needs."""
