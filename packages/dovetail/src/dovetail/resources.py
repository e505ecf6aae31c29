"""What a step may ask for."""

from dovetail_core import Resources, RetryPolicy

__all__ = ["Resources", "RetryPolicy"]
