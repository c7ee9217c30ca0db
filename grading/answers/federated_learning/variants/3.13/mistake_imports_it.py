# message: withheld
from labs.federated_learning.given import clip_and_noise
