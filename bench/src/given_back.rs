//! What the workers gave back for later, by the code in their own log lines.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex, PoisonError};

use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::subscriber::DefaultGuard;
use tracing::{Event, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::Context;
use tracing_subscriber::prelude::*;
use tracing_subscriber::{Layer, registry};

#[derive(Clone, Default)]
pub struct GivenBack(Arc<Mutex<BTreeMap<String, u64>>>);

impl GivenBack {
    /// Hears what is logged on this thread until the guard is gone.
    pub fn listen(&self) -> DefaultGuard {
        let workers = Targets::new().with_target("retry_worker", LevelFilter::WARN);
        registry().with(self.clone().with_filter(workers)).set_default()
    }

    pub fn by_code(&self) -> BTreeMap<String, u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl<S: Subscriber> Layer<S> for GivenBack {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut line = Line::default();
        event.record(&mut line);
        if line.message == "given back for later" {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(line.code).or_default() += 1;
        }
    }
}

#[derive(Default)]
struct Line {
    message: String,
    code: String,
}

impl Visit for Line {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "code" {
            self.code = value.to_owned();
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "message" {
            self.message = format!("{value:?}");
        }
    }
}
