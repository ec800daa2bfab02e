//! The command as a shell runs it: its output is no terminal here.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

struct File(PathBuf);

impl File {
    fn of(name: &str, text: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::write(&path, text).expect("written");
        Self(path)
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn run(arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_closedwon"));
    for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "CI"] {
        command.env_remove(name);
    }
    command.args(arguments).envs(variables.iter().copied()).output().expect("run")
}

fn printed(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("text")
}

#[test]
fn colours_are_as_they_are_asked_for() {
    let file = File::of("colours.toml", "[won]\nstages = 3\n");
    let path = file.0.to_str().expect("a path of text");
    let check = |more: &[&str], variables: &[(&str, &str)]| {
        let output = run(&[&["config", "check", path], more].concat(), variables);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        printed(&output)
    };
    let plain = check(&[], &[]);
    assert!(plain.contains(": wrong_type: ") && !plain.contains('\x1b'), "{plain:?}");
    let coloured = check(&["--color", "always"], &[]);
    assert!(coloured.contains("\x1b[1m\x1b[31mwrong_type\x1b[0m: "), "{coloured:?}");
    assert_eq!(anstream::adapter::strip_str(&coloured).to_string(), plain);
    // What is said on the line counts for more than the environment.
    assert_eq!(check(&["--color=always"], &[("NO_COLOR", "1")]), coloured);
    assert_eq!(check(&["--color", "never"], &[("CLICOLOR_FORCE", "1")]), plain);
    assert_eq!(check(&[], &[("CLICOLOR_FORCE", "1")]), coloured);
    assert_eq!(check(&[], &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]), plain);
    let json = check(&["--color", "always", "--json"], &[]);
    assert!(json.starts_with('{') && !json.contains('\x1b'), "{json:?}");
}

#[test]
fn help_and_errors_go_by_the_same_choice() {
    for (arguments, is_coloured) in [
        (["--color", "always", "--help"], true),
        (["--color", "never", "--help"], false),
        (["config", "--help", "--color=always"], true),
        (["config", "check", "--help"], false),
        (["explian", "--color", "always"], true),
        (["explian", "--color", "never"], false),
        (["config", "--color", "purple"], false),
    ] {
        let output = run(&arguments, &[]);
        let text = printed(&output) + &String::from_utf8_lossy(&output.stderr);
        assert_eq!(text.contains('\x1b'), is_coloured, "{arguments:?}: {text:?}");
    }
}

/// A deployment of which nothing can be reached: nobody listens at these addresses.
const UNREACHED: &[(&str, &str)] = &[
    ("AWS_ACCESS_KEY_ID", "x"),
    ("AWS_EC2_METADATA_DISABLED", "true"),
    ("AWS_ENDPOINT_URL", "http://127.0.0.1:9"),
    ("AWS_MAX_ATTEMPTS", "1"),
    ("AWS_REGION", "us-east-1"),
    ("AWS_SECRET_ACCESS_KEY", "x"),
    ("BULK_QUEUE_URL", "http://127.0.0.1:9/bulk"),
    ("DEAD_LETTER_QUEUE_URL", "http://127.0.0.1:9/letters"),
    ("ENVIRONMENT", "test"),
    ("FOLLOWED_EVENTS", "none"),
    ("LEDGER_TABLE", "ledger"),
    ("SALESFORCE_API_VERSION", "v67.0"),
    ("SALESFORCE_CREDENTIALS_SECRET_ARN", "arn:aws:secretsmanager:us-east-1:1:secret:salesforce"),
    ("SALESFORCE_LOGIN_URL", "http://127.0.0.1:9"),
    ("SALESFORCE_ORG_ID", "00D000000000001EAA"),
    ("SETTLE_SECONDS", "5"),
    ("STRIPE_ALLOW_FULL_ACCESS_KEY", "false"),
    ("STRIPE_API_BASE", "http://127.0.0.1:9"),
    ("STRIPE_API_KEY_SECRET_ARN", "arn:aws:secretsmanager:us-east-1:1:secret:stripe"),
    ("STRIPE_LIVEMODE", "false"),
    ("WORK_QUEUE_URL", "http://127.0.0.1:9/work"),
];

/// Whoever does not watch is told nothing of how far it is, and what is printed is the answer alone.
#[test]
fn progress_is_for_terminals() {
    let file = File::of("progress.toml", "");
    let path = file.0.to_str().expect("a path of text");
    let output = run(&["doctor", "--config", path], UNREACHED);
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr).as_ref()), (Some(1), ""));
    let text = printed(&output);
    assert!(text.starts_with("FAILING     stripe.key ") && !text.contains(['\x1b', '\r']), "{text:?}");
    let coloured = printed(&run(&["doctor", "--config", path, "--color", "always"], UNREACHED));
    assert!(coloured.starts_with("\x1b[1m\x1b[31mFAILING\x1b[0m     stripe.key "), "{coloured:?}");
}
