"""Numbers that others published and this lab sets beside its own: energies and latencies.

They belong to their year, process and machine. Nothing is measured here.
"""

# Horowitz, "Computing's energy problem (and what we can do about it)", ISSCC 2014: rough energies
# in a 45 nm process at 0.9 V, as the course's table has them; reads of 32 bits, SRAM of 8 KB.
HOROWITZ_PJ = {
    "int8 add": 0.03,
    "int16 add": 0.05,
    "int32 add": 0.1,
    "float16 add": 0.4,
    "float32 add": 0.9,
    "int8 multiply": 0.2,
    "int32 multiply": 3.1,
    "float16 multiply": 1.1,
    "float32 multiply": 3.7,
    "SRAM read": 5.0,
    "DRAM read": 640.0,
}

# "Latency numbers every programmer should know", collected by Dean and Norvig, about 2009; the
# later column is the same page carried on to 2020 by Colin Scott. Both are estimates of a typical
# server.
LATENCY_NS = {
    "about 2009": {"L1": 0.5, "L2": 7.0, "memory": 100.0},
    "2020": {"L1": 1.0, "L2": 4.0, "memory": 100.0},
}

# Sze, Chen, Yang and Emer, "How to evaluate deep neural network processors: TOPS/W (alone)
# considered harmful", IEEE Solid-State Circuits Magazine 12 (2020): the metrics, and what each must
# be told with.
METRICS = {
    "accuracy": "with the data set and the task",
    "throughput": "with the batch and how busy the machine was",
    "latency": "with the batch and a percentile",
    "energy": "with what was powered: chip, memory, all",
    "cost": "with what is counted: chip area, memory, price",
    "flexibility": "with the range of models that run well",
    "scalability": "with how throughput grows with resources",
}
