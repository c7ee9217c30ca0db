# message: withheld
from labs.federated_learning.robust import coordinate_median, krum, trimmed_mean
