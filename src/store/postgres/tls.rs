//! Connections with TLS, through rustls.

pub(super) use tokio_postgres_rustls::MakeRustlsConnect as Tls;

use std::path::Path;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
};

use super::url::{Roots, Security};
use crate::Error;

/// Whether the build can encrypt.
pub(super) const AVAILABLE: bool = true;

/// What makes a secure connection.
pub(super) fn tls(security: &Security) -> Result<Tls, Error> {
    let provider = Arc::new(ring::default_provider());
    let check = match security {
        // What need not be encrypted at all gains nothing from a certificate.
        Security::Disable | Security::Allow | Security::Prefer | Security::Require => Check::Nobody,
        Security::VerifyCa(roots) => Check::Authority(verifier(roots, &provider)?),
        Security::VerifyFull(roots) => Check::Host(verifier(roots, &provider)?),
    };
    let verifier = Verifier {
        check,
        provider: provider.clone(),
    };
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::internal("no version of tls is usable").caused_by(error))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    // For `sslnegotiation=direct`.
    config.alpn_protocols = vec![b"postgresql".to_vec()];
    Ok(Tls::new(config))
}

fn verifier(
    roots: &Roots,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<WebPkiServerVerifier>, Error> {
    let store = match roots {
        Roots::System => system_roots()?,
        Roots::File(path) => file_roots(path)?,
    };
    WebPkiServerVerifier::builder_with_provider(Arc::new(store), provider.clone())
        .build()
        .map_err(|error| {
            Error::configuration("the trusted authorities cannot be used").caused_by(error)
        })
}

fn system_roots() -> Result<RootCertStore, Error> {
    let mut store = RootCertStore::empty();
    store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if store.is_empty() {
        return Err(Error::configuration(
            "the operating system has no trusted authorities: name some with sslrootcert",
        ));
    }
    Ok(store)
}

fn file_roots(path: &Path) -> Result<RootCertStore, Error> {
    let unusable = || {
        let path = path.display();
        Error::configuration(format!(
            "sslrootcert={path} cannot be read as certificates in PEM"
        ))
    };
    let mut store = RootCertStore::empty();
    for certificate in
        CertificateDer::pem_file_iter(path).map_err(|error| unusable().caused_by(error))?
    {
        let certificate = certificate.map_err(|error| unusable().caused_by(error))?;
        store
            .add(certificate)
            .map_err(|error| unusable().caused_by(error))?;
    }
    if store.is_empty() {
        return Err(unusable());
    }
    Ok(store)
}

/// Decides how much of a server's certificate counts.
#[derive(Debug)]
struct Verifier {
    check: Check,
    provider: Arc<CryptoProvider>,
}

#[derive(Debug)]
enum Check {
    /// Whoever it is, as `require` means it.
    Nobody,
    /// An authority's signature, for whatever host.
    Authority(Arc<WebPkiServerVerifier>),
    /// An authority's signature for this host.
    Host(Arc<WebPkiServerVerifier>),
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let (authority, any_host) = match &self.check {
            Check::Nobody => return Ok(ServerCertVerified::assertion()),
            Check::Authority(authority) => (authority, true),
            Check::Host(authority) => (authority, false),
        };
        let verdict = authority.verify_server_cert(
            end_entity,
            intermediates,
            server_name,
            ocsp_response,
            now,
        );
        match verdict {
            // The name is looked at last, so everything else was in order.
            Err(rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if any_host => Ok(ServerCertVerified::assertion()),
            verdict => verdict,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}
