//! The one session that all calls of a client share.

use std::time::{Duration, Instant};

use secrecy::ExposeSecret;
use tokio::sync::Mutex;

use crate::error::Error;
use crate::login::{Allowed, Credentials, Session, login};

/// Opaque tokens say nothing about their end; the default policy is two hours. A token this old is not relied upon.
const OLDEST_TOKEN: Duration = Duration::from_secs(90 * 60);

struct Cached {
    /// A failure is the answer for all that waited for it, and for nobody who comes later.
    login: Result<Session, Error>,
    /// When the login ended.
    at: Instant,
}

pub(crate) struct Sessions {
    allowed: Allowed,
    credentials: Credentials,
    /// Held while logging in, so that ten calls at once log in once, whether it succeeds or fails.
    cached: Mutex<Option<Cached>>,
}

impl Sessions {
    pub(crate) fn new(allowed: Allowed, credentials: Credentials) -> Self {
        Self { allowed, credentials, cached: Mutex::default() }
    }

    /// The cached session, or a new one if there is none, it is old, or it is the one that was just refused. Where
    /// a login failed while this waited for it, that failure.
    pub(crate) async fn get(&self, http: &reqwest::Client, refused: Option<&Session>) -> Result<Session, Error> {
        let asked_at = Instant::now();
        let mut cached = self.cached.lock().await;
        if let Some(Cached { login, at }) = &*cached {
            match login {
                Ok(session) if at.elapsed() < OLDEST_TOKEN && !refused.is_some_and(|r| is_same(r, session)) => {
                    return Ok(session.clone());
                }
                Err(error) if *at >= asked_at => return Err(error.clone()),
                _ => {}
            }
        }
        let login = login(http, &self.allowed, &self.credentials).await;
        *cached = Some(Cached { login: login.clone(), at: Instant::now() });
        login
    }

    /// The session leads to where nothing is any more: an organization that was migrated answers with redirects.
    pub(crate) async fn forget(&self, session: &Session) {
        let mut cached = self.cached.lock().await;
        let is_cached = |cached: &Cached| cached.login.as_ref().is_ok_and(|held| is_same(held, session));
        if cached.as_ref().is_some_and(is_cached) {
            *cached = None;
        }
    }
}

fn is_same(one: &Session, other: &Session) -> bool {
    one.token.expose_secret() == other.token.expose_secret()
}
