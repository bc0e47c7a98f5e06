import os

# As in the `serve` program of SageMaker's scikit_bring_your_own example: sync workers on a Unix socket.
bind = "unix:gunicorn.sock"
workers = int(os.environ["WORKERS"])
worker_class = "sync"
timeout = 60
# The workers' heartbeat files in memory, as gunicorn's FAQ advises.
worker_tmp_dir = "/dev/shm"
# Its file would be in the home folder.
control_socket_disable = True
