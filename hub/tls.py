"""The hub's certificate, and what it asks of the certificates of others.

A context is never changed: when the files are read again new ones are made, and whoever shakes hands from
then on gets those. Connections that are open go on with theirs.
"""

import asyncio
import ssl
from pathlib import Path
from typing import Any, NamedTuple

from hub.config import ClientCertificates, Config
from hub.errors import HubError, Unreadable
from hub.logs import Logger
from hub.model import certificate
from hub.model.certificate import PeerCertificate

LEAST_VERSION = ssl.TLSVersion.TLSv1_2

_log = Logger("tls")


class _Read(NamedTuple):
    """What the files hold."""

    http: ssl.SSLContext
    mqtt: ssl.SSLContext
    ends_at: int


class Certificates:
    """The hub's certificate, read from the files that the configuration names. Raises HubError when it is
    made and they are not as they should be.
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        self._now = _read(config)
        self.refusal: str | None = None  # why what the files held the last time was not taken

    @classmethod
    def of(cls, config: Config) -> "Certificates | None":
        """None where the hub has no certificate. Raises HubError."""
        return cls(config) if config.http.tls_cert else None

    def http(self) -> ssl.SSLContext:
        """For the next handshake of HTTP."""
        return self._now.http

    def mqtt(self) -> ssl.SSLContext:
        """For the next handshake of MQTT."""
        return self._now.mqtt

    @property
    def ends_at(self) -> int:
        """When the certificate in use ends; µs, UTC."""
        return self._now.ends_at

    def reload(self) -> None:
        """Read the files again. Where they are not as they should be all stays as it is, and the log says so.

        Certificate and key may be written one after the other: between the two they are no pair, are refused,
        and the next reload takes them.
        """
        try:
            self._now = _read(self._config)
        except HubError as error:
            self.refusal = str(error)
            _log.error(
                "the new certificate is refused, the one before stays", why=str(error), ends=self._ends()
            )
        else:
            self.refusal = None
            _log.info("the certificate was read again", ends=self._ends())

    def _ends(self) -> str:
        return certificate.day(self.ends_at)


def _read(config: Config) -> _Read:
    cert, key = config.http.tls_cert, config.http.tls_key
    try:
        ends_at = certificate.read_pem(Path(cert).read_text(encoding="latin-1")).ends_at
        Path(key).open("rb").close()  # OpenSSL does not say which of the two it could not open
        http, mqtt = _context(cert, key), _context(cert, key)
    except Unreadable as error:
        raise HubError(f"http.tls_cert: {cert}: {error}") from error
    except ssl.SSLError as error:
        is_other = error.reason == "KEY_VALUES_MISMATCH"
        why = "not the key of the certificate" if is_other else "not a key in PEM form"
        raise HubError(f"http.tls_key: {key}: {why}") from error
    except OSError as error:
        raise HubError(f"http.tls_cert, http.tls_key: {error.filename}: {error.strerror}") from error
    # The page is for people, who have none: of HTTP only the devices' routes ask for it.
    _ask(http, config.http.client_ca, config.http.client_certs, ssl.CERT_OPTIONAL, "http.client_ca")
    _ask(mqtt, config.mqtt.client_ca, config.mqtt.client_certs, ssl.CERT_REQUIRED, "mqtt.client_ca")
    return _Read(http, mqtt, ends_at)


def _context(cert: str, key: str) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = LEAST_VERSION
    context.load_cert_chain(cert, key, password="")  # so that OpenSSL asks no terminal for one
    return context


def _ask(
    context: ssl.SSLContext, file: str, wanted: ClientCertificates, required: ssl.VerifyMode, name: str
) -> None:
    """Ask clients for a certificate that was signed by an authority in the file. Raises HubError."""
    if wanted is ClientCertificates.OFF:
        return
    try:
        context.load_verify_locations(file)
    except ssl.SSLError as error:
        raise HubError(f"{name}: {file}: not a certificate in PEM form") from error
    except OSError as error:
        raise HubError(f"{name}: {file}: {error.strerror}") from error
    context.verify_mode = required if wanted is ClientCertificates.REQUIRED else ssl.CERT_OPTIONAL
    # A session that is resumed by a ticket is let in without its certificate being checked again.
    context.options |= ssl.OP_NO_TICKET
    context.num_tickets = 0


def peer_certificate(transport: asyncio.BaseTransport | None) -> PeerCertificate | None:
    """What the client has shown, and the handshake has checked; None without TLS or without a certificate."""
    tls: ssl.SSLObject | None = None if transport is None else transport.get_extra_info("ssl_object")
    der = None if tls is None else tls.getpeercert(binary_form=True)
    if tls is None or der is None:
        return None
    said: dict[str, Any] = tls.getpeercert() or {}
    names = [value for part in said.get("subject", ()) for kind, value in part if kind == "commonName"]
    uris = tuple(value for kind, value in said.get("subjectAltName", ()) if kind == "URI")
    ends_at = round(ssl.cert_time_to_seconds(said["notAfter"]) * 1e6)
    name = names[0] if len(names) == 1 else None
    return PeerCertificate(certificate.fingerprint(der), ends_at, name, uris)
