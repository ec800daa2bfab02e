//! The configuration files that deals were planned under. A file is kept in the ledger before the first deal is planned under it, so that a
//! change of rules changes no deal that is under way or billed: it is read and compared under its own.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::ConfigurationHash;
use mapping::Settings;
use workflow::Run;

use crate::advance::ledger_pause;
use crate::{Engine, Ledger, Pause, World};

/// A file's text → what it decides; `None` where it cannot be read.
pub type Reads = fn(&str) -> Option<Settings>;

/// The file of now, and those that were needed since the process started.
#[derive(Default)]
pub struct Rulebook {
    file: Option<(String, Reads)>,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    /// The file of now is in the ledger, and this was the first there.
    first: Option<ConfigurationHash>,
    older: BTreeMap<ConfigurationHash, Arc<Settings>>,
}

impl Rulebook {
    /// Of the file that the settings were read from.
    pub fn of(text: String, reads: Reads) -> Self {
        Self { file: Some((text, reads)), kept: Mutex::default() }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a run was planned under, if that is another file than that of now.
    pub(crate) fn older(&self, run: &Run) -> Option<Arc<Settings>> {
        let hash = self.planned_under(run)?;
        self.kept().older.get(&hash).cloned()
    }

    /// What was planned before there were files goes by the first that there was, which says what was decided until then.
    fn planned_under(&self, run: &Run) -> Option<ConfigurationHash> {
        match &run.configuration {
            _ if !run.is_planned() => None,
            Some(hash) => Some(hash.clone()),
            None => self.kept().first.clone(),
        }
    }
}

impl<W: World> Engine<W> {
    /// Before a run is worked on: the file that it may be planned under is kept, and the one that it was planned under is there.
    pub(crate) async fn open_rulebook(&self, run: &Run) -> Result<(), Pause> {
        let (Some((text, reads)), Some(now)) = (&self.rulebook.file, &self.settings.configuration) else {
            return Ok(());
        };
        let is_kept = self.rulebook.kept().first.is_some();
        if !is_kept {
            let kept = self.ledger.keep_configuration(now, text).await;
            kept.map_err(|error| ledger_pause(&error))?;
            let first = self.ledger.first_configuration(now).await.map_err(|error| ledger_pause(&error))?;
            self.rulebook.kept().first = Some(first);
        }
        let older = self.rulebook.planned_under(run).filter(|hash| hash != now);
        let Some(older) = older else { return Ok(()) };
        let is_open = self.rulebook.kept().older.contains_key(&older);
        if is_open {
            return Ok(());
        }
        let text = self.ledger.configuration(&older).await.map_err(|error| ledger_pause(&error))?;
        let Some(settings) = text.as_deref().and_then(reads) else {
            let why = format!("the configuration {older} is not in the ledger, or this version cannot read it");
            return Err(Pause::backoff("configuration_unreadable", why));
        };
        let settings = Settings { configuration: Some(older.clone()), ..settings };
        let settings = Arc::new(self.settings.planned_under(&settings));
        self.rulebook.kept().older.insert(older, settings);
        Ok(())
    }

    /// What a run goes by.
    pub(crate) fn going_by<R>(&self, run: &Run, does: impl FnOnce(&Settings) -> R) -> R {
        match self.rulebook.older(run) {
            Some(older) => does(&older),
            None => does(&self.settings),
        }
    }
}
