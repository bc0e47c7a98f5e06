"""The algorithm mode of AWS's XGBoost images: training by hyperparameters and channels, without a script.

What it does is in the SageMaker guide ("XGBoost algorithm with Amazon SageMaker AI", "XGBoost hyperparameters") and in
the repository aws/sagemaker-xgboost-container. In this order::

    job               what `train` runs: from /opt/ml/input to /opt/ml/model, or the reason in /opt/ml/output/failure
    hyperparameters   their names, types, ranges, and what depends on what
    channels          train and validation: content types, files
    data              files to features, labels and weights: csv_file, libsvm_file, parquet_file, recordio_file
    distribution      which of several instances have data, and xgboost's own collective among those
    boosting          xgboost.train with the log, checkpoints and early stopping (callbacks, checkpoints, metrics)
    cross_validation  the hyperparameter _kfold
    model_file        the file xgboost-model

It runs in the images' environments, with xgboost 1.5 and later and Python 3.8 and later, and in the interpreter that
runs local-aws. It needs xgboost, numpy, scipy and pyarrow, scikit-learn for _kfold, and nothing of this project.
"""
