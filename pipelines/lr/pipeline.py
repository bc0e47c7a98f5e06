"""From raw CSV files to a registered linear regression: the road that `pipelines.road` describes."""

from pathlib import Path

from pipelines.lr import sample_data
from pipelines.road import Hyperparameter, Quality, Road

ROAD = Road(
    name=sample_data.NAME,
    folder=Path(__file__).parent,
    scripts=("train.py", "linear_regression.py", "inference.py"),
    feature_columns="bmi",
    target_column=sample_data.TARGET_COLUMN,
    problem="regression",
    test_rows=20,
    hyperparameters=[
        Hyperparameter("learning_rate", "LearningRate", 0.1),
        Hyperparameter("max_iter", "MaxIterations", 15001),
    ],
    metrics=["train:mse", "train:r2"],
    quality=Quality("r2", "R2", "R2Threshold", 0.2),
)

get_pipeline = ROAD.get_pipeline
upload_sample_data = sample_data.upload_training_data
