//! The HTTP shell around a service: its server, faults, request log, deliveries and control endpoint.

mod answer;
mod control;
mod deliveries;
mod serve;
#[cfg(test)]
mod tests;

pub use answer::LoggedRequest;
pub use deliveries::DeliveryRecord;

use crate::clock::Clock;
use crate::faults::{FaultRule, Faults};
use crate::wire::{Delivery, Service};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

/// How a shell delivers. The wait after each failed attempt; one attempt more than there are waits.
#[derive(Debug, Clone)]
pub struct DeliveryPolicy {
    pub enabled: bool,
    pub retry_after_ms: Vec<u64>,
}

impl Default for DeliveryPolicy {
    fn default() -> Self {
        Self { enabled: true, retry_after_ms: vec![1_000, 5_000, 25_000, 120_000, 120_000] }
    }
}

/// What the tasks of one shell share. No lock is held across an await.
struct Shell<S> {
    service: Mutex<S>,
    clock: Clock,
    faults: Mutex<Faults>,
    requests: Mutex<answer::Log>,
    deliveries: Mutex<VecDeque<DeliveryRecord>>,
    policy: DeliveryPolicy,
    outgoing: mpsc::UnboundedSender<Delivery>,
    /// Counts up with each order to refuse connections, and says for how long.
    refusing: watch::Sender<(u64, u64)>,
}

/// A panic in a test's closure must not hide what the next assertion would say.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<S: Service> Shell<S> {
    /// Hands what the service wants sent to the delivery task, unless a test takes it itself.
    fn flush(&self) {
        if !self.policy.enabled {
            return;
        }
        let waiting = lock(&self.service).take_deliveries(self.clock.now_ms());
        for delivery in waiting {
            // The task ends only together with the sandbox, and then there is nobody left to tell.
            let _ = self.outgoing.send(delivery);
        }
    }

    fn inject(&self, rule: FaultRule) {
        let refuse_ms = lock(&self.faults).inject(rule);
        if let Some(for_ms) = refuse_ms {
            self.refuse(for_ms);
        }
    }

    fn refuse(&self, for_ms: u64) {
        self.refusing.send_modify(|order| *order = (order.0 + 1, for_ms));
    }
}

/// One running service, for tests: the state behind the HTTP port, and the means to make it misbehave.
pub struct Handle<S> {
    shell: Arc<Shell<S>>,
    url: String,
}

impl<S> Clone for Handle<S> {
    fn clone(&self) -> Self {
        Self { shell: Arc::clone(&self.shell), url: self.url.clone() }
    }
}

impl<S: Service> Handle<S> {
    /// `http://127.0.0.1:port`, without a slash at its end.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Looks at or changes the service itself. What that causes to be delivered is sent.
    pub fn with<T>(&self, work: impl FnOnce(&mut S) -> T) -> T {
        let result = work(&mut lock(&self.shell.service));
        self.shell.flush();
        result
    }

    pub fn inject(&self, rule: FaultRule) {
        self.shell.inject(rule);
    }

    pub fn clear_faults(&self) {
        lock(&self.shell.faults).clear();
    }

    /// Rules that have not been used up.
    pub fn faults(&self) -> Vec<FaultRule> {
        lock(&self.shell.faults).rules().to_vec()
    }

    pub fn requests(&self) -> Vec<LoggedRequest> {
        lock(&self.shell.requests).entries()
    }

    pub fn clear_requests(&self) {
        lock(&self.shell.requests).clear();
    }

    pub fn deliveries(&self) -> Vec<DeliveryRecord> {
        lock(&self.shell.deliveries).iter().cloned().collect()
    }

    /// What would be delivered now, where the shell itself does not deliver.
    pub fn take_deliveries(&self) -> Vec<Delivery> {
        lock(&self.shell.service).take_deliveries(self.shell.clock.now_ms())
    }
}

/// The tasks of one shell; they end when this is dropped.
pub struct Running(Vec<JoinHandle<()>>);

impl Drop for Running {
    fn drop(&mut self) {
        for task in &self.0 {
            task.abort();
        }
    }
}

/// Binds the port (0 for any free one) and serves until `Running` is dropped.
pub async fn start<S: Service>(
    service: S,
    port: u16,
    clock: Clock,
    policy: DeliveryPolicy,
) -> Result<(Handle<S>, Running), String> {
    let listener =
        TcpListener::bind(("127.0.0.1", port)).await.map_err(|error| format!("binding port {port}: {error}"))?;
    let address = listener.local_addr().map_err(|error| format!("reading the bound address: {error}"))?;
    let is_delivering = policy.enabled;
    let (outgoing, incoming) = mpsc::unbounded_channel();
    let shell = Arc::new(Shell {
        service: Mutex::new(service),
        clock,
        faults: Mutex::default(),
        requests: Mutex::default(),
        deliveries: Mutex::default(),
        policy,
        outgoing,
        refusing: watch::Sender::new((0, 0)),
    });
    let server = tokio::spawn(serve::listen(Arc::clone(&shell), listener, address));
    let mut running = vec![server];
    if is_delivering {
        running.push(tokio::spawn(deliveries::deliver_all(Arc::clone(&shell), deliveries::client()?, incoming)));
    }
    Ok((Handle { shell, url: format!("http://{address}") }, Running(running)))
}
