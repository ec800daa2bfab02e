//! The command: reads the configuration, asks, and says how it ends.

use deployment::Sight;
use jiff::Timestamp;
use platform::Environment;

use super::{PreviewArgs, Unforeseen, many, preview};
use crate::Exit;

/// Addresses are those of the functions, from the variables that these have; what is decided, a file says.
pub async fn run(asked: &PreviewArgs, environment: Environment) -> Result<(Exit, String), Unforeseen> {
    let sight = match Sight::from_environment(environment, &asked.config).await {
        Ok(sight) => sight,
        Err(why) => {
            eprintln!("closedwon: {why}");
            return Ok((Exit::Misunderstood, String::new()));
        }
    };
    let at = asked.at.unwrap_or_else(Timestamp::now);
    match (&asked.opportunity, &asked.soql) {
        (Some(id), _) => {
            let preview = preview(&sight, id, at).await?;
            Ok((preview.exit(), if asked.json { preview.to_json() } else { preview.to_string() }))
        }
        (None, soql) => {
            let previews = many(&sight, soql.as_deref().unwrap_or_default(), asked.most, at).await?;
            Ok((previews.exit(), if asked.json { previews.to_json() } else { previews.to_string() }))
        }
    }
}
