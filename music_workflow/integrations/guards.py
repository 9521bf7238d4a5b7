"""Where a request may go: checked for every hop, at the moment of connecting.

A name is resolved once, every address it has is checked, and the connection is made to a checked address, so
that a second answer of the name server cannot lead elsewhere. Used by every adapter that opens a connection
to a host that a row named; it fetches nothing itself.
"""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from music_workflow.core.links import host_allowed
from music_workflow.errors import BadLink, Unavailable

_OPERATION = "check address"
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True)
class Route:
    """How to reach a URL: the addresses to connect to, and the path to ask for there."""

    scheme: str
    host: str
    """The name for the TLS handshake."""
    port: int
    addresses: tuple[str, ...]
    path_prefix: str = ""
    """What goes before the request's own path; empty without a gateway."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """The rules, and nothing else; picklable."""

    allowed_hosts: tuple[str, ...] = ()
    allow_private: bool = False
    gateway: str | None = None
    """See `LibrarySettings.service_base`."""

    def check_url(self, url: str) -> SplitResult:
        """Check what the text of one hop's URL tells.

        Raises:
            BadLink: Wrong scheme, credentials in it, no host, or a host that is not permitted.
        """
        try:
            parts = urlsplit(url)
            _ = parts.port
        except ValueError as error:
            raise _refused("The link leads to a malformed address.") from error
        if parts.scheme not in {"http", "https"}:
            raise _refused(
                f"The link leads to a {parts.scheme or 'relative'} address; only http and https are followed."
            )
        if parts.username is not None or parts.password is not None:
            raise _refused("The link leads to an address with credentials in it.")
        if not parts.hostname:
            raise _refused("The link leads to an address without a host.")
        if not host_allowed(parts.hostname, self.allowed_hosts):
            raise _refused(f"{parts.hostname} is not on the list of permitted hosts.")
        return parts

    def route(self, url: str) -> Route:
        """Find the checked addresses for one hop.

        Raises:
            BadLink: The URL or one of its addresses is not permitted.
            Unavailable: The name cannot be resolved.
        """
        parts = self.check_url(url)
        host = parts.hostname or ""
        if self.gateway is not None and not is_local_or_number(host):
            gate = urlsplit(self.gateway)
            gate_host = gate.hostname or ""
            port = gate.port or _default_port(gate.scheme)
            prefix = f"{gate.path.rstrip('/')}/{parts.netloc}"
            return Route(gate.scheme, gate_host, port, _resolve(gate_host, port), prefix)
        port = parts.port or _default_port(parts.scheme)
        return Route(parts.scheme, host, port, self.addresses(host, port))

    def addresses(self, host: str, port: int) -> tuple[str, ...]:
        """Resolve `host` and check every address it has.

        Raises:
            BadLink: An address is not on the public net: private, loopback, link-local, multicast, ….
            Unavailable: The name cannot be resolved.
        """
        found = _resolve(host, port)
        if not self.allow_private:
            for address in found:
                if not is_public(address):
                    where = host if host == address else f"{host} leads to {address}, which"
                    raise _refused(f"{where} is not on the public network.")
        return found


def is_public(address: str) -> bool:
    """Say whether an IP address is one of the public network, looking through IPv4-in-IPv6 forms."""
    ip: Address = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = _embedded_v4(ip)
        if inner is not None:
            return is_public(str(inner))
    return ip.is_global and not ip.is_multicast and not ip.is_reserved and not ip.is_unspecified


def is_local_or_number(host: str) -> bool:
    """Say whether a host is localhost or written as an address, in any spelling the resolver takes as one."""
    if host == "localhost" or host.endswith(".localhost") or ":" in host:
        return True
    try:
        socket.inet_aton(host)  # takes the decimal, octal, hexadecimal and shortened spellings too
    except OSError:
        return False
    return True


def _embedded_v4(ip: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    if ip.ipv4_mapped is not None:
        return ip.ipv4_mapped
    if ip.sixtofour is not None:
        return ip.sixtofour
    if ip.teredo is not None:
        return ip.teredo[1]
    low = int(ip) & 0xFFFFFFFF
    if ip in _NAT64 or (int(ip) >> 32 == 0 and low > 1):  # NAT64, and the obsolete IPv4-compatible ::a.b.c.d
        return ipaddress.IPv4Address(low)
    return None


def _resolve(host: str, port: int) -> tuple[str, ...]:
    try:
        answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Unavailable(
            f"The name {host} cannot be resolved.", service=host, operation="resolve name"
        ) from error
    return tuple(dict.fromkeys(str(answer[4][0]) for answer in answers))


def _default_port(scheme: str) -> int:
    return 443 if scheme == "https" else 80


def _refused(message: str) -> BadLink:
    return BadLink(message, service="link", operation=_OPERATION)
