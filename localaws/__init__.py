"""AWS on a laptop: MiniStack plus a real local SageMaker, without an account and without Docker."""
