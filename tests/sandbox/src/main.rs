//! The sandbox as a program: all services on loopback until it is told to stop.

mod args;

use args::Args;
use sandbox::{Sandbox, SandboxConfig, salesforce, stripe};
use std::io::{Read, Write};
use std::path::Path;
use std::process::ExitCode;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let args = match Args::parse(std::env::args().skip(1)) {
        Ok(Some(args)) => args,
        Ok(None) => {
            println!("{}", args::USAGE);
            return ExitCode::SUCCESS;
        }
        Err(complaint) => {
            eprintln!("sandbox: {complaint}\n\n{}", args::USAGE);
            return ExitCode::from(2);
        }
    };
    match run(args).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sandbox: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(args: Args) -> Result<(), String> {
    let mut terminated = signal(SignalKind::terminate()).map_err(|error| format!("listening for SIGTERM: {error}"))?;
    let sandbox = Sandbox::start(config(&args)).await?;
    let line = ready_line(&args, &sandbox);
    println!("{line}");
    std::io::stdout().flush().map_err(|error| format!("writing to stdout: {error}"))?;
    if let Some(path) = &args.ready_file {
        write_whole(path, &line)?;
    }
    tokio::select! {
        _ = terminated.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
        () = stdin_closed(args.until_stdin_closes) => {}
    }
    sandbox.stop();
    Ok(())
}

fn config(args: &Args) -> SandboxConfig {
    let restricted = args.stripe_keys.iter().map(|secret| stripe::Key::restricted(secret, &args.stripe_permissions()));
    let keys = std::iter::once(stripe::Key::full("sk_test_sandbox")).chain(restricted).collect();
    let org = salesforce::Config::for_project(&args.salesforce_project);
    SandboxConfig {
        stripe: stripe::Config {
            keys,
            rate_limit_per_s: args.stripe_rate_limit,
            endpoint_limit_per_s: args.stripe_endpoint_limit,
            tax_rates: args.stripe_tax.clone(),
            ..stripe::Config::default()
        },
        salesforce: salesforce::Config {
            org_id: args.org_id.clone().unwrap_or(org.org_id),
            client_id: args.salesforce_client_id.clone().unwrap_or(org.client_id),
            client_secret: args.salesforce_client_secret.clone().unwrap_or(org.client_secret),
            hold_rows_ms: args.salesforce_hold_rows_ms.map(i64::from),
            ..salesforce::Config::for_project(&args.salesforce_project)
        },
        stripe_port: args.stripe_port,
        salesforce_port: args.salesforce_port,
        ..SandboxConfig::for_project(&args.salesforce_project)
    }
}

/// Every address and credential, so that nobody has to look for one. They open nothing but this sandbox.
fn ready_line(args: &Args, sandbox: &Sandbox) -> String {
    let org = config(args).salesforce;
    let line = serde_json::json!({
        "stripe_url": sandbox.stripe_url(),
        "stripe_key": "sk_test_sandbox",
        "stripe_restricted_keys": args.stripe_keys,
        "salesforce_url": sandbox.salesforce_url(),
        "slack_webhook": sandbox.slack_webhook(),
        "salesforce_client_id": org.client_id,
        "salesforce_client_secret": org.client_secret,
        "salesforce_admin_client_id": org.admin_client_id,
        "salesforce_admin_client_secret": org.admin_client_secret,
        "org_id": org.org_id,
    });
    line.to_string()
}

/// Whoever waits for the file must never read half of it.
fn write_whole(path: &Path, line: &str) -> Result<(), String> {
    let partial = path.with_extension("partial");
    let written = std::fs::write(&partial, format!("{line}\n")).and_then(|()| std::fs::rename(&partial, path));
    written.map_err(|error| format!("writing {}: {error}", path.display()))
}

/// Ends when the parent closes our stdin, which it does even when it is killed.
async fn stdin_closed(watched: bool) {
    if !watched {
        return std::future::pending().await;
    }
    let (closed, wait) = oneshot::channel();
    std::thread::spawn(move || {
        let mut discarded = [0; 1024];
        while matches!(std::io::stdin().read(&mut discarded), Ok(1..)) {}
        let _ = closed.send(());
    });
    let _ = wait.await;
}
