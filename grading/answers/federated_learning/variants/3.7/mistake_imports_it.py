# message: withheld
from labs.federated_learning.given import masked, reconstruct, unmasked
