"""The child process of `labs.federated_learning.flower.simulation`: Flower's engine over Ray.

Run as ``python -m labs.federated_learning.flower.simulated JOB FOLDER``. Ray keeps processes and
threads behind when it is done, so this is no place for a notebook.
"""

import json
import sys

from flwr.simulation import run_simulation

from labs.federated_learning.flower.app import client_app, server_app
from labs.federated_learning.flower.job import Job


def main(job: Job, *, temporary: str, cores: int) -> None:
    """Run a job with one simulated node a client.

    Parameters
    ----------
    job
        With a folder for the journal.
    temporary
        Ray's own folder; short, since a socket's name has room for about 100 characters.
    cores
        That Ray may use.
    """
    run_simulation(
        server_app=server_app.build(job),
        client_app=client_app.build(job),
        num_supernodes=job.clients,
        backend_config={
            "init_args": {"num_cpus": cores, "_temp_dir": temporary, "include_dashboard": False},
            "client_resources": {"num_cpus": 1, "num_gpus": 0.0},
        },
    )


if __name__ == "__main__":
    main(Job(**json.loads(sys.argv[1])), temporary=sys.argv[2], cores=int(sys.argv[3]))
