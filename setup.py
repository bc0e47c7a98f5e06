"""Kept for tools that look for a setup.py; everything is declared in setup.cfg."""

from setuptools import setup

setup()
