# message: withheld
from labs.seminar.inference_performance.given import accumulator_bits
