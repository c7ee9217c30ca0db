# message: withheld
from labs.federated_learning.label_skew import skew
from labs.federated_learning.partitions import deal_by_shares, deal_shards
