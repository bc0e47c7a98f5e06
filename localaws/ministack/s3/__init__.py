"""Amazon S3: the events of its objects."""
