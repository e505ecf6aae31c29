"""The component types, in the order in which the documentation names them."""

from __future__ import annotations

COMPONENT_PAGES = {
    "orchestrator": "orchestrators",
    "artifact_store": "artifact-stores",
    "metadata_store": "metadata-stores",
    "container_registry": "container-registries",
    "secrets_manager": "secrets-managers",
    "step_operator": "step-operators",
    "model_deployer": "model-deployers",
    "feature_store": "feature-stores",
    "experiment_tracker": "experiment-trackers",
    "alerter": "alerters",
}
"""Type -> name of its page below `components/`. A type that is not installed has none yet."""
