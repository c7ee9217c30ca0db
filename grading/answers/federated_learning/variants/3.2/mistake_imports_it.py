# message: withheld
from labs.federated_learning.given import deal_by_shares, deal_shards, skew
