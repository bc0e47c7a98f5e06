"""Programs of the framework images that run inside containers, by path: a folder of their own keeps imports clean."""
