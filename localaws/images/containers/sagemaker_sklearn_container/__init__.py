"""What AWS's scikit-learn images add to their toolkits, which are on PyPI: the framework's two modules.

AWS's package of this name is not on PyPI. This one has the same contract on the same public interfaces of the toolkits
(`sagemaker_training`, `sagemaker_containers.beta.framework`), and is copied into an image's environment. It runs with
the image's Python, 3.7 and later, and imports nothing of this project.
"""
