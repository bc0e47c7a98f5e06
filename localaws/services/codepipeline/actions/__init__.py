"""The implementation of actions, a module for each provider; `catalog` lists them all."""
