"""Iris: which of three species a flower is, by a logistic regression of scikit-learn.

The second model of the project, and the shortest way to a third: `pipeline` and `pipeline_batch` say what is particular
about it, `train` and `inference` run inside containers with the scripts of `pipelines.containers`.
"""
