# message: withheld
from labs.gpu_training.given import diagnose
