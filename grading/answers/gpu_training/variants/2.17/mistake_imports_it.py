# message: is withheld in this exercise
from labs.gpu_training.given.failing import checkpoint_interval_s, goodput
