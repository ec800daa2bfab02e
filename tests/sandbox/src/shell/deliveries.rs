//! Sends what a service wants sent, and tries again when the receiver does not answer 2xx.

use super::{Shell, lock};
use crate::wire::{Delivery, Service};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use rustls::ClientConfig;
use rustls_platform_verifier::ConfigVerifierExt;
use serde::Serialize;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;

const TIMEOUT: Duration = Duration::from_secs(10);
/// Enough to show a receiver a burst, few enough to leave it sockets.
const AT_ONCE: usize = 32;
const LONGEST_LOG: usize = 100_000;

#[derive(Debug, Clone, Serialize)]
pub struct DeliveryRecord {
    /// The event's id. An event for two endpoints has two records.
    pub id: String,
    pub url: String,
    pub attempts: u32,
    /// The last answer's status; none while nothing has answered.
    pub last_status: Option<u16>,
    pub delivered: bool,
    #[serde(skip)]
    number: u64,
}

/// API Gateway emulators are addressed by host name: every name below `localhost` is this machine.
struct Loopback;

impl Resolve for Loopback {
    fn resolve(&self, name: Name) -> Resolving {
        let host = name.as_str().to_owned();
        Box::pin(async move {
            if host == "localhost" || host.ends_with(".localhost") {
                let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
                return Ok(Box::new(std::iter::once(address)) as Addrs);
            }
            let found: Vec<SocketAddr> = tokio::net::lookup_host((host, 0)).await?.collect();
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// What this machine trusts. To read that takes longer than to start a sandbox, so each process does it once.
fn tls() -> Result<ClientConfig, String> {
    static TRUSTED: OnceLock<ClientConfig> = OnceLock::new();
    if let Some(trusted) = TRUSTED.get() {
        return Ok(trusted.clone());
    }
    // Another part of the process may have installed one already, and any will do.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let trusted = ClientConfig::with_platform_verifier().map_err(|error| format!("reading certificates: {error}"))?;
    Ok(TRUSTED.get_or_init(|| trusted).clone())
}

pub fn client() -> Result<reqwest::Client, String> {
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls()?)
        .dns_resolver(Arc::new(Loopback))
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(TIMEOUT)
        .build()
        .map_err(|error| format!("building the delivery client: {error}"))
}

pub async fn deliver_all<S: Service>(
    shell: Arc<Shell<S>>,
    client: reqwest::Client,
    mut incoming: mpsc::UnboundedReceiver<Delivery>,
) {
    let permits = Arc::new(Semaphore::new(AT_ONCE));
    let mut under_way = JoinSet::new();
    let mut number = 0;
    loop {
        tokio::select! {
            Some(delivery) = incoming.recv() => {
                number += 1;
                record(&shell, &delivery, number);
                under_way.spawn(deliver(Arc::clone(&shell), client.clone(), Arc::clone(&permits), delivery, number));
            }
            Some(_) = under_way.join_next() => {}
            else => return,
        }
    }
}

fn record<S>(shell: &Shell<S>, delivery: &Delivery, number: u64) {
    let mut log = lock(&shell.deliveries);
    if log.len() == LONGEST_LOG {
        log.pop_front();
    }
    let (id, url) = (delivery.id.clone(), delivery.url.clone());
    log.push_back(DeliveryRecord { id, url, attempts: 0, last_status: None, delivered: false, number });
}

async fn deliver<S: Service>(
    shell: Arc<Shell<S>>,
    client: reqwest::Client,
    permits: Arc<Semaphore>,
    mut delivery: Delivery,
    number: u64,
) {
    let waits = shell.policy.retry_after_ms.clone();
    for wait_ms in waits.into_iter().map(Some).chain([None]) {
        let status = {
            let _permit = permits.acquire().await;
            attempt(&client, &delivery).await
        };
        let delivered = status.is_some_and(|status| (200..300).contains(&status));
        if let Some(entry) = lock(&shell.deliveries).iter_mut().rev().find(|entry| entry.number == number) {
            entry.attempts += 1;
            entry.last_status = status;
            entry.delivered = delivered;
        }
        if delivered {
            lock(&shell.service).delivered(&delivery);
            return;
        }
        let Some(wait_ms) = wait_ms else { return };
        tokio::time::sleep(Duration::from_millis(wait_ms)).await;
        delivery = lock(&shell.service).redeliver(shell.clock.now_ms(), &delivery);
    }
}

async fn attempt(client: &reqwest::Client, delivery: &Delivery) -> Option<u16> {
    let mut request = client.post(&delivery.url);
    for (name, value) in &delivery.headers {
        request = request.header(name, value);
    }
    let response = request.body(delivery.body.clone()).send().await.ok()?;
    Some(response.status().as_u16())
}
