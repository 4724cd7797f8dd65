"""Configuration: read once from config.toml and HUB__SECTION__KEY, checked, frozen, handed out by section.

Every key, its default and its meaning stand in `config.toml` at the root of the project;
a test holds that file and these classes together.
"""

import os
import re
import tomllib
from collections.abc import Mapping
from enum import StrEnum
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from hub.config_faults import environment, faults
from hub.config_oidc import LOOPBACK, PROVIDERS_MAX, OidcProvider
from hub.errors import Invalid

Port = Annotated[int, Field(ge=0, le=65535)]
Positive = Annotated[int, Field(gt=0)]
Seconds = Annotated[float, Field(gt=0)]
# A name, all names below one, or all.
Host = Annotated[str, Field(pattern=r"^(\*\.)?[\w-]+(\.[\w-]+)*$|^\*$", max_length=253)]
Keep = Annotated[float, Field(ge=0, allow_inf_nan=False)]  # seconds; 0 is for ever


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ProxyHeaders(StrEnum):
    """Which headers the proxies write."""

    X_FORWARDED = "x-forwarded"  # X-Forwarded-For and X-Forwarded-Proto
    FORWARDED = "forwarded"  # RFC 7239


class CheckedHosts(StrEnum):
    """Whose Host header has to name the hub."""

    PEOPLE = "people"  # browsers'
    ALL = "all"  # devices' and programs' too


class ClientCertificates(StrEnum):
    """Whether devices show a certificate of their own."""

    OFF = "off"  # they are not asked
    OPTIONAL = "optional"  # a certificate or a key
    REQUIRED = "required"


class CertificateNames(StrEnum):
    """Which name in a certificate that was never added is its device's id."""

    OFF = "off"  # none
    CN = "cn"  # the subject's common name
    URI = "uri"  # what stands behind the last / or : of the URI among its alternative names


class HttpConfig(_Section):
    """Where the page, REST and the WebSockets are served."""

    host: str = "127.0.0.1"
    port: Port = 8080
    socket_path: str = ""  # "" means <store.path>/hub.sock
    tls_cert: str = ""
    tls_key: str = ""
    client_ca: str = ""
    client_certs: ClientCertificates = ClientCertificates.OFF
    public_url: str = ""  # "" means the address it listens on
    allowed_origins: tuple[str, ...] = ()
    allowed_hosts: tuple[Host, ...] = ()
    check_host: CheckedHosts = CheckedHosts.PEOPLE
    trusted_proxies: tuple[str, ...] = ()
    proxy_headers: ProxyHeaders = ProxyHeaders.X_FORWARDED
    max_body_bytes: Positive = 1_048_576
    connections_max: Positive = 5_000
    connections_per_address_max: Positive = 500

    @model_validator(mode="after")
    def _both_or_none(self) -> Self:
        if bool(self.tls_cert) != bool(self.tls_key):
            raise ValueError("tls_cert and tls_key go together: set both, or neither")
        if self.client_certs is not ClientCertificates.OFF and not (self.client_ca and self.tls_cert):
            raise ValueError("client_certs: set tls_cert, and client_ca, the authority of the devices")
        return self

    @field_validator("public_url")
    @classmethod
    def _is_where_people_open_it(cls, url: str) -> str:
        parts = urlsplit(url)
        is_plain = re.fullmatch(r"[\w.~/-]*", parts.path, re.ASCII) and not parts.query and not parts.fragment
        if url and not (parts.scheme in ("http", "https") and parts.hostname and is_plain):
            raise ValueError('the whole address is wanted, such as "https://ops.example.org/hub/"')
        return url.rstrip("/")

    @property
    def base_path(self) -> str:
        """The path below which people open the hub: "/hub", or "" where that is the root."""
        return urlsplit(self.public_url).path


class MqttConfig(_Section):
    """The hub's own MQTT server."""

    enabled: bool = True
    host: str = "127.0.0.1"
    port: Port = 1883
    tls_port: Port = 0  # 0 means no TLS listener; it takes the certificate of [http]
    client_ca: str = ""
    client_certs: ClientCertificates = ClientCertificates.OFF
    max_packet_bytes: Annotated[int, Field(ge=128, le=268_435_455)] = 262_144
    receive_max: Annotated[int, Field(ge=1, le=65_535)] = 65_535
    topic_alias_max: Annotated[int, Field(ge=0, le=65_535)] = 16
    session_expiry_max_s: Annotated[int, Field(ge=0)] = 86_400
    sessions_max: Positive = 10_000
    queued_max: Positive = 100

    @model_validator(mode="after")
    def _whom_to_ask_and_believe(self) -> Self:
        if self.client_certs is not ClientCertificates.OFF and not (self.client_ca and self.tls_port):
            raise ValueError("client_certs: set tls_port, and client_ca, the authority of the devices")
        return self


