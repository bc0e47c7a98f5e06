"""The processes of local AWS: how they are started, watched, restarted and stopped.

lifecycle    what ``local-aws start``, ``stop``, ``status`` and ``reset`` do
supervisor   the process above the servers, which starts again what dies
servers      which servers there are, and how each is started
restart      how often, and after which pause, a server is started again
process, lock, record, health    one process; who holds a state folder; what runs in it; whether a server answers
state_dir    the folder that keeps everything
environment  the variables that point programs at local AWS
"""
