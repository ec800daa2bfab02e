use lambda_runtime::{Error, LambdaEvent, service_fn};
use platform::Environment;
use stripe_webhook::{App, handle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    platform::init_logging();
    let app = App::from_environment(Environment::from_process()).await.inspect_err(|error| {
        tracing::error!(%error, "not starting");
    })?;
    let app = &app;
    lambda_runtime::run(service_fn(move |event: LambdaEvent<_>| async move { handle(app, event).await })).await
}
