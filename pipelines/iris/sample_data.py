"""Fisher's iris data, as scikit-learn has them, in S3, for users who have no data of their own yet.

Length and width of sepals and petals in centimetres, and the species: setosa, versicolor or virginica; 150 rows, 50 of
each. Source: Fisher (1936), "The use of multiple measurements in taxonomic problems", Annals of Eugenics 7, 179-188.

``python -m pipelines.iris.sample_data`` prints the training data as CSV.
"""

import sys
from typing import Any

from pipelines import samples

NAME = "Iris"
TARGET_COLUMN = "species"

_FEATURES = ("sepal_length", "sepal_width", "petal_length", "petal_width")
_BATCH_X = ((5.1, 3.5, 1.4, 0.2), (6.0, 2.7, 4.3, 1.3), (6.5, 3.0, 5.6, 2.1))


def upload_training_data(
    s3_client: Any, bucket: str, base_job_prefix: str = NAME, sagemaker_project_name: str | None = None
) -> None:
    """Put `data/iris.csv` where the pipeline looks by default: features, species, a header line.

    An object that is there is left as it is.
    """
    samples.upload_training(s3_client, bucket, base_job_prefix, sagemaker_project_name, "iris.csv", _iris_csv)


def upload_batch_data(
    s3_client: Any, bucket: str, base_job_prefix: str = NAME, sagemaker_project_name: str | None = None
) -> None:
    """Put a small CSV file of three flowers, without a header line, where the batch pipeline looks."""
    files = {"flowers.csv": samples.csv(_BATCH_X)}
    samples.upload_batch(s3_client, bucket, base_job_prefix, sagemaker_project_name, files)


def _iris_csv() -> bytes:
    # Half a second to import, spent only when the data are not there yet.
    from sklearn.datasets import load_iris  # noqa: PLC0415

    data = load_iris()
    species = data.target_names[data.target].tolist()
    return samples.csv(
        [[*_FEATURES, TARGET_COLUMN], *([*x, y] for x, y in zip(data.data.tolist(), species, strict=True))]
    )


if __name__ == "__main__":
    sys.stdout.buffer.write(_iris_csv())
