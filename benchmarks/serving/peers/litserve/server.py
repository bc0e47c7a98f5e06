"""LitServe's server and API, as in its documentation, with the queue that it recommends for high rates."""

import os

import litserve
import lr
import numpy as np

WORKERS = int(os.environ["WORKERS"])


class LinearRegression(litserve.LitAPI):
    """The linear regression."""

    def setup(self, device):  # noqa: ARG002 - LitServe passes it by name
        self.model = lr.MODEL

    def decode_request(self, request):
        return np.asarray(request["x"], np.float64)

    def predict(self, x):
        return self.model.predict(x)

    def encode_response(self, output):
        return {"predictions": output.tolist()}


if __name__ == "__main__":
    server = litserve.LitServer(
        LinearRegression(api_path="/invocations"),
        accelerator="cpu",
        devices=1,
        workers_per_device=WORKERS,
        fast_queue=True,
    )
    server.run(
        host="127.0.0.1",
        port=int(os.environ["PORT"]),
        num_api_servers=WORKERS,
        generate_client_file=False,
        log_level="warning",
        access_log=False,
    )
