"""Certificate authorities and certificates for TLS, made with the openssl command."""

import ssl
import subprocess


def _openssl(*words):
    subprocess.run(["openssl", *map(str, words)], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


class Identity:
    """A certificate and its key, as files."""

    def __init__(self, folder, name):
        self.name = name
        self.certificate = folder / f"{name}.crt"
        self.key = folder / f"{name}.key"


class Authority:
    """Signs certificates. Everything lies in its folder: ca.crt, ca.key, NAME.crt, NAME.key."""

    def __init__(self, folder, name="authority"):
        folder.mkdir(parents=True)
        self.folder = folder
        self.certificate = folder / "ca.crt"
        self._key = folder / "ca.key"
        _openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", self._key, "-out", self.certificate, "-days",
                 "3650", "-subj", f"/O=Vigil test/CN={name}")

    def issue(self, name, kind="rsa:2048", names=()):
        """names: whom the certificate is good for, for clients who look: IP:address or DNS:name."""
        identity = Identity(self.folder, name)
        request = self.folder / f"{name}.csr"
        extension = ["-addext", "subjectAltName=" + ",".join(names)] if names else []
        _openssl("req", "-newkey", kind, "-nodes", "-keyout", identity.key, "-out", request, "-subj",
                 f"/O=Vigil test/CN={name}", *extension)
        _openssl("x509", "-req", "-copy_extensions", "copy", "-in", request, "-CA", self.certificate, "-CAkey", self._key,
                 "-CAcreateserial", "-out", identity.certificate, "-days", "3650")
        return identity

    def options(self, identity, **more):
        """Options of a server that shows this identity and trusts this authority; more: tls_auth_clients="no"."""
        options = {"tls-cert-file": identity.certificate, "tls-key-file": identity.key, "tls-ca-cert-file": self.certificate}
        return options | {name.replace("_", "-"): value for name, value in more.items()}

    def context(self, identity=None, trusted=None):
        """For a client of Python's that shows `identity`, if any, and trusts this authority (or another one)."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.load_verify_locations((trusted or self).certificate)
        if identity:
            context.load_cert_chain(identity.certificate, identity.key)
        return context


def encrypted_key(identity, password):
    """A copy of the identity's key under a password."""
    path = identity.key.with_suffix(".encrypted.key")
    _openssl("pkey", "-in", identity.key, "-aes256", "-passout", f"pass:{password}", "-out", path)
    return path
