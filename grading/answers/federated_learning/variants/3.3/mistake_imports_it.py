# message: withheld
from labs.federated_learning.given import bytes_to, rounds_to
