"""MiniStack's state on disk: a row for each resource, of which a save writes those that have changed.

hooks, hooks_state  the hooks into MiniStack: what is to be saved, and what it finds when it starts
entries             a service's state as entries, and back
state_file          the SQLite file
snapshot            when it is saved, and who waits for it
"""
