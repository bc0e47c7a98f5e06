"""Where state is kept: in SQLite, on the disk below it.

store        resources, their status and tags; an acknowledged write survives kill -9
queue        entries that wait in a store until they are processed
sqlite_file  how a SQLite file is opened
disk         detecting a full disk
"""
