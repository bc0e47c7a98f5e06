"""Linear regression on the diabetes data of scikit-learn, by gradient descent: the model to begin with.

`pipeline` and `pipeline_batch` define; `preprocess`, `train`, `evaluate` and `inference` run
inside containers and import nothing from this package.
"""