class BrokerConfig(_Section):
    """An outside MQTT broker to read from."""

    url: str = ""  # "" means none; mqtt://user:password@host:1883 or mqtts://…
    topics: tuple[str, ...] = ("devices/{id}/telemetry",)
    client_id: str = "sensor-hub"
    group: str = ""
    device_keys: bool = False
    session_expiry_s: Annotated[int, Field(ge=0)] = 86_400
    receive_max: Annotated[int, Field(ge=1, le=65_535)] = 1_000
    backoff_max_s: Seconds = 30.0


class StoreConfig(_Section):
    """Where devices, keys and readings are kept."""

    path: str = "data"
    memory_limit_mb: Positive = 512
    journal_path: str = ""  # "" means the folder `journal` in `path`
    commit_interval_ms: Annotated[int, Field(ge=0, le=10_000)] = 0
    backup_path: str = ""


class RetentionOverride(_Section):
    """How long values of one device, or of all with a label, are kept. What is left out is as for others."""

    device: str = ""
    label: str = ""  # k=v
    raw_s: Keep | None = None
    minute_s: Keep | None = None
    hour_s: Keep | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if bool(self.device) == bool(self.label):
            raise ValueError(
                'an override is for a device or for a label: device = "boiler-1", or label = "k=v"'
            )
        if self.label and "=" not in self.label:
            raise ValueError("label: k=v is wanted")
        return self


class RetentionConfig(_Section):
    """How long values are kept: as they came, by minute, by hour. A coarser tier is kept at least as long."""

    raw_s: Keep = 1_209_600.0
    minute_s: Keep = 7_776_000.0
    hour_s: Keep = 63_072_000.0
    overrides: tuple[RetentionOverride, ...] = ()


class LiveConfig(_Section):
    """Live channels and those who watch them."""

    resume_window_s: Seconds = 60.0
    resume_max_bytes: Positive = 1_048_576
    pending_max: Positive = 5_000
    overview_interval_s: Seconds = 0.5
    viewers_max: Positive = 2_000
    viewers_per_address_max: Positive = 500
    subscriptions_max: Positive = 100
    max_message_bytes: Positive = 16_384
    ping_interval_s: Seconds = 25.0
    compress: bool = False


class LimitsOverride(_Section):
    """What devices with a label may send a second. What is left out is as for others."""

    label: str  # k=v
    readings_per_s: Positive | None = None
    values_per_s: Positive | None = None
    bytes_per_s: Positive | None = None

    @field_validator("label")
    @classmethod
    def _is_a_label(cls, label: str) -> str:
        if "=" not in label:
            raise ValueError("k=v is wanted")
        return label

    def fits(self, labels: Mapping[str, str]) -> bool:
        """Whether a device with these labels is meant."""
        key, _, value = self.label.partition("=")
        return labels.get(key) == value


class LimitsConfig(_Section):
    """What one device or all of them may ask of the hub."""

    connect_timeout_s: Seconds = 10.0
    connections_max: Positive = 20_000
    connections_per_device_max: Positive = 32
    unproven_max: Positive = 1_000
    unproven_per_address_max: Positive = 200
    pending_readings: Positive = 200_000
    storing_late_s: Seconds = 5.0
    journal_max_mb: Annotated[int, Field(ge=8, le=65_536)] = 128
    readings_per_s: Positive = 10_000
    readings_burst: Positive = 20_000
    values_per_s: Positive = 100_000
    bytes_per_s: Positive = 2_097_152
    overrides: tuple[LimitsOverride, ...] = ()
    histories_each_max: Positive = 4
    histories_max: Positive = 32
    histories_waiting_max: Positive = 100
    exports_each_max: Positive = 2
    exports_max: Positive = 8
    stalled_s: Seconds = 20.0
    future_max_s: Seconds = 300.0
    metrics_max: Positive = 200
    rejections_max: Positive = 1_000
    attributes_max: Positive = 100
    polls_max: Positive = 1_000


class ReadingsConfig(_Section):
    """How values are read."""

    # Texts that are no value, whatever their case, for a metric that is not known to be text.
    no_value: tuple[str, ...] = ("", "unavailable", "unknown", "nan", "null", "none")
    numbers_in_text: bool = False  # whether a text that is a number begins a metric as number


