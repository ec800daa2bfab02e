//! The configuration file, which is packaged beside the functions.

use std::path::{Path, PathBuf};

use configuration::{Configuration, FILE_NAME};
use domain::ConfigurationHash;
use engine::Rulebook;
use platform::{ConfigError, Environment};

/// Where it is, when it is not beside the function.
const FILE: &str = "CONFIGURATION_FILE";
/// Where Lambda unpacked the function.
const TASK_ROOT: &str = "LAMBDA_TASK_ROOT";

/// What the file and the environment say, with the file itself; or everything that is wrong with the two.
pub(crate) fn from_file<T>(
    path: &Path,
    environment: Environment,
    reads: impl Fn(Environment, Configuration) -> Result<T, ConfigError>,
) -> Result<(T, String), ConfigError> {
    match configuration(path) {
        Ok((text, configuration)) => {
            let hash = configuration.settings.configuration.as_ref().map(ConfigurationHash::as_str);
            tracing::info!(file = %path.display(), hash, "the configuration was read");
            Ok((reads(environment, configuration)?, text))
        }
        // With what the environment lacks, so that both are mended by one deployment.
        Err(mut problems) => {
            let others = reads(environment, Configuration::standard()).err();
            problems.extend(others.into_iter().flat_map(|error| error.problems));
            Err(ConfigError { problems })
        }
    }
}

/// The file, with the ones before it as they are read for what was planned under them.
pub(crate) fn rulebook(text: String) -> Rulebook {
    Rulebook::of(text, |text| Configuration::read_kept(text).ok().map(|read| read.settings))
}

/// Beside the function, unless the environment says where else.
pub(crate) fn beside(environment: &Environment) -> PathBuf {
    let named = environment.optional(FILE).map(PathBuf::from);
    let unpacked = environment.optional(TASK_ROOT).map(|root| PathBuf::from(root).join(FILE_NAME));
    let beside = || Some(std::env::current_exe().ok()?.parent()?.join(FILE_NAME));
    named.or(unpacked).or_else(beside).unwrap_or_else(|| PathBuf::from(FILE_NAME))
}

/// A file that is not there was left out of the package, and what it would have decided is not guessed.
fn configuration(path: &Path) -> Result<(String, Configuration), Vec<String>> {
    let text = std::fs::read_to_string(path).map_err(|why| {
        let path = path.display();
        vec![format!("{path} cannot be read ({why}): package {FILE_NAME} beside the function, or name it in {FILE}")]
    })?;
    let placed = |problem: &configuration::Problem| format!("{FILE_NAME}:{problem}");
    let read = Configuration::read(&text).map_err(|problems| problems.iter().map(placed).collect::<Vec<_>>())?;
    Ok((text, read))
}
