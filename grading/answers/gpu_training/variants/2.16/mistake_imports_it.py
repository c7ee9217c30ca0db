# message: is withheld in this exercise
from labs.gpu_training.given.failing import pack, unpack
