"""TLS at our own sockets: a certificate that is read again when its files change."""

import asyncio
import ssl
from dataclasses import dataclass
from pathlib import Path

import structlog

from common.errors import SettingsError
from common.settings import TlsSettings
from common.streams.client import check_cancelled

LOOK_S = 10.0

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Certificate:
    """The certificate of a server, in force for its new connections."""

    context: ssl.SSLContext
    cert: Path
    key: Path

    @classmethod
    def load(cls, settings: TlsSettings, name: str) -> "Certificate | None":
        """None where TLS is not configured. Raises SettingsError where it cannot work."""
        if settings.tls_cert is None:
            return None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        certificate = cls(context, settings.tls_cert, settings.tls_key or settings.tls_cert)
        try:
            certificate.reload()
        except (OSError, ssl.SSLError) as error:
            raise SettingsError(f"{name}.tls_cert={settings.tls_cert}: {error}") from error
        return certificate

    def reload(self) -> None:
        """Read the files. Raises OSError or SSLError, and what was in force stays so."""
        self.context.load_cert_chain(self.cert, self.key)

    async def run(self) -> None:
        """Read the files again when they change, as renewed certificates do, until cancelled."""
        seen = self._stamps()
        while True:
            check_cancelled()
            await asyncio.sleep(LOOK_S)
            stamps = self._stamps()
            if stamps == seen:
                continue
            try:
                self.reload()
                seen = stamps
                log.info("certificate_renewed", file=str(self.cert))
            except (OSError, ssl.SSLError) as error:
                log.warning("certificate_unreadable", file=str(self.cert), error=str(error))

    def _stamps(self) -> list[int]:
        return [path.stat().st_mtime_ns if path.exists() else 0 for path in (self.cert, self.key)]
