"""The lab's task as a Flower app: simulated clients, or a federation of real processes.

Needs the extra `federated`. The experiments of the lab do not: they use
`labs.federated_learning.loop`, which gives the same numbers.
"""
