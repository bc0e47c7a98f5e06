"""What AWS's XGBoost images add to their toolkit, which is on PyPI.

AWS's package of this name is not on PyPI. This one has its contract for jobs and models with a script of their own, on
the public interface of the toolkit (`sagemaker_containers.beta.framework`), and the `algorithm`, which trains without
one. It is copied into an image's environment; the algorithm also runs in the interpreter that runs local-aws.
"""
