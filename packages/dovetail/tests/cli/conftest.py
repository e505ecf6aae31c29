"""Fixtures of the tests here."""

from stack_projects import dovetail, project_with, site, vault_flavor

__all__ = ["dovetail", "project_with", "site", "vault_flavor"]
