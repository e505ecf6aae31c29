"""Fixtures of the tests here."""

from stack_projects import project_with, site, vault_flavor

__all__ = ["project_with", "site", "vault_flavor"]
