"""CodeCommit: bare git repositories in the state folder, behind CodeCommit's API and git's own HTTP protocol.

`git` runs the git program; `repositories` keeps what git does not know (description, tags, which references have been
announced); `commits` and `content` are the API over git's plumbing; `http` hands what `git clone` and `git push` say to
``git http-backend``. Whatever changes a reference ends in `Repositories.announce`, which compares the references with
those that it told EventBridge of last: so no push is forgotten, even when the server dies in the middle of one.
"""
