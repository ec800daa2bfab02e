//! Long results, kept for the pages that have not been asked for yet.

use std::collections::{HashMap, VecDeque};

use crate::salesforce::error::ApiError;
use crate::salesforce::json::Json;

/// The oldest result is forgotten when there are more; clients that finish what they began never see it.
const KEPT: usize = 50;

#[derive(Debug, Default)]
pub struct Cursors {
    results: HashMap<String, Vec<Json>>,
    oldest_first: VecDeque<String>,
    made: usize,
}

impl Cursors {
    /// Keeps all rows of a result, and names it.
    pub fn park(&mut self, rows: &[Json]) -> String {
        self.made += 1;
        let cursor = format!("01gSBX{:09}", self.made);
        self.results.insert(cursor.clone(), rows.to_vec());
        self.oldest_first.push_back(cursor.clone());
        while self.oldest_first.len() > KEPT {
            if let Some(oldest) = self.oldest_first.pop_front() {
                self.results.remove(&oldest);
            }
        }
        cursor
    }

    /// The cursor, its rows, and where a locator like `01gSBX000000001-2000` continues.
    pub fn locate<'a>(&'a self, locator: &'a str) -> Result<(&'a str, &'a [Json], usize), ApiError> {
        let found = locator.split_once('-').and_then(|(cursor, from)| {
            let rows = self.results.get(cursor)?;
            let from = from.parse().ok().filter(|from| *from < rows.len())?;
            Some((cursor, rows.as_slice(), from))
        });
        found.ok_or_else(|| ApiError::new(400, "INVALID_QUERY_LOCATOR", "invalid query locator"))
    }
}
