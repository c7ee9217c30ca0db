"""What is published about training and serving BLOOM, a language model of 176 billion weights.

Source: Luccioni, Viguier and Ligozat, "Estimating the Carbon Footprint of BLOOM, a 176B Parameter
Language Model", JMLR 24(253), 2023. It trained on 384 A100 in France and served from a cloud.
The paper was at hand only as others quote it. The machine's constants are those with which its
11.2 t come out; with 4 GPUs they also give the 3100 kg of an example in Boavizta's e-footprint,
which names the paper as its source.
"""

from collections.abc import Mapping

RUN: Mapping[str, float] = {
    "dynamic_kwh": 433_196,  # 1,082,990 hours at the 400 W of the data sheet
    "idle_kwh": 256_646,  # nodes and network that stood ready
    "gpu_h": 1_082_990,
}
G_PER_KWH = 57.0  # France
MACHINE: Mapping[str, float] = {
    "server_kg": 2500.0,  # of a server of the same maker
    "gpu_kg": 150.0,
    "gpus": 8,
    "lifetime_y": 6.0,
    "utilisation": 0.85,
}
PUBLISHED_T: Mapping[str, float] = {"dynamic": 24.7, "idle": 14.6, "embodied": 11.2}
PUBLISHED_TOTAL_T = 50.5
PUBLISHED_EMBODIED_SHARE = 0.22

# Serving, measured for 18 days: energy, requests counted, and the mean that the paper also gives.
SERVING_KWH = 914.0
SERVING_REQUESTS = 230_768
SERVING_REQUESTS_PER_H = 558.0
SERVING_H = 18 * 24.0
