"""Processing, training and batch transform jobs.

operations  Create and Stop of each type
runner      the life of a job, the same for all types
processing, training, transform   what differs between them
inputs, sync, archive   data: from S3, to S3 while the job runs, model.tar.gz
instances, instance_types   the hosts of a job, and the resources of their types
images, script, model_server   what runs: the interpreter of an image, a script, a model server
spot        managed spot training: interruptions and checkpoints
"""
