"""From raw CSV files to a registered classifier of iris flowers: the road that `pipelines.road` describes."""

from pathlib import Path

from pipelines.iris import sample_data
from pipelines.road import Hyperparameter, Quality, Road

ROAD = Road(
    name=sample_data.NAME,
    folder=Path(__file__).parent,
    scripts=("train.py", "inference.py"),
    feature_columns="sepal_length,sepal_width,petal_length,petal_width",
    target_column=sample_data.TARGET_COLUMN,
    problem="multiclass",
    test_rows=30,
    random_state=0,  # the data are sorted by species
    hyperparameters=[Hyperparameter("C", "C", 1.0), Hyperparameter("max_iter", "MaxIterations", 100)],
    metrics=["train:accuracy", "train:log_loss"],
    quality=Quality("accuracy", "The accuracy", "AccuracyThreshold", 0.9),
)

get_pipeline = ROAD.get_pipeline
upload_sample_data = sample_data.upload_training_data
