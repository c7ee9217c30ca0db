# message: withheld
from labs.federated_learning.given import kept, simulate_round, staleness_weight
