"""Answers to listings are read as the SDK reads them."""

from __future__ import annotations

from typing import Any

import pytest

from dovetail_artifact_store_s3 import _listing_answers
from dovetail_artifact_store_s3.testing import S3Harness
from dovetail_artifact_store_s3.testing.server import sdk_client

HEAD = "<?xml version='1.0'?><ListBucketResult xmlns='http://s3.amazonaws.com/doc/2006-03-01/'><Name>b</Name>"
TAIL = "<IsTruncated>false</IsTruncated></ListBucketResult>"
ENTRY = (
    "<Contents><Key>a&amp;b</Key><LastModified>2026-01-02T03:04:05.000Z</LastModified><ETag>&quot;e&quot;</ETag>"
    "<ChecksumAlgorithm>CRC64NVME</ChecksumAlgorithm><Size>7</Size><StorageClass>STANDARD</StorageClass></Contents>"
)
ODD = ("a b", "é", "a&b", "a<b>", 'a"b', "a'b", "a+b", "a%2Fb", "a%b", "日本", "x" * 200, "d/e/f")


def read(text: str) -> tuple[dict[str, Any], bytes]:
    """Return what is taken out of an answer, and what is left for the SDK."""
    response, found = {"status_code": 200, "body": text.encode()}, {}
    _listing_answers._read(response, found)
    return found, response["body"]


@pytest.mark.parametrize("settings", [{}, {"EncodingType": "url"}, {"Delimiter": "/"}, {"MaxKeys": 3}])
def test_the_answer_is_that_of_the_sdk(harness: S3Harness, settings: dict[str, Any]) -> None:
    with harness.make() as store:
        raw = harness.raw(store)
        for key in ODD:
            raw.put(key, key.encode())
        plain, ours = (sdk_client("s3", harness.server.url, harness.server.keys) for _ in range(2))
        _listing_answers.install(ours)
        where = {"Bucket": harness.server.bucket, "Prefix": f"{store.config.prefix}/", **settings}
        expected, found = plain.list_objects_v2(**where), ours.list_objects_v2(**where)
    for entry in expected["Contents"]:
        entry.pop("StorageClass", None), entry.pop("ChecksumAlgorithm", None), entry.pop("ChecksumType", None)
    for answer in (expected, found):
        answer.pop("ResponseMetadata"), answer.pop("NextContinuationToken", None)
    assert found == expected


@pytest.mark.parametrize("between", ["", "\n  "])
def test_entries_are_taken_out_and_the_rest_is_left(between: str) -> None:
    found, rest = read(HEAD + between + between.join([ENTRY] * 3) + TAIL)
    assert [(entry["Key"], entry["Size"], entry["ETag"]) for entry in found["Contents"]] == [("a&b", 7, '"e"')] * 3
    assert rest.decode().split() == (HEAD + between + TAIL).split()


@pytest.mark.parametrize(
    "text",
    [
        HEAD + TAIL,
        HEAD + ENTRY.replace("<Size>", "<Owner><ID>o</ID></Owner><Size>") + TAIL,
        HEAD + ENTRY + "<Other>x</Other>" + ENTRY + TAIL,
        HEAD + ENTRY + ENTRY.replace("<Size>7</Size>", "") + TAIL,
        HEAD + ENTRY + ENTRY[:80],
        "<Error><Code>InternalError</Code></Error>",
    ],
    ids=["no entries", "an element within another", "something between", "an entry without a size", "cut short", "an error"],
)
def test_what_is_written_otherwise_is_left_to_the_sdk(text: str) -> None:
    assert read(text) == ({}, text.encode())
