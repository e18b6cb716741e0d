"""Model libraries, one a module; the only place that imports them."""