class AuthConfig(_Section):
    """Keys, sessions and tokens."""

    login_link_s: Seconds = 3_600.0
    session_s: Seconds = 2_592_000.0
    session_idle_s: Seconds = 604_800.0
    step_up_s: Seconds = 600.0
    token_max_s: Seconds = 31_536_000.0
    audit_keep_days: Keep = 400.0
    audit_rows_max: Positive = 500_000
    failures_max: Positive = 10
    failures_window_s: Seconds = 60.0
    certificate_names: CertificateNames = CertificateNames.OFF
    oidc: Annotated[tuple[OidcProvider, ...], Field(max_length=PROVIDERS_MAX)] = ()

    @field_validator("oidc")
    @classmethod
    def _differ(cls, providers: tuple[OidcProvider, ...]) -> tuple[OidcProvider, ...]:
        for what in ("name", "issuer"):
            if len({getattr(one, what) for one in providers}) < len(providers):
                raise ValueError(f"two providers have the same {what}")
        return providers


class AlertsConfig(_Section):
    """What comes of rules, and of the thresholds of metrics."""

    thresholds: Literal["off", "show", "notify"] = "show"  # whether to alert where a metric is past its own
    kept_s: Keep = 31_536_000.0
    private_targets: tuple[str, ...] = ()

    @field_validator("private_targets", mode="before")
    @classmethod
    def _all_or_none(cls, told: object) -> object:
        return {True: ("0.0.0.0/0", "::/0"), False: ()}.get(told, told) if isinstance(told, bool) else told

    @field_validator("private_targets")
    @classmethod
    def _are_networks(cls, networks: tuple[str, ...]) -> tuple[str, ...]:
        for one in networks:
            try:
                ip_network(one, strict=False)
            except ValueError:
                raise ValueError(f'{one[:60]!r} is no network, such as "10.0.0.0/8" or "127.0.0.1"') from None
        return networks


class SystemConfig(_Section):
    """The hub's own figures."""

    interval_s: Keep = 2.0  # 0 is none


class LogConfig(_Section):
    """What the hub says of itself."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["auto", "console", "json"] = "auto"


class Config(_Section):
    """All sections. Build it with `load`."""

    http: HttpConfig = HttpConfig()
    mqtt: MqttConfig = MqttConfig()
    broker: BrokerConfig = BrokerConfig()
    store: StoreConfig = StoreConfig()
    retention: RetentionConfig = RetentionConfig()
    live: LiveConfig = LiveConfig()
    limits: LimitsConfig = LimitsConfig()
    readings: ReadingsConfig = ReadingsConfig()
    auth: AuthConfig = AuthConfig()
    alerts: AlertsConfig = AlertsConfig()
    system: SystemConfig = SystemConfig()
    log: LogConfig = LogConfig()

    @model_validator(mode="after")
    def _providers_know_where_to_send_people(self) -> Self:
        if self.auth.oidc and not self.http.public_url and self.http.host not in LOOPBACK:
            raise ValueError("auth.oidc: set http.public_url: there the provider sends people back")
        return self

    @property
    def data_dir(self) -> Path:
        """The folder of the stores."""
        return Path(self.store.path)

    @property
    def journal_dir(self) -> Path:
        """The folder of the journal."""
        return Path(self.store.journal_path) if self.store.journal_path else self.data_dir / "journal"

    @property
    def socket_path(self) -> Path:
        """The Unix socket by which the command line speaks to a running hub."""
        return Path(self.http.socket_path) if self.http.socket_path else self.data_dir / "hub.sock"


def load(path: Path | None = None) -> Config:
    """The configuration: the environment, over `path` or else ./config.toml if there is one, over defaults.

    Raises Invalid with every fault: file, key, what is wrong, and for a misspelt key the nearest known one.
    """
    if path is None and Path("config.toml").is_file():
        path = Path("config.toml")
    values: dict[str, object] = {}
    if path is not None:
        try:
            values = tomllib.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise Invalid(f"{path}: {error.strerror or error}") from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise Invalid(f"{path}: not TOML: {error}") from error
    for section, keys in environment(Config, os.environ).items():
        below = values.get(section, {})
        if isinstance(below, dict):  # else the file is wrong, and that is said below
            values[section] = {**below, **keys}
    try:
        return Config.model_validate(values)
    except ValidationError as error:
        raise Invalid("\n".join(faults(Config, error, path, os.environ))) from error
