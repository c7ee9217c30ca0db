"""The Flower app that `flwr run` packs and sends: a server and a client, described in pyproject."""
