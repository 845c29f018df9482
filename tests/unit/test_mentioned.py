"""What a document names is found in any daemon's words, so that nothing it uses is removed."""

from __future__ import annotations

import pytest

from conduit.prune import mentioned, named_in


@pytest.mark.parametrize(
    "text",
    [
        "10.0.0.5",
        "10.0.0.5:8080",
        "proxy_pass http://10.0.0.5:8080;",
        "proxy_pass http://10.0.0.5:8080/$conduit_rest$is_args$args;",
        "server 10.0.0.5:8080 weight=3 max_fails=0;",
        "http://10.0.0.5/",
    ],
)
def test_an_address_is_found(text: str) -> None:
    assert "10.0.0.5" in mentioned([text])


def test_an_address_of_version_6_and_a_path_are_found() -> None:
    named = mentioned(["proxy_pass http://[fd00::5]:80;", "ssl_certificate /etc/nginx/wiki.1f.pem;", "a path/b c"])
    assert {"fd00::5", "/etc/nginx/wiki.1f.pem", "a path/b c"} <= named


@pytest.mark.parametrize("text", ["proxy_pass http://10.0.0.55:8080;", "110.0.0.5:80", "server 10.0.0.5.example:80;"])
def test_another_address_is_not(text: str) -> None:
    assert "10.0.0.5" not in mentioned([text])


def test_only_the_facts_that_are_asked_for_are_told() -> None:
    texts = ["proxy_pass http://10.0.0.5:80;", "10.0.0.61", "deny 10.0.0.7;"]
    assert named_in(texts, ["10.0.0.5", "10.0.0.6", "10.0.0.8"]) == {"10.0.0.5"}
    assert named_in(texts, []) == set()
    assert named_in([], ["10.0.0.5"]) == set()
