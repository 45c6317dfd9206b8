"""How fast kadanoff is, how much memory it takes, and compared with what: `make bench`."""
