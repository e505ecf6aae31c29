"""Core of Dovetail: components and their configs, errors, capabilities, discovery of flavors, hooks, stacks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dovetail_core._facade import lazy

if TYPE_CHECKING:
    from dovetail_core.capabilities import Capability as Capability
    from dovetail_core.capabilities import needs as needs
    from dovetail_core.capabilities import require as require
    from dovetail_core.clock import new_id as new_id
    from dovetail_core.clock import utcnow as utcnow
    from dovetail_core.component import Component as Component
    from dovetail_core.component import Reach as Reach
    from dovetail_core.component import Status as Status
    from dovetail_core.component_types import ComponentType as ComponentType
    from dovetail_core.config import ComponentConfig as ComponentConfig
    from dovetail_core.config import ProjectPath as ProjectPath
    from dovetail_core.config import closest as closest
    from dovetail_core.config import validated as validated
    from dovetail_core.config import validated_unresolved as validated_unresolved
    from dovetail_core.discovery import FlavorRow as FlavorRow
    from dovetail_core.discovery import Problem as Problem
    from dovetail_core.errors import AlreadyExists as AlreadyExists
    from dovetail_core.errors import AuthenticationFailed as AuthenticationFailed
    from dovetail_core.errors import BrokenFlavor as BrokenFlavor
    from dovetail_core.errors import BrokenType as BrokenType
    from dovetail_core.errors import Cancelled as Cancelled
    from dovetail_core.errors import ConfigError as ConfigError
    from dovetail_core.errors import Conflict as Conflict
    from dovetail_core.errors import DovetailError as DovetailError
    from dovetail_core.errors import IntegrityError as IntegrityError
    from dovetail_core.errors import InvalidArgument as InvalidArgument
    from dovetail_core.errors import NotFound as NotFound
    from dovetail_core.errors import NotReady as NotReady
    from dovetail_core.errors import PermissionDenied as PermissionDenied
    from dovetail_core.errors import RateLimited as RateLimited
    from dovetail_core.errors import Timeout as Timeout
    from dovetail_core.errors import Unavailable as Unavailable
    from dovetail_core.errors import Unsupported as Unsupported
    from dovetail_core.events import Failure as Failure
    from dovetail_core.events import RunEvent as RunEvent
    from dovetail_core.events import StepEvent as StepEvent
    from dovetail_core.flavors import FlavorCatalog as FlavorCatalog
    from dovetail_core.hooks import Hooks as Hooks
    from dovetail_core.hooks import installed_hooks as installed_hooks
    from dovetail_core.hookspecs import hookimpl as hookimpl
    from dovetail_core.jobs import RetryPolicy as RetryPolicy
    from dovetail_core.jobs import StepJob as StepJob
    from dovetail_core.masking import MASK as MASK
    from dovetail_core.masking import has_secrets as has_secrets
    from dovetail_core.masking import mask as mask
    from dovetail_core.masking import remember_secret as remember_secret
    from dovetail_core.resources import Resources as Resources
    from dovetail_core.retry import retrying as retrying
    from dovetail_core.secrets import Resolver as Resolver
    from dovetail_core.secrets import references as references
    from dovetail_core.secrets import resolve as resolve
    from dovetail_core.stack import ComponentSpec as ComponentSpec
    from dovetail_core.stack import Finding as Finding
    from dovetail_core.stack import StackInvalid as StackInvalid
    from dovetail_core.stack import StackSpec as StackSpec
    from dovetail_core.stack import ensure_valid as ensure_valid
    from dovetail_core.stack import validate_stack as validate_stack
    from dovetail_core.stack_instance import Stack as Stack

__all__ = [
    "AlreadyExists",
    "AuthenticationFailed",
    "BrokenFlavor",
    "BrokenType",
    "Cancelled",
    "Capability",
    "Component",
    "ComponentConfig",
    "ComponentSpec",
    "ComponentType",
    "ConfigError",
    "Conflict",
    "DovetailError",
    "Failure",
    "Finding",
    "FlavorCatalog",
    "FlavorRow",
    "Hooks",
    "IntegrityError",
    "InvalidArgument",
    "MASK",
    "NotFound",
    "NotReady",
    "PermissionDenied",
    "Problem",
    "ProjectPath",
    "RateLimited",
    "Reach",
    "Resolver",
    "Resources",
    "RetryPolicy",
    "RunEvent",
    "Stack",
    "StackInvalid",
    "StackSpec",
    "Status",
    "StepEvent",
    "StepJob",
    "Timeout",
    "Unavailable",
    "Unsupported",
    "closest",
    "ensure_valid",
    "has_secrets",
    "hookimpl",
    "installed_hooks",
    "mask",
    "needs",
    "new_id",
    "references",
    "remember_secret",
    "require",
    "resolve",
    "retrying",
    "utcnow",
    "validate_stack",
    "validated",
    "validated_unresolved",
]

_EXPORTS = {
    "AlreadyExists": "errors",
    "AuthenticationFailed": "errors",
    "BrokenFlavor": "errors",
    "BrokenType": "errors",
    "Cancelled": "errors",
    "Capability": "capabilities",
    "Component": "component",
    "ComponentConfig": "config",
    "ComponentSpec": "stack",
    "ComponentType": "component_types",
    "ConfigError": "errors",
    "Conflict": "errors",
    "DovetailError": "errors",
    "Failure": "events",
    "Finding": "stack",
    "FlavorCatalog": "flavors",
    "FlavorRow": "discovery",
    "Hooks": "hooks",
    "IntegrityError": "errors",
    "InvalidArgument": "errors",
    "MASK": "masking",
    "NotFound": "errors",
    "NotReady": "errors",
    "PermissionDenied": "errors",
    "Problem": "discovery",
    "ProjectPath": "config",
    "RateLimited": "errors",
    "Reach": "component",
    "Resolver": "secrets",
    "Resources": "resources",
    "RetryPolicy": "jobs",
    "RunEvent": "events",
    "Stack": "stack_instance",
    "StackInvalid": "stack",
    "StackSpec": "stack",
    "Status": "component",
    "StepEvent": "events",
    "StepJob": "jobs",
    "Timeout": "errors",
    "Unavailable": "errors",
    "Unsupported": "errors",
    "closest": "config",
    "ensure_valid": "stack",
    "has_secrets": "masking",
    "hookimpl": "hookspecs",
    "installed_hooks": "hooks",
    "mask": "masking",
    "needs": "capabilities",
    "new_id": "clock",
    "references": "secrets",
    "remember_secret": "masking",
    "require": "capabilities",
    "resolve": "secrets",
    "retrying": "retry",
    "utcnow": "clock",
    "validate_stack": "stack",
    "validated": "config",
    "validated_unresolved": "config",
}
if not TYPE_CHECKING:  # a checker is to find the names above, and no others
    __getattr__, __dir__ = lazy(__name__, _EXPORTS)
