"""The harness of the flavor, for the conformance suite, and the servers that it can start."""

from dovetail_artifact_store_s3.testing.harness import S3Harness
from dovetail_artifact_store_s3.testing.moto import MotoServer
from dovetail_artifact_store_s3.testing.radosgw import RadosGateway
from dovetail_artifact_store_s3.testing.server import Keys, Server

__all__ = ["Keys", "MotoServer", "RadosGateway", "S3Harness", "Server"]
