"""MLServer's custom runtime, as in its user guide: tensors in and out with the NumPy codec."""

import lr
from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceRequest, InferenceResponse


class LinearRegression(MLModel):
    """The linear regression."""

    async def load(self) -> bool:
        self.model = lr.MODEL
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        rows = self.decode(payload.inputs[0], default_codec=NumpyCodec)
        prediction = self.model.predict(rows)
        output = NumpyCodec.encode_output(name="predictions", payload=prediction)
        return InferenceResponse(model_name=self.name, outputs=[output])
