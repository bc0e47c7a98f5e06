"""ModelDeploy: moves an approved model to staging, then to production.

Empty so far: a model is built, registered and approved by `pipelines`; templates and functions that deploy it are next.
"""
