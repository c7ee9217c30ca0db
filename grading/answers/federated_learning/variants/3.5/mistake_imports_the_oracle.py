# message: withheld
from labs.federated_learning.waiting import kept, simulate_round, staleness_weight
