"""SageMaker's training contract for images of our own: the program `train`, beside the `serve` of serving/."""
