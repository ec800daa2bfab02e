//! Whom these clients believe. A system trusts some hundred and fifty authorities, and to read them takes milliseconds in which a function
//! does not start: so that is done once, and not for each client.

use std::sync::{Arc, OnceLock};

use reqwest::Url;
use rustls::crypto::{CryptoProvider, ring};
use rustls::{ClientConfig, ConfigBuilder, RootCertStore, WantsVerifier};
use rustls_platform_verifier::BuilderVerifierExt;

static TRUSTED: OnceLock<ClientConfig> = OnceLock::new();

/// For this address. On the loopback interface nothing is encrypted, and nobody is believed there.
pub(crate) fn config(base_url: &Url) -> Result<ClientConfig, String> {
    if base_url.scheme() != "https" {
        return Ok(builder()?.with_root_certificates(RootCertStore::empty()).with_no_client_auth());
    }
    if let Some(trusted) = TRUSTED.get() {
        return Ok(trusted.clone());
    }
    // Two that begin at once read it twice.
    let mut trusted = builder()?.with_platform_verifier().map_err(|error| error.to_string())?.with_no_client_auth();
    // As reqwest says it where it makes the configuration itself.
    trusted.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TRUSTED.get_or_init(|| trusted).clone())
}

fn builder() -> Result<ConfigBuilder<ClientConfig, WantsVerifier>, String> {
    let provider = CryptoProvider::get_default().cloned().unwrap_or_else(|| Arc::new(ring::default_provider()));
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    builder.map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(url: &str) -> ClientConfig {
        config(&Url::parse(url).expect("an address")).expect("a configuration")
    }

    /// Clones share what is within them: so it is seen that nothing was read again.
    #[test]
    fn what_is_trusted_is_read_once() {
        let (stripe, salesforce) = (of("https://api.stripe.com"), of("https://acme.my.salesforce.com"));
        let resolvers =
            [stripe, salesforce, of("http://127.0.0.1:4242")].map(|config| config.client_auth_cert_resolver);
        assert!(Arc::ptr_eq(&resolvers[0], &resolvers[1]) && !Arc::ptr_eq(&resolvers[0], &resolvers[2]));
    }
}
