"""A container of AWS's as host processes: a folder staged as its file system, in namespaces of its own.

container  the processes: private mounts, a host name, limits, stop and time-out
layers     the folder of installed packages that a container may write into
memory     what a container may use
warm_home  a home folder that is ready before the first container wants it
s3         folders and files from S3 and back
logs       the container's output, to CloudWatch Logs
errors     why a container's work ended badly
"""
