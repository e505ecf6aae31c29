"""The rules that are asked of every flavor of every type."""

from dovetail_conformance.crosscutting.contract import CrossCutting

__all__ = ["CrossCutting"]
