"""Predictions for every file of a folder, by the latest approved linear regression: `pipelines.batch` describes it."""

from pipelines.batch import Batch
from pipelines.lr import sample_data

get_pipeline = Batch(sample_data.NAME).get_pipeline
upload_sample_data = sample_data.upload_batch_data
