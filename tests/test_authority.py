"""Which Host headers and Origins belong to binds and public URLs."""

import pytest

from aggregator.errors import ConfigError
from web.authority import Authority


def test_names_of_binds_and_public_urls():
    authority = Authority.of(
        ["127.0.0.1:80", "[fd00::1]:8080", "unix:/run/x.sock"], ["https://Logs.Example.org:8443/a/"]
    )
    assert authority.hosts == {
        "127.0.0.1", "127.0.0.1:80", "localhost", "localhost:80", "[::1]", "[::1]:80",
        "[fd00::1]:8080", "logs.example.org:8443",
    }  # fmt: skip
    assert "https://logs.example.org:8443" in authority.origins
    assert "http://localhost" in authority.origins


def test_tls_binds_have_https_origins():
    authority = Authority.of(["10.0.0.1:443"], tls=True)
    assert authority.origins == {"https://10.0.0.1", "https://10.0.0.1:443"}
    assert authority.allows_host("10.0.0.1")
    assert not authority.allows_host("localhost")


def test_own_address_counts_only_on_the_port_of_a_bind_to_all():
    authority = Authority.of(["0.0.0.0:8080", "10.0.0.1:9090"])
    assert authority.allows_host("10.0.0.1:8080", ("10.0.0.1", 8080))
    assert not authority.allows_host("10.0.0.1:8080", ("10.0.0.2", 8080))
    assert not authority.allows_host("10.0.0.2:9090", ("10.0.0.2", 9090))
    assert not authority.allows_host("evil.example:8080", ("10.0.0.1", 8080))
    assert not authority.allows_host("", ("/run/x.sock", None))


@pytest.mark.parametrize("bind", ["8080", ":8080", "localhost", "127.0.0.1:http"])
def test_bind_that_is_none_is_named(bind):
    with pytest.raises(ConfigError, match=bind):
        Authority.of([bind])


@pytest.mark.parametrize(
    "url", ["logs.example.org", "ftp://x", "https://", "https://u:p@x", "https://x:99999", "https://[x"]
)
def test_public_url_that_is_none_is_named(url):
    with pytest.raises(ConfigError, match=r"public URL .*https://logs\.example\.org"):
        Authority.of([], [url])
