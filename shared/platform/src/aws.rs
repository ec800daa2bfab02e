//! The AWS SDK as every function uses it.

use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, ConfigLoader, SdkConfig};
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};

/// The SDK has no operation timeout of its own: without these a lost packet holds a function until it is killed, with a
/// run's lease in its hands.
const CONNECT: Duration = Duration::from_secs(2);
const ATTEMPT: Duration = Duration::from_secs(5);
const OPERATION: Duration = Duration::from_secs(10);

/// Region and credentials come from Lambda's environment, the endpoint from `AWS_ENDPOINT_URL` where it is set.
pub async fn sdk_config() -> SdkConfig {
    loader().load().await
}

fn loader() -> ConfigLoader {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT)
        .operation_attempt_timeout(ATTEMPT)
        .operation_timeout(OPERATION)
        .build();
    let http = Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
    aws_config::defaults(BehaviorVersion::latest())
        .http_client(http)
        .timeout_config(timeouts)
        .retry_config(RetryConfig::standard().with_max_attempts(3).with_initial_backoff(Duration::from_millis(50)))
}

/// Stripe's and Salesforce's clients share the SDK's TLS provider. Installed once; a second time changes nothing.
pub(crate) fn install_tls() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}

#[cfg(test)]
mod tests {
    use aws_config::Region;
    use aws_credential_types::Credentials;

    use super::*;

    /// A server that takes connections and never says a word. The test's own bound is far above the SDK's, so that only a
    /// client without a timeout fails it.
    #[tokio::test]
    async fn a_black_hole_is_given_up() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        let silent = tokio::spawn(async move {
            let mut kept = Vec::new();
            while let Ok((socket, _)) = listener.accept().await {
                kept.push(socket);
            }
        });
        let config = loader()
            .region(Region::new("eu-central-1"))
            .credentials_provider(Credentials::from_keys("test", "test", None))
            .endpoint_url(url)
            .load()
            .await;
        let client = aws_sdk_secretsmanager::Client::new(&config);
        let read = client.get_secret_value().secret_id("arn:aws:secretsmanager:x").send();
        let answer = tokio::time::timeout(Duration::from_secs(60), read).await.expect("the client gives up by itself");
        assert!(answer.is_err());
        silent.abort();
    }
}
