"""An AWS container as host processes: a folder staged as its file system, in namespaces of its own.

container  the processes: private mounts, host name, limits, stopping, timeouts
layers     the folder of installed packages that a container may write into
memory     how much memory a container uses
warm_home  a home folder that is ready before the first container needs it
s3         folders and files from S3 and to S3
output     what a container prints, in a file that does not grow for ever
logs       a container's output, sent to CloudWatch Logs
errors     why a container's work failed
"""
