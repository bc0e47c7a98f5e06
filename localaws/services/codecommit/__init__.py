"""CodeCommit: bare git repositories in the state folder, behind CodeCommit's API and git's own HTTP protocol.

`git` runs the git program; `repositories` keeps what git does not store (description, tags, which references have been
announced); `commits` and `content` are the API over git's plumbing; `http` passes the requests of `git clone` and
`git push` to ``git http-backend``. Every change of a reference ends in `Repositories.announce`, which compares the
references with those last sent to EventBridge: no push is lost, even if the server dies in the middle of one.
"""
