"""Endpoints as the tests of hosting make them."""

from tests.localaws.sagemaker.hosting.conftest import endpoints

__all__ = ["endpoints"]
