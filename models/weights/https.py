"""Ask a server for a file: HTTPS only, except on the machine itself, and no redirect leaves that."""

import http.client
import re
import ssl
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from typing import IO
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, OpenerDirector, ProxyHandler, Request, build_opener

AGENT = "discovervoice"


class Forbidden(Exception):
    """The address, or one that it leads to, is not to be asked; the message says why."""


class Broken(Exception):
    """No connection, or one that ended before the answer did."""


class _Redirects(HTTPRedirectHandler):
    """Follows a redirect to HTTPS, or from the machine itself to itself."""

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: http.client.HTTPMessage, newurl: str
    ) -> Request | None:
        """The request that follows. Raises Forbidden."""
        if not (urlsplit(newurl).scheme == "https" or (is_loopback(req.full_url) and is_loopback(newurl))):
            raise Forbidden(f"leads to {newurl.partition('?')[0]}, which is not HTTPS")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def ask(url: str, headers: Mapping[str, str], timeout: float) -> http.client.HTTPResponse:
    """The open answer to a GET. Raises Forbidden, Broken, and HTTPError for a status of 400 or more."""
    local = is_loopback(url)
    if urlsplit(url).scheme != "https" and not local:
        raise Forbidden("is not an HTTPS address")
    request = Request(url, headers={"User-Agent": AGENT, "Accept-Encoding": "identity", **headers})
    try:
        answer: http.client.HTTPResponse = _opener(local).open(request, timeout=timeout)
    except HTTPError:
        raise
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", error)
        if isinstance(reason, ssl.SSLCertVerificationError):
            raise Forbidden(f"its certificate is not trusted ({reason.verify_message})") from error
        raise Broken(f"no connection ({reason})") from error
    return answer


def some(answer: http.client.HTTPResponse, most: int) -> bytes:
    """The next bytes of the body, at most `most`; none at its end. Raises Broken."""
    try:
        return answer.read1(most)
    except (OSError, http.client.HTTPException) as error:
        raise Broken(f"the connection broke ({error})") from error


def is_loopback(url: str) -> bool:
    """Whether the address is on the machine itself, by HTTP."""
    parts = urlsplit(url)
    try:
        return parts.scheme == "http" and (
            parts.hostname == "localhost" or ip_address(parts.hostname or "").is_loopback
        )
    except ValueError:  # a name
        return False


def content_range(value: str) -> tuple[int | None, int | None]:
    """The first byte and the bytes in all that a Content-Range header tells; None for what it does not."""
    found = re.fullmatch(r"bytes (?:(\d+)-\d+|\*)/(\d+|\*)", value.strip())
    if not found:
        return None, None
    start, total = found.groups()
    return (int(start) if start else None), (int(total) if total != "*" else None)


def retry_after(value: str) -> float | None:
    """Seconds to wait by a Retry-After header, a number or a date; None if there is none."""
    if value.strip().isdigit():
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())


def _opener(local: bool) -> OpenerDirector:
    """What follows redirects; the machine itself is never asked through a proxy."""
    return build_opener(_Redirects, ProxyHandler({} if local else None))
