"""Processing, training and batch transform jobs.

operations  Create, Stop of each type
runner      the life of a job, the same for all types
processing, training, transform   what differs between them
inputs, sync, archive   data: from S3, back to S3 while the job runs, model.tar.gz
instances, instance_types   the hosts of a job, and what their types have
images, script, model_server   what runs: the interpreter of an image, a script, a model server
spot        managed spot training: interruptions and checkpoints
"""
