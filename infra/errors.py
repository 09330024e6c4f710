"""What a command says when it cannot go on."""


class CommandFailed(Exception):
    """Shown to the person at the terminal as it is, without a traceback; the command then exits with 1."""
