# message: withheld
from labs.federated_learning.given import client_update, fed_avg, federated_round
