# message: withheld
from labs.gpu_training.given import amdahl_fit, scaled_learning_rate, speedup_and_efficiency
