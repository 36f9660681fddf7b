"""stack: starts Strongroom's daemons and the real servers around them for tests, all on loopback in private directories.

Standard library only. Everything is stopped by process id. A component that can't be had raises Missing with the reason."""


class Missing(Exception):
    """A real component is not there; the text says which and why."""
