"""The error for a folder with the unfinished results of another run."""


class OtherRunError(ValueError):
    """Error for a training or search that would continue another one."""
