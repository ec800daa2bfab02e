//! Whom these clients believe, over real TLS: `certificates/localhost.pem` is signed by itself, and was made for this by
//! `openssl req -x509 -addext subjectAltName=DNS:localhost -addext basicConstraints=critical,CA:FALSE`.

use std::error::Error;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::Arc;

use outbound::{Timeouts, base_url, client};
use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, Stream};

const CERTIFICATE: &[u8] = include_bytes!("certificates/localhost.pem");
const KEY: &[u8] = include_bytes!("certificates/localhost.key.pem");

/// Where the other process finds the server.
const ADDRESS: &str = "TRUST_TEST_ADDRESS";

/// Its address. It ends with the process.
fn server() -> String {
    let chain = vec![CertificateDer::from_pem_slice(CERTIFICATE).expect("a certificate")];
    let key = PrivateKeyDer::from_pem_slice(KEY).expect("a key");
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .expect("they belong together");
    config.alpn_protocols = [&b"h2"[..], b"http/1.1"].map(<[u8]>::to_vec).to_vec();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("bound").port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // Who does not believe it hangs up.
            let _ = answer(&config, stream);
        }
    });
    format!("https://localhost:{port}")
}

fn answer(config: &Arc<ServerConfig>, mut socket: TcpStream) -> Result<(), Box<dyn Error>> {
    let mut connection = ServerConnection::new(Arc::clone(config))?;
    let mut tls = Stream::new(&mut connection, &mut socket);
    let _ = tls.read(&mut [0; 1024])?;
    if tls.conn.alpn_protocol() != Some(b"http/1.1") {
        return Err("it asks for another protocol".into());
    }
    tls.write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n")?;
    connection.send_close_notify();
    connection.complete_io(&mut socket)?;
    Ok(())
}

async fn asked(address: &str) -> Result<StatusCode, String> {
    let address = base_url(address).expect("an address");
    let client = client(&address, Timeouts::default(), HeaderMap::new()).expect("a client");
    match client.get(address).send().await {
        Ok(response) => Ok(response.status()),
        Err(error) => Err(format!("{error:?}")),
    }
}

/// What a process trusts it reads once, so another one is told to trust the server: this test again, which finds the server's address.
#[tokio::test]
async fn whom_the_system_trusts_is_believed_and_nobody_else() {
    if let Ok(address) = std::env::var(ADDRESS) {
        return where_it_is_trusted(&address).await;
    }
    let address = server();
    let refused = asked(&address).await.expect_err("nobody vouches for it");
    assert!(refused.contains("UnknownIssuer"), "{refused}");
    let certificate = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/certificates/localhost.pem");
    let played = Command::new(std::env::current_exe().expect("a path"))
        .args(["--exact", "whom_the_system_trusts_is_believed_and_nobody_else"])
        .env(ADDRESS, &address)
        .env("SSL_CERT_FILE", certificate)
        .output()
        .expect("it starts");
    let said = String::from_utf8_lossy(&played.stdout);
    assert!(played.status.success() && said.contains("1 passed"), "{said}");
}

async fn where_it_is_trusted(address: &str) {
    assert_eq!(asked(address).await, Ok(StatusCode::NO_CONTENT));
    // By another name it is somebody else.
    let refused = asked(&address.replace("localhost", "127.0.0.1")).await.expect_err("it is for localhost");
    assert!(refused.contains("NotValidForName"), "{refused}");
}
