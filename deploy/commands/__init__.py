"""The commands of `deploy-model`: each a function of the project and its options that returns an exit status."""
