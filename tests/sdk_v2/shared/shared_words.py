WORD = "from a dependency"
