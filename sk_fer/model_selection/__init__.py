"""What to know before scores are compared: copies of images within and across splits."""

from sk_fer.model_selection._duplicates import find_duplicates

__all__ = ["find_duplicates"]
