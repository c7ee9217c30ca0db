# message: withheld
from labs.federated_learning.given import reweighted, three_averages
