"""Encrypted associations by certificate files."""

from __future__ import annotations

import socket
import ssl

from ...errors import SettingsError


def server_security(certificate: str, key: str, authority: str) -> ssl.SSLContext | None:
    """The context of a listening side; None without a certificate.

    Args:
        certificate: PEM files of this node.
        key: likewise.
        authority: PEM file; callers then need a certificate that it signed.

    Raises:
        SettingsError: a file is missing or no PEM, or one was given without the other.
    """
    if not certificate:
        if key or authority:
            raise SettingsError("TLS needs --tls-certificate and --tls-key.")
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    _load(context, certificate, key, authority)
    if authority:
        context.verify_mode = ssl.CERT_REQUIRED
    return context


class LateHandshake:
    """A context whose handshakes wait for the thread of their connection.

    Where connections are accepted, one that stays silent would keep all others waiting.

    Args:
        context: of the listening side.
        seconds: that a peer may be silent.
    """

    def __init__(self, context: ssl.SSLContext, seconds: float) -> None:
        self._context, self._seconds = context, seconds

    def wrap_socket(self, connection: socket.socket, server_side: bool = True) -> ssl.SSLSocket:
        """As of an SSLContext."""
        connection.settimeout(self._seconds)
        return self._context.wrap_socket(connection, server_side=server_side, do_handshake_on_connect=False)


def client_security(certificate: str, key: str, authority: str) -> ssl.SSLContext | None:
    """The context of a calling side; None without a certificate.

    The archive's certificate has to be signed by ``authority`` (by the system's authorities without one) and to
    name the host that is called.
    """
    if not certificate:
        return None
    context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    _load(context, certificate, key, authority)
    return context


def _load(context, certificate, key, authority):
    try:
        context.load_cert_chain(certificate, key or None)
        if authority:
            context.load_verify_locations(authority)
    except (OSError, ssl.SSLError) as error:
        raise SettingsError(f"The certificate files for TLS cannot be used ({error.strerror or error}).") from error
