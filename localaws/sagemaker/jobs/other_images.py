"""The images of AWS that nothing on this host stands for: what each is, and what does its work here instead.

Which there are is in the SageMaker SDK (``image_uri_config``). The code of the built-in algorithms, but for XGBoost's,
is not published; the other frameworks' images are their packages, which an environment of one's own has.
"""

import re
from dataclasses import dataclass

_SKLEARN = "of scikit-learn in a script for the image sagemaker-scikit-learn"
_TORCH = "a script for the image pytorch-training"
_BEFORE_NEO = "the model as it was before it was compiled, in its framework's image"
_OWN = "an environment of yours with"

# By the beginning of the repository's name, the longest one counts.
_ALGORITHMS = {
    "blazingtext": ("BlazingText", _TORCH),
    "factorization-machines": ("Factorization Machines", _TORCH),
    "forecasting-deepar": ("DeepAR", _TORCH),
    "image-classification": ("Image Classification", f"{_TORCH} with torchvision"),
    "ipinsights": ("IP Insights", _TORCH),
    "kmeans": ("K-Means", f"KMeans {_SKLEARN}"),
    "knn": ("K-Nearest Neighbors", f"KNeighborsClassifier or KNeighborsRegressor {_SKLEARN}"),
    "lda": ("Latent Dirichlet Allocation", f"LatentDirichletAllocation {_SKLEARN}"),
    "linear-learner": ("Linear Learner", f"LinearRegression or LogisticRegression {_SKLEARN}"),
    "ntm": ("Neural Topic Model", f"LatentDirichletAllocation {_SKLEARN}"),
    "object-detection": ("Object Detection", f"{_TORCH} with torchvision"),
    "object2vec": ("Object2Vec", _TORCH),
    "pca": ("PCA", f"PCA {_SKLEARN}"),
    "randomcutforest": ("Random Cut Forest", f"IsolationForest {_SKLEARN}"),
    "semantic-segmentation": ("Semantic Segmentation", f"{_TORCH} with torchvision"),
    "seq2seq": ("Sequence-to-Sequence", _TORCH),
    "xgboost": ("XGBoost before 0.90", "the image sagemaker-xgboost, version 1.5-1 or later"),
}
_FRAMEWORKS = {
    "autogluon": ("AutoGluon", f"{_OWN} autogluon"),
    "detailed-profiler": ("SageMaker's profiler", "a profiler of your framework"),
    "djl": ("DJL Serving", f"{_OWN} what loads the model"),
    "huggingface": ("Hugging Face", f"{_OWN} transformers"),
    "image-classification-neo": ("SageMaker Neo", _BEFORE_NEO),
    "llama-cpp": ("llama.cpp", f"{_OWN} llama-cpp-python"),
    "mxnet": ("MXNet", f"{_OWN} mxnet"),
    "pytorch": ("PyTorch", _TORCH),
    "ray": ("Ray", f"{_OWN} ray"),
    "sagemaker-base-python": ("Studio's Python", "the image sagemaker-distribution-prod"),
    "sagemaker-chainer": ("Chainer", f"{_OWN} chainer"),
    "sagemaker-clarify": ("SageMaker Clarify", f"{_OWN} shap, in a processing job"),
    "sagemaker-data-wrangler": ("Data Wrangler", "the same steps in a script for the image sagemaker-scikit-learn"),
    "sagemaker-debugger": ("SageMaker Debugger", "checks in the training script"),
    "sagemaker-geospatial": ("SageMaker geospatial", f"{_OWN} the geospatial packages"),
    "sagemaker-inference": ("SageMaker Neo", _BEFORE_NEO),
    "sagemaker-inspect-ai": ("Inspect AI", f"{_OWN} inspect-ai"),
    "sagemaker-model-monitor": ("Model Monitor", "this project's own monitor (docs/your-model.md)"),
    "sagemaker-mxnet": ("MXNet", f"{_OWN} mxnet"),
    "sagemaker-neo": ("SageMaker Neo", _BEFORE_NEO),
    "sagemaker-pytorch": ("PyTorch before 1.2", _TORCH),
    "sagemaker-rl": ("SageMaker's reinforcement learning", f"{_OWN} the framework"),
    "sagemaker-spark": ("Spark", f"{_OWN} pyspark"),
    "sagemaker-sparkml-serving": ("SparkML Serving", f"{_OWN} pyspark"),
    "sagemaker-tensorflow": ("TensorFlow", f"{_OWN} tensorflow"),
    "sagemaker-tritonserver": ("Triton", f"{_OWN} what loads the model"),
    "sglang": ("SGLang", f"{_OWN} sglang"),
    "smdistributed": ("SageMaker's model parallelism", _TORCH),
    "stabilityai": ("Stability AI", f"{_OWN} diffusers"),
    "tei": ("Hugging Face's embeddings", f"{_OWN} sentence-transformers"),
    "tensorflow": ("TensorFlow", f"{_OWN} tensorflow"),
    "vllm": ("vLLM", f"{_OWN} vllm"),
    "whisperx": ("WhisperX", f"{_OWN} whisperx"),
    "xgboost-neo": ("SageMaker Neo", _BEFORE_NEO),
}
_URI = re.compile(r"(?:[^/]+\.[^/]+/)?(?P<repository>[^:@/]+)(?:[:@].+)?")


@dataclass(frozen=True)
class OtherImage:
    """An image that nothing here stands for.

    Attributes
    ----------
    name : str
        What AWS calls it.
    instead : str
        What does its work here.
    is_algorithm : bool
        Whether it is one of SageMaker's own algorithms, which no other environment has.
    """

    name: str
    instead: str
    is_algorithm: bool

    @property
    def sentence(self) -> str:
        """The sentence that refuses it."""
        kind = "a built-in algorithm whose code AWS does not publish" if self.is_algorithm else "an image of AWS"
        return f"{self.name} is {kind}, and is not here. Instead: {self.instead}."


def of_uri(uri: str) -> OtherImage | None:
    """Return which of AWS's other images a URI means; None for anybody else's."""
    match = _URI.fullmatch(uri)
    repository = match["repository"] if match else ""
    if repository in _ALGORITHMS:
        return OtherImage(*_ALGORITHMS[repository], is_algorithm=True)
    begins = [name for name in _FRAMEWORKS if re.match(rf"{name}(?:-|$)", repository)]
    return OtherImage(*_FRAMEWORKS[max(begins, key=len)], is_algorithm=False) if begins else None
