//! Salesforce is asked in the organization's names for fields, and answers are read under the package's.

use domain::Record;
use mapping::{FieldNames, RecordQuery, Update};

use crate::{Engine, Pause, Salesforce, World, convert};

impl<W: World> Engine<W> {
    fn names(&self) -> &FieldNames {
        &self.settings.lens.names
    }

    /// One call.
    pub(crate) async fn ask(&self, queries: &[RecordQuery]) -> Result<Vec<Vec<Record>>, salesforce::Error> {
        let answers = self.salesforce.read(&self.in_soql(queries)).await?;
        Ok(self.read_as(queries, answers))
    }

    /// With what rules ask for. Where Salesforce does not let just that be read, without it, and why: nothing waits for rules about what becomes
    /// of a deal afterwards.
    pub(crate) async fn ask_for_rules(
        &self,
        asking: Vec<RecordQuery>,
        without: &[RecordQuery],
    ) -> Result<(Vec<Vec<Record>>, Option<String>), salesforce::Error> {
        match self.ask(&asking).await {
            Err(salesforce::Error::Refused(why)) if asking != without => {
                let answers = self.ask(without).await?;
                let said = format!("What rules ask of cannot be read: {} ({}).", why.message, why.error_code);
                Ok((answers, Some(said)))
            }
            answers => answers.map(|answers| (answers, None)),
        }
    }

    /// The same, where a failure is a reason to come back.
    pub(crate) async fn ask_again_later(&self, queries: &[RecordQuery]) -> Result<Vec<Vec<Record>>, Pause> {
        self.ask(queries).await.map_err(|error| convert::salesforce_pause(&error, self.now()))
    }

    /// Writes, and reads back what stands there then.
    pub(crate) async fn tell_salesforce(
        &self,
        updates: &[Update],
        read_back: &[RecordQuery],
    ) -> Result<Vec<Vec<Record>>, salesforce::Error> {
        let updates: Vec<_> = updates.iter().map(|update| convert::update(update, self.names())).collect();
        let answers = self.salesforce.write(&updates, &self.in_soql(read_back)).await?;
        Ok(self.read_as(read_back, answers))
    }

    pub(crate) fn in_soql(&self, queries: &[RecordQuery]) -> Vec<String> {
        queries.iter().map(|query| convert::soql(query, self.names())).collect()
    }

    pub(crate) fn read_as(&self, queries: &[RecordQuery], answers: Vec<Vec<Record>>) -> Vec<Vec<Record>> {
        let read = |(query, records): (&RecordQuery, Vec<Record>)| {
            records.into_iter().map(|record| self.names().read(query.object, record)).collect()
        };
        queries.iter().zip(answers).map(read).collect()
    }
}
