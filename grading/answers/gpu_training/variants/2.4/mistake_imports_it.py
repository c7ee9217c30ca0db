# message: withheld
from labs.gpu_training.given import accumulated_gradients
