"""Where state is kept: SQLite, and the disk below it.

store        resources, their status and tags; a write that was acknowledged is there after kill -9
queue        what waits in a store until it is done
sqlite_file  how a SQLite file is opened
disk         a disk that is full
"""
