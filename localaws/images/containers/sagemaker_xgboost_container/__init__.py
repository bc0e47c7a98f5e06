"""What AWS's XGBoost images add to their toolkit, which is on PyPI, for jobs and models with a script of their own.

AWS's package of this name is not on PyPI. This one has its contract for scripts on the public interface of the toolkit
(`sagemaker_containers.beta.framework`), and is copied into an image's environment. The algorithm mode, which trains and
serves without a script, is in AWS's package only; it is refused.
"""
