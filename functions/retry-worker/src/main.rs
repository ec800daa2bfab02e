use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use lambda_runtime::{Error, LambdaEvent, service_fn};
use platform::Environment;
use retry_worker::{App, handle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    platform::init_logging();
    let app = App::from_environment(Environment::from_process()).await.inspect_err(|error| {
        tracing::error!(%error, "not starting");
    })?;
    let app = &app;
    lambda_runtime::run(service_fn(move |event: LambdaEvent<SqsEvent>| async move {
        Ok::<SqsBatchResponse, Error>(handle(app, event).await)
    }))
    .await
}
