//! An authority of one's own, for servers in tests.

use std::io::Write as _;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tempfile::NamedTempFile;
use tokio_rustls::TlsAcceptor;

/// A server's side of TLS for 127.0.0.1, and the `ca_file` that trusts it.
pub(in crate::gateway) fn authority() -> (TlsAcceptor, NamedTempFile) {
    let own = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(own.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![own.cert.der().clone()], key)
        .unwrap();
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(own.cert.pem().as_bytes()).unwrap();
    (TlsAcceptor::from(Arc::new(config)), file)
}

#[test]
fn a_file_without_certificates_is_refused() {
    let mut file = NamedTempFile::new().unwrap();
    let refused = |file: &NamedTempFile| super::tls(Some(file.path())).unwrap_err();
    assert!(refused(&file).ends_with("there is no certificate in it"));
    file.write_all(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").unwrap();
    assert!(refused(&file).starts_with("`ca_file` "));
    let (_, good) = authority();
    super::tls(Some(good.path())).unwrap();
}
