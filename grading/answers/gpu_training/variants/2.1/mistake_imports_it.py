# message: withheld
from labs.gpu_training.given import median_interval, time_calls
