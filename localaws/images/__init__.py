"""AWS's container images as Python environments of this host: their versions, their toolkit, their server.

An image of AWS is, for a job, an interpreter, the packages that are installed for it, and the programs `train` and
`serve`. AWS publishes all of it but the finished image: the requirements in its container repositories, the toolkits on
PyPI. So the environment can be made here without Docker, and what the image lacks fails here, too.

definition   an image: its name, its Python, where its requirements are, which URIs mean it
catalog      the images that can be installed
interpreter  the Python that an environment is made with: the image's own, or the nearest
environment  an installed image: what is where, and what is in it
install      makes one, beside what is there, and puts it in place in one step
uv           the installer, as a child process

requirements/  what AWS pins, and what that needs
containers/    what AWS's images add to the toolkits and PyPI does not have: copied into an environment
"""
