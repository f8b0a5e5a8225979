"""GET over HTTPS only, except from the loopback interface; redirects are held to the same rule. Transport by urllib3.

Retries are left to the caller, since each has to resume with `Range`, which urllib3's own cannot.
"""

import re
import ssl
from collections.abc import Mapping
from ipaddress import ip_address
from urllib.parse import urljoin, urlsplit
from urllib.request import getproxies, proxy_bypass

from urllib3 import BaseHTTPResponse, PoolManager, ProxyManager, Retry, Timeout
from urllib3.exceptions import HTTPError, InvalidHeader, SSLError

AGENT = "discovervoice"
MOST_REDIRECTS = 10


class AddressRejected(Exception):
    """The address, or one that it redirects to, must not be requested; the message gives the reason."""


class ConnectionBroken(Exception):
    """No connection, or one that closed before the end of the response; a retry may help."""


def get(url: str, headers: Mapping[str, str], timeout: float) -> BaseHTTPResponse:
    """The open response to a GET, of any status but a redirect. `timeout` in seconds, for each read.

    Raises AddressRejected, ConnectionBroken.
    """
    if urlsplit(url).scheme != "https" and not is_loopback(url):
        raise AddressRejected("is not an HTTPS address")
    pool = _pool(url)
    for _ in range(MOST_REDIRECTS):
        response = _request(pool, url, headers, timeout)
        location = response.get_redirect_location()
        if not location:
            return response
        response.drain_conn()
        target = urljoin(url, location)
        if not (urlsplit(target).scheme == "https" or (is_loopback(url) and is_loopback(target))):
            raise AddressRejected(f"leads to {target.partition('?')[0]}, which is not HTTPS")
        url = target
    raise AddressRejected(f"redirects more than {MOST_REDIRECTS} times")


def read_some(response: BaseHTTPResponse, limit: int) -> bytes:
    """The next bytes of the body, at most `limit`; none at its end. Raises ConnectionBroken."""
    try:
        return response.read1(limit, decode_content=False)
    except (OSError, HTTPError) as error:
        raise ConnectionBroken(f"the connection broke ({error})") from error


def is_loopback(url: str) -> bool:
    """Whether it is an HTTP address on the loopback interface."""
    parts = urlsplit(url)
    try:
        return parts.scheme == "http" and (
            parts.hostname == "localhost" or ip_address(parts.hostname or "").is_loopback
        )
    except ValueError:  # a host name
        return False


def content_range(value: str) -> tuple[int | None, int | None]:
    """The first byte and the total size of a Content-Range header (RFC 9110, 14.4); None for what it omits."""
    match = re.fullmatch(r"bytes (?:(\d+)-\d+|\*)/(\d+|\*)", value.strip())
    if not match:
        return None, None
    start, total = match.groups()
    return (int(start) if start else None), (int(total) if total != "*" else None)


def retry_after(value: str) -> float | None:
    """Seconds to wait according to a Retry-After header, a number or a date; None if it is absent or malformed."""
    try:
        return Retry(retry_after_max=2**31).parse_retry_after(value) if value.strip() else None
    except InvalidHeader:
        return None


def _pool(url: str) -> PoolManager:
    """A connection pool with the system's proxy settings; the loopback interface is never reached through a proxy."""
    host = urlsplit(url).hostname or ""
    proxy = getproxies().get("https")
    if proxy is None or is_loopback(url) or proxy_bypass(host):
        return PoolManager()
    return ProxyManager(proxy)


def _request(pool: PoolManager, url: str, headers: Mapping[str, str], timeout: float) -> BaseHTTPResponse:
    try:
        return pool.request(
            "GET",
            url,
            headers={"User-Agent": AGENT, "Accept-Encoding": "identity", **headers},
            timeout=Timeout(connect=timeout, read=timeout),
            redirect=False,
            retries=False,
            preload_content=False,
            decode_content=False,
            enforce_content_length=False,
        )
    except SSLError as error:
        if error.args and isinstance(reason := error.args[0], ssl.SSLCertVerificationError):
            raise AddressRejected(f"its certificate is not trusted ({reason.verify_message})") from error
        raise ConnectionBroken(f"no connection ({error})") from error
    except (OSError, HTTPError) as error:
        raise ConnectionBroken(f"no connection ({error})") from error
