//! The command: reads the configuration, asks, and says how it ends.

use std::fmt::Display;

use deployment::Sight;
use jiff::Timestamp;
use platform::Environment;

use super::args::Wanted;
use super::{Many, PreviewArgs, Unforeseen, list, many, preview};
use crate::Exit;
use crate::terminal::Terminal;

/// Addresses are those of the functions, from the variables that these have; what is decided, a file says.
pub async fn run(
    asked: &PreviewArgs,
    environment: Environment,
    terminal: Terminal,
) -> Result<(Exit, String), Unforeseen> {
    let misunderstood = |why: &dyn Display| {
        eprintln!("closedwon: {why}");
        Ok((Exit::Misunderstood, String::new()))
    };
    let wanted = match asked.wanted() {
        Ok(wanted) => wanted,
        Err(why) => return misunderstood(&why),
    };
    let sight = match Sight::from_environment(environment, &asked.config).await {
        Ok(sight) => sight,
        Err(why) => return misunderstood(&why),
    };
    let at = asked.at.unwrap_or_else(Timestamp::now);
    let progress = terminal.progress(asked.json);
    let shown = |many: Many| (many.exit(), if asked.json { many.to_json() } else { terminal.text(&many) });
    match wanted {
        Wanted::Deal(id) => {
            let preview = preview(&sight, id, at).await?;
            Ok((preview.exit(), if asked.json { preview.to_json() } else { terminal.text(&preview) }))
        }
        Wanted::Query(soql, most) => many(&sight, soql, most, at, progress.as_ref()).await.map(shown),
        Wanted::List(name, most) => match list(&sight, name, most, at, progress.as_ref()).await {
            Ok(many) => Ok(shown(many)),
            Err(why) => {
                progress.end();
                eprintln!("closedwon: {why}");
                Ok((why.exit(), String::new()))
            }
        },
    }
}
