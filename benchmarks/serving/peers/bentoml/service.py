"""A BentoML service, as in its documentation: NumPy arrays in and out, a worker for each processor."""

import os

import bentoml
import lr
import numpy as np


@bentoml.service(workers=int(os.environ["WORKERS"]), traffic={"timeout": 60}, logging={"access": {"enabled": False}})
class LinearRegression:
    """The linear regression."""

    def __init__(self) -> None:
        self.model = lr.MODEL

    @bentoml.api(route="/invocations")
    def invocations(self, x: np.ndarray) -> np.ndarray:
        return self.model.predict(np.asarray(x, np.float64))
