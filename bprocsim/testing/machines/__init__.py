"""State machines to subclass: worlds in which all calls are made, and all goes wrong, in an order made up by chance."""
